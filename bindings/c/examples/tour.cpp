// What else memlith.hpp has beside what agent.cpp shows, once, into a file that must not be there yet.
//
//     c++ -std=c++17 tour.cpp -lmemlith -o tour && ./tour tour.lith
#include "memlith.hpp"

#include <cstdio>

static void say(const char *what, const std::string &text) { std::printf("%s: %s\n", what, text.c_str()); }

int main(int argc, char **argv) try {
    const std::string path = argc > 1 ? argv[1] : "tour.lith";
    memlith::Db db = memlith::Db::open(path);
    db.remember(memlith::NewMemory("Ada prefers tea to coffee"));

    // Another thread could end a recall; here it has done so already.
    memlith::Cancellation stop;
    stop.cancel();
    try {
        db.recall(memlith::Recall().text("tea").cancellation(stop));
    } catch (const memlith::Error &error) {
        say("recall", ml_status_name(error.status()));
    }
    try {
        db.read().recall_json(R"({"text": "tea"})", &stop);
    } catch (const memlith::Error &error) {
        say("recall in JSON", ml_status_name(error.status()));
    }
    try {
        db.read().graph().search(R"({"text": "tea"})", &stop);
    } catch (const memlith::Error &error) {
        say("search of the graph", ml_status_name(error.status()));
    }
    try {
        db.read().context(R"({"text": "tea"})", &stop);
    } catch (const memlith::Error &error) {
        say("context", ml_status_name(error.status()));
    }

    // A graph as networkx has it, with what was found out about its nodes.
    memlith::Transaction tx = db.begin();
    memlith::GraphWriter writer = tx.graph();
    auto [nodes, edges] = writer.import_document(
        R"({"nodes": [{"id": "ada", "name": "Ada Lovelace"}], "links": [{"source": "ada", "target": "london"}]})");
    say("imported", std::to_string(nodes) + " nodes, " + std::to_string(edges) + " edges");
    say("ranked", std::to_string(writer.write_property("rank", {{"ada", "0.5"}, {"nobody", "0.1"}})));
    tx.commit();
    say("by name", db.read().graph().search(R"({"text": "lovelace"})"));
    try {
        db.read().graph().analyse(R"({"what": "page_rank"})", nullptr, &stop);
    } catch (const memlith::Error &error) {
        say("ranks", ml_status_name(error.status()));
    }

    {
        memlith::Pause held = db.pause_background();
        say("while it is held up", db.stats());
    }
    db.close();

    say("salvaged", memlith::salvage(path, path + ".saved"));
    return 0;
} catch (const memlith::Error &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
