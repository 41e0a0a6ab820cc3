/* Memlith: one file that remembers and recalls. The C interface; this header is its manual.
 *
 *     ml_db *db;
 *     ml_error *error;
 *     if (ml_db_open(ML_STR("agent.lith"), NULL, &db, &error) != ML_OK) {
 *         ml_str why = ml_error_message(error);
 *         fprintf(stderr, "%.*s\n", (int)why.len, why.ptr);
 *         ml_error_free(error);
 *         return 1;
 *     }
 *     ml_new_memory memory = ml_new_memory_init();
 *     memory.content = ML_STR("Ada prefers tea");
 *     ml_db_remember(db, &memory, NULL, NULL);
 *     ml_db_close(db, NULL);
 *
 * examples/agent.c is a whole program; memlith.hpp wraps all of this for C++17.
 *
 * Results.      Every call that can fail returns an ml_status, and says more through `ml_error **error`,
 *               its last argument, which may be NULL. Other results go to where an argument points,
 *               and only if the status is ML_OK.
 * Arguments.    Are borrowed for the call and copied if they are kept (but for embedders, which say what
 *               is). Text is UTF-8 with a length; `ML_STR` and `ml_cstr` make it.
 * Objects.      ml_db, ml_tx and so on are yours when you get them, and each has one call that gives it
 *               back: ..._close, ..._commit or ..._rollback, ..._free; NULL is fine there. A handle
 *               only looks like a pointer: used after that, or as another kind, it is an error
 *               (ML_STALE_HANDLE, ML_BAD_HANDLE) and nothing worse. Any other pointer must point to
 *               what its type says.
 * Views.        ml_str and arrays in results lie in an object, and are valid until it is given back.
 * Structures.   Begin with their struct_size, which an ..._init() sets with every default. So a program
 *               runs with a newer library, and an older one refuses only what it does not know.
 * Threads.      Whatever is not said to be of one thread can be used from any, by several at once; an
 *               object must not be given back while another thread reads views of it.
 * Defects.      A panic of the library becomes ML_PANIC; the handle takes no more calls then.
 */
