/* Text of a literal, with its length. */
#ifdef __cplusplus
#define ML_STR(literal) (ml_str{(literal), sizeof(literal) - 1})
#else
#define ML_STR(literal) ((ml_str){(literal), sizeof(literal) - 1})
#endif

/* Text that a zero ends; NULL is no text. */
static inline ml_str ml_cstr(const char *text) {
    ml_str view;
    view.ptr = text;
    view.len = text == NULL ? 0 : strlen(text);
    return view;
}

/* A vector. */
static inline ml_floats ml_floats_of(const float *numbers, size_t count) {
    ml_floats view;
    view.ptr = numbers;
    view.len = count;
    return view;
}

/* Every default. */
static inline ml_options ml_options_init(void) {
    ml_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.background_threads = -1;
    options.memory_limit = ML_DEFAULT;
    options.busy_timeout_ms = ML_DEFAULT;
    options.close_timeout_ms = ML_DEFAULT;
    options.background_io = ML_DEFAULT;
    options.snapshot_max_age_ms = ML_DEFAULT;
    options.snapshot_max_bytes = ML_DEFAULT;
    options.log_max_rows = ML_DEFAULT;
    options.log_max_age_ms = ML_DEFAULT;
    options.seal_bytes = ML_DEFAULT;
    options.graph_delta_bytes = ML_DEFAULT;
    options.graph_bytes = ML_DEFAULT;
    options.answer_cache_bytes = ML_DEFAULT;
    options.graph_cache_bytes = ML_DEFAULT;
    options.embedding_cache_bytes = ML_DEFAULT;
    options.max_searches = ML_DEFAULT;
    options.embedding_file_bytes = ML_DEFAULT;
    return options;
}

/* An embedder that says nothing yet: give identity, dimension and embed. */
static inline ml_embedder ml_embedder_init(void) {
    ml_embedder embedder;
    memset(&embedder, 0, sizeof embedder);
    embedder.struct_size = sizeof embedder;
    return embedder;
}

/* Nobody is told: give call. */
static inline ml_progress ml_progress_init(void) {
    ml_progress progress;
    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    return progress;
}

/* Nothing said. */
static inline ml_write_options ml_write_options_init(void) {
    ml_write_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    return options;
}

/* Every default: give the content. */
static inline ml_new_memory ml_new_memory_init(void) {
    ml_new_memory memory;
    memset(&memory, 0, sizeof memory);
    memory.struct_size = sizeof memory;
    memory.importance = (float)ML_DEFAULT_IMPORTANCE;
    memory.priority = ML_DEFAULT_PRIORITY;
    memory.created_ms = ML_NO_TIME;
    memory.expires_ms = ML_NO_TIME;
    return memory;
}

/* No memories: give count and contents. */
static inline ml_batch ml_batch_init(void) {
    ml_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    return batch;
}

/* No nodes: give count and ids. */
static inline ml_node_batch ml_node_batch_init(void) {
    ml_node_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    return batch;
}

/* No edges: give count, sources, kinds and targets. */
static inline ml_edge_batch ml_edge_batch_init(void) {
    ml_edge_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    return batch;
}

/* A place for a memory that is read. */
static inline ml_memory ml_memory_init(void) {
    ml_memory memory;
    memset(&memory, 0, sizeof memory);
    memory.struct_size = sizeof memory;
    return memory;
}

/* A place for a hit. */
static inline ml_hit ml_hit_init(void) {
    ml_hit hit;
    memset(&hit, 0, sizeof hit);
    hit.struct_size = sizeof hit;
    return hit;
}

/* Every default, and nothing to look for yet. */
static inline ml_recall ml_recall_init(void) {
    ml_recall request;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.limit = 10;
    request.min_score = NAN;
    request.text_weight = 1.0f;
    request.vector_weight = 1.0f;
    request.half_life_ms = (uint64_t)30 * 24 * 3600 * 1000;
    return request;
}

/* Every default: give vectors, count and dimension. */
static inline ml_nearest ml_nearest_init(void) {
    ml_nearest request;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.limit = 10;
    request.min_score = NAN;
    return request;
}

/* Everything, newest first, a hundred a page. */
static inline ml_list ml_list_init(void) {
    ml_list list;
    memset(&list, 0, sizeof list);
    list.struct_size = sizeof list;
    list.limit = 100;
    return list;
}

/* Compared by cosine, of no embedder: give the dimension. */
static inline ml_space ml_space_init(void) {
    ml_space space;
    memset(&space, 0, sizeof space);
    space.struct_size = sizeof space;
    space.clip = 1.0f;
    return space;
}
