/* A small agent memory: remembers what it is told, and answers with what it remembers.
 *
 *     cc -std=c11 agent.c -lmemlith -o agent && ./agent
 */
#include "memlith.h"

#include <stdio.h>
#include <stdlib.h>

/* Ends the program with what went wrong. */
static void check(ml_status status, ml_error *error) {
    if (status == ML_OK) {
        return;
    }
    ml_str why = ml_error_message(error);
    fprintf(stderr, "%s: %.*s\n", ml_status_name(status), (int)why.len, why.ptr);
    ml_error_free(error);
    exit(1);
}

static void remember(ml_tx *tx, const char *kind, const char *content, float importance) {
    ml_error *error = NULL;
    ml_new_memory memory = ml_new_memory_init();
    memory.ns = ML_STR("assistant");
    memory.kind = ml_cstr(kind);
    memory.content = ml_cstr(content);
    memory.importance = importance;
    check(ml_tx_remember(tx, &memory, NULL, &error), error);
}

static void ask(ml_db *db, const char *question) {
    ml_error *error = NULL;
    ml_answer *answer = NULL;
    ml_recall request = ml_recall_init();
    request.text = ml_cstr(question);
    request.ns = ML_STR("assistant");
    request.filter = ML_STR("importance >= 0.3");
    request.limit = 2;
    check(ml_db_recall(db, &request, &answer, &error), error);

    printf("%s\n", question);
    for (size_t i = 0; i < ml_answer_len(answer); i++) {
        ml_hit hit = ml_hit_init();
        ml_memory memory = ml_memory_init();
        check(ml_answer_hit(answer, i, &hit, &error), error);
        check(ml_answer_memory(answer, i, &memory, &error), error);
        printf("  %.2f  %.*s\n", hit.score, (int)memory.content.len, memory.content.ptr);
    }
    ml_answer_free(answer);
}

int main(int argc, char **argv) {
    ml_error *error = NULL;
    ml_db *db = NULL;
    ml_tx *tx = NULL;
    const char *path = argc > 1 ? argv[1] : "agent.lith";
    check(ml_db_open(ml_cstr(path), NULL, &db, &error), error);

    /* Several memories at once, or none. */
    ml_write_options options = ml_write_options_init();
    options.actor = ML_STR("agent.c");
    check(ml_tx_begin(db, &options, &tx, &error), error);
    remember(tx, "fact", "Ada is allergic to peanuts", 0.9f);
    remember(tx, "fact", "Ada prefers tea to coffee", 0.6f);
    remember(tx, "plan", "Lunch with Ada on Friday", 0.5f);
    remember(tx, "noise", "The radiator in the tea kitchen hums", 0.1f);
    check(ml_tx_commit(tx, NULL, &error), error);

    ask(db, "what must Ada not eat? peanuts?");
    ask(db, "tea or coffee?");

    check(ml_db_close(db, &error), error);
    return 0;
}
