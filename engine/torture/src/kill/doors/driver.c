/* Carries out a script through the C door: see script.rs and driver.rs for what is said and done. */
#include "memlith.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DIMENSION 160
#define VECTORS 251
#define MAX_WORDS 5
#define MAX_WRITERS 16

/* What one writer does in a stage: its lines, without the number of the writer. */
typedef struct task {
    ml_db *db;
    int writer;
    char **lines;
    size_t count;
} task;

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void check(ml_status status, ml_error *error) {
    if (status != ML_OK) {
        ml_str why = ml_error_message(error);
        fprintf(stderr, "%s: %.*s\n", ml_status_name(status), (int)why.len, why.ptr);
        exit(1);
    }
}

/* A line in one write. */
static void say(const char *word, const char *what, const char *rest) {
    char line[512];
    int len = snprintf(line, sizeof line, "%s\t%s%s\n", word, what, rest);
    if (len < 0 || len >= (int)sizeof line || write(1, line, (size_t)len) != len) {
        fail("a line could not be said");
    }
}

/* Splits a line at its tabs. */
static size_t split(char *line, char *words[MAX_WORDS]) {
    size_t count = 0;
    while (count < MAX_WORDS) {
        words[count++] = line;
        line = count < MAX_WORDS ? strchr(line, '\t') : NULL;
        if (line == NULL) {
            break;
        }
        *line++ = '\0';
    }
    return count;
}

static void put(ml_tx *tx, ml_str ns, char *words[MAX_WORDS]) {
    ml_error *error = NULL;
    float numbers[DIMENSION];
    ml_str tag = ml_cstr(words[3]);
    const char *space = strchr(words[3], ' ');
    ml_vector vector = {{NULL, 0}, {numbers, DIMENSION}};
    ml_new_memory memory = ml_new_memory_init();
    if (space != NULL) {
        tag.len = (size_t)(space - words[3]);
    }
    memory.ns = ns;
    memory.external_id = ml_cstr(words[1]);
    memory.content = ml_cstr(words[3]);
    memory.tags = &tag;
    memory.tag_count = 1;
    if (strcmp(words[2], "-") != 0) {
        unsigned long number = strtoul(words[2], NULL, 10);
        for (unsigned long i = 0; i < DIMENSION; i++) {
            numbers[i] = (float)(number * (i + 1) % VECTORS) - 125.0f;
        }
        memory.vectors = &vector;
        memory.vector_count = 1;
    }
    check(ml_tx_upsert(tx, &memory, NULL, NULL, &error), error);
}

static void forget(ml_tx *tx, ml_str ns, const char *id) {
    ml_error *error = NULL;
    ml_memories *found = NULL;
    check(ml_tx_get_external(tx, ns, ml_cstr(id), &found, &error), error);
    if (ml_memories_len(found) > 0) {
        ml_memory memory = ml_memory_init();
        check(ml_memories_at(found, 0, &memory, &error), error);
        check(ml_tx_forget(tx, memory.id, NULL, &error), error);
    }
    ml_memories_free(found);
}

/* A transaction, from behind its first line; how many lines it takes. */
static size_t transact(const task *task, size_t at, const char *key, const char *ending) {
    ml_error *error = NULL;
    ml_tx *tx = NULL;
    uint64_t seq = 0;
    char name[16], rest[64];
    int relaxed = strcmp(ending, "relaxed") == 0;
    ml_write_options options = ml_write_options_init();
    snprintf(name, sizeof name, "w%d", task->writer);
    options.reason = ml_cstr(key);
    options.idempotency_key = ml_cstr(key);
    options.durability = relaxed ? ML_RELAXED : ML_DURABLE;
    say("begin", key, "");
    check(ml_tx_begin(task->db, &options, &tx, &error), error);
    for (; at < task->count; at++) {
        char *words[MAX_WORDS];
        size_t count = split(task->lines[at], words);
        if (strcmp(words[0], "put") == 0 && count == 4) {
            put(tx, ml_cstr(name), words);
        } else if (strcmp(words[0], "forget") == 0 && count == 2) {
            forget(tx, ml_cstr(name), words[1]);
        } else {
            break;
        }
    }
    if (strcmp(ending, "gives-up") == 0) {
        check(ml_tx_rollback(tx, &error), error);
        say("done", key, "");
    } else {
        check(ml_tx_commit(tx, &seq, &error), error);
        snprintf(rest, sizeof rest, "\t%llu\t%s", (unsigned long long)seq, relaxed ? "relaxed" : "durable");
        say("done", key, rest);
    }
    return at + 1;
}

static void upkeep(const task *task, const char *word) {
    ml_error *error = NULL;
    char what[64];
    snprintf(what, sizeof what, "%s/%d", word, task->writer);
    say("begin", what, "");
    if (strcmp(word, "checkpoint") == 0) {
        check(ml_db_checkpoint(task->db, &error), error);
    } else if (strcmp(word, "rebuild") == 0) {
        check(ml_db_rebuild(task->db, NULL, &error), error);
    } else if (strcmp(word, "flush") == 0) {
        check(ml_db_flush(task->db, &error), error);
    } else {
        fail(word);
    }
    say("done", what, "");
}

static void *carry_out(void *argument) {
    const task *task = argument;
    for (size_t at = 0; at < task->count;) {
        char *words[MAX_WORDS];
        size_t count = split(task->lines[at++], words);
        if (strcmp(words[0], "begin") == 0 && count == 3) {
            at = transact(task, at, words[1], words[2]);
        } else {
            upkeep(task, words[0]);
        }
    }
    return NULL;
}

/* Opens the file, lets every writer do its lines, and closes it. */
static void stage(const char *path, task tasks[MAX_WRITERS]) {
    ml_error *error = NULL;
    ml_db *db = NULL;
    pthread_t threads[MAX_WRITERS];
    say("begin", "open", "");
    check(ml_db_open(ml_cstr(path), NULL, &db, &error), error);
    say("done", "open", "");
    for (int writer = 0; writer < MAX_WRITERS; writer++) {
        tasks[writer].db = db;
        tasks[writer].writer = writer;
        if (pthread_create(&threads[writer], NULL, carry_out, &tasks[writer]) != 0) {
            fail("no thread");
        }
    }
    for (int writer = 0; writer < MAX_WRITERS; writer++) {
        pthread_join(threads[writer], NULL);
        free(tasks[writer].lines);
    }
    say("begin", "close", "");
    check(ml_db_close(db, &error), error);
    say("done", "close", "");
}

int main(int argc, char **argv) {
    task tasks[MAX_WRITERS];
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int begun = 0;
    FILE *script = argc == 3 ? fopen(argv[2], "r") : NULL;
    if (script == NULL) {
        fail("usage: driver FILE SCRIPT");
    }
    memset(tasks, 0, sizeof tasks);
    while ((len = getline(&line, &room, script)) > 0) {
        char *rest = NULL;
        if (line[len - 1] == '\n') {
            line[len - 1] = '\0';
        }
        if (strcmp(line, "stage") == 0) {
            if (begun) {
                stage(argv[1], tasks);
                memset(tasks, 0, sizeof tasks);
            }
            begun = 1;
            continue;
        }
        unsigned long writer = strtoul(line, &rest, 10);
        if (writer >= MAX_WRITERS || *rest != '\t') {
            fail(line);
        }
        task *task = &tasks[writer];
        task->lines = realloc(task->lines, (task->count + 1) * sizeof *task->lines);
        if (task->lines == NULL || (task->lines[task->count++] = strdup(rest + 1)) == NULL) {
            fail("no memory");
        }
    }
    if (begun) {
        stage(argv[1], tasks);
    }
    free(line);
    fclose(script);
    return 0;
}
