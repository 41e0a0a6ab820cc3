// The same memory in C++: memlith.hpp gives objects back, and throws what goes wrong.
//
//     c++ -std=c++17 agent.cpp -lmemlith -o agent && ./agent
#include "memlith.hpp"

#include <cstdio>

int main(int argc, char **argv) try {
    memlith::Db db = memlith::Db::open(argc > 1 ? argv[1] : "agent.lith");

    memlith::Transaction tx = db.begin();
    tx.remember(memlith::NewMemory("Ada is allergic to peanuts").ns("assistant").importance(0.9f));
    tx.remember(memlith::NewMemory("Ada prefers tea to coffee").ns("assistant").tag("taste"));
    std::uint64_t seen = tx.remember(memlith::NewMemory("Ada moved to London").ns("assistant"));
    memlith::GraphWriter writer = tx.graph("assistant");
    writer.upsert(std::vector<memlith::NewNode>{{"ada", "person", "Ada Lovelace", {}, {"the \"first\""}, {}},
                                                {"london", "city", {}, {}, {}, {}}});
    writer.upsert(memlith::NewEdge{"ada", "lives_in", "london"});
    writer.upsert(memlith::NewEdge{"memory:" + std::to_string(seen), "mentions", "ada"});
    tx.commit();

    memlith::Answer answer = db.recall(memlith::Recall().text("tea or coffee?").ns("assistant").limit(1));
    for (const memlith::Hit &hit : answer) {
        std::printf("%.2f  %s\n", hit.score, hit.memory.content.c_str());
    }
    memlith::Snapshot now = db.read();
    memlith::GraphView graph = now.graph("assistant");
    std::printf("%s\n", graph.node("ada").value_or("nobody").c_str());
    std::printf("%s\n", graph.paths(R"({"from": "ada", "to": "london"})").c_str());
    std::printf("%s\n", now.context(R"({"text": "tea", "namespace": "assistant"})").c_str());
    for (const memlith::Hit &hit : now.recall_json(R"({"text": "+tea -coffee", "signs": true})")) {
        std::printf("%s\n", hit.memory.content.c_str());
    }
    db.close();
    return 0;
} catch (const memlith::Error &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
