/* Memlith for C++17: memlith.h with objects that give themselves back, and exceptions.
 *
 *     memlith::Db db = memlith::Db::open("agent.lith");
 *     db.remember(memlith::NewMemory("Ada prefers tea").kind("fact"));
 *     for (const memlith::Hit &hit : db.recall(memlith::Recall().text("what does Ada drink?"))) {
 *         std::cout << hit.score << ' ' << hit.memory.content << '\n';
 *     }
 *
 * Objects can be moved and not copied. A call that fails throws memlith::Error. What it returns owns its
 * text. Threads: as memlith.h says of each handle. `handle()` gives what the rest of memlith.h takes.
 */
#ifndef MEMLITH_HPP
#define MEMLITH_HPP

#include "memlith.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace memlith {

/* What a call that failed says. */
class Error : public std::runtime_error {
  public:
    Error(ml_status status, const std::string &message, std::string context)
        : std::runtime_error(message), status_(status), context_(std::move(context)) {}

    /* The kind, for programs. */
    ml_status status() const noexcept { return status_; }
    /* A JSON object: see ml_error_context. */
    const std::string &context() const noexcept { return context_; }

  private:
    ml_status status_;
    std::string context_;
};

namespace detail {

inline ml_str view(std::string_view text) { return ml_str{text.data(), text.size()}; }

inline ml_str view(const std::optional<std::string> &text) {
    return text ? view(std::string_view(text->empty() ? "" : text->c_str(), text->size()))
                : ml_str{nullptr, 0};
}

inline std::string text(ml_str view) { return std::string(view.ptr ? view.ptr : "", view.len); }

inline std::optional<std::string> text_if(ml_str view) {
    return view.ptr ? std::optional<std::string>(text(view)) : std::nullopt;
}

/* Throws if a call that got a place for its error has failed. */
inline void check(ml_status status, ml_error *error) {
    if (status == ML_OK) {
        return;
    }
    std::string message = text(ml_error_message(error));
    std::string context = text(ml_error_context(error));
    ml_error_free(error);
    throw Error(status, message.empty() ? ml_status_name(status) : message, std::move(context));
}

/* A handle that is given back once. */
template <typename T, ml_status (*Free)(T *)> class Owned {
  public:
    Owned() noexcept = default;
    explicit Owned(T *handle) noexcept : handle_(handle) {}
    Owned(Owned &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Owned &operator=(Owned &&other) noexcept {
        if (this != &other) {
            Free(std::exchange(handle_, std::exchange(other.handle_, nullptr)));
        }
        return *this;
    }
    Owned(const Owned &) = delete;
    Owned &operator=(const Owned &) = delete;
    ~Owned() { Free(handle_); }

    T *get() const noexcept { return handle_; }
    T *release() noexcept { return std::exchange(handle_, nullptr); }

  private:
    T *handle_ = nullptr;
};

inline ml_status close(ml_db *db) { return ml_db_close(db, nullptr); }
inline ml_status rollback(ml_tx *tx) { return ml_tx_rollback(tx, nullptr); }

/* Texts as a JSON array. */
inline std::string json(const std::vector<std::string> &texts) {
    static const char digits[] = "0123456789abcdef";
    std::string array = "[";
    for (const std::string &text : texts) {
        array += array.size() > 1 ? ",\"" : "\"";
        for (char c : text) {
            unsigned char byte = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\') {
                array += '\\';
                array += c;
            } else if (byte < 0x20) {
                array += "\\u00";
                array += digits[byte >> 4];
                array += digits[byte & 15];
            } else {
                array += c;
            }
        }
        array += '"';
    }
    return array + "]";
}

inline std::string take(ml_text *handle) {
    Owned<ml_text, ml_text_free> text(handle);
    return detail::text(ml_text_view(text.get()));
}

} // namespace detail

/* A memory that was read. */
struct Memory {
    std::uint64_t id = 0;
    std::string ns;
    std::optional<std::string> external_id;
    std::string content;
    std::optional<std::string> kind;
    std::optional<std::string> metadata; /* JSON */
    std::optional<std::string> agent, session, project, channel, source;
    std::vector<std::string> tags, spaces;
    float importance = 0, valence = 0;
    std::int64_t priority = 0;
    std::int64_t created_ms = 0, updated_ms = 0, expires_ms = ML_NO_TIME;
    std::uint64_t supersedes = 0, superseded_by = 0;

    explicit Memory(const ml_memory &view)
        : id(view.id), ns(detail::text(view.ns)), external_id(detail::text_if(view.external_id)),
          content(detail::text(view.content)), kind(detail::text_if(view.kind)),
          metadata(detail::text_if(view.metadata)), agent(detail::text_if(view.agent)),
          session(detail::text_if(view.session)), project(detail::text_if(view.project)),
          channel(detail::text_if(view.channel)), source(detail::text_if(view.source)),
          importance(view.importance), valence(view.valence), priority(view.priority),
          created_ms(view.created_ms), updated_ms(view.updated_ms), expires_ms(view.expires_ms),
          supersedes(view.supersedes), superseded_by(view.superseded_by) {
        for (std::size_t i = 0; i < view.tag_count; i++) {
            tags.push_back(detail::text(view.tags[i]));
        }
        for (std::size_t i = 0; i < view.space_count; i++) {
            spaces.push_back(detail::text(view.spaces[i]));
        }
    }
};

/* A memory to be remembered. Owns its text. */
class NewMemory {
  public:
    explicit NewMemory(std::string content) : content_(std::move(content)) {}

    NewMemory &ns(std::string text) { return ns_ = std::move(text), *this; }
    NewMemory &external_id(std::string text) { return external_id_ = std::move(text), *this; }
    NewMemory &kind(std::string text) { return kind_ = std::move(text), *this; }
    NewMemory &metadata(std::string json) { return metadata_ = std::move(json), *this; }
    NewMemory &agent(std::string text) { return agent_ = std::move(text), *this; }
    NewMemory &session(std::string text) { return session_ = std::move(text), *this; }
    NewMemory &project(std::string text) { return project_ = std::move(text), *this; }
    NewMemory &channel(std::string text) { return channel_ = std::move(text), *this; }
    NewMemory &source(std::string text) { return source_ = std::move(text), *this; }
    NewMemory &tag(std::string text) { return tags_.push_back(std::move(text)), *this; }
    NewMemory &importance(float number) { return importance_ = number, *this; }
    NewMemory &valence(float number) { return valence_ = number, *this; }
    NewMemory &priority(std::int64_t number) { return priority_ = number, *this; }
    NewMemory &created_ms(std::int64_t ms) { return created_ms_ = ms, *this; }
    NewMemory &expires_ms(std::int64_t ms) { return expires_ms_ = ms, *this; }
    NewMemory &vector(std::vector<float> numbers, std::string space = "default") {
        return vectors_.emplace_back(std::move(space), std::move(numbers)), *this;
    }

    /* Calls `use` with this memory as memlith.h has it. */
    template <typename Use> void as_c(Use use) const {
        std::vector<ml_str> tags;
        for (const std::string &tag : tags_) {
            tags.push_back(detail::view(std::string_view(tag)));
        }
        std::vector<ml_vector> vectors;
        for (const auto &[space, numbers] : vectors_) {
            vectors.push_back({detail::view(std::string_view(space)),
                               ml_floats{numbers.data(), numbers.size()}});
        }
        ml_new_memory memory = ml_new_memory_init();
        memory.ns = detail::view(ns_);
        memory.external_id = detail::view(external_id_);
        memory.content = detail::view(std::string_view(content_));
        memory.kind = detail::view(kind_);
        memory.metadata = detail::view(metadata_);
        memory.agent = detail::view(agent_);
        memory.session = detail::view(session_);
        memory.project = detail::view(project_);
        memory.channel = detail::view(channel_);
        memory.source = detail::view(source_);
        memory.tags = tags.data();
        memory.tag_count = tags.size();
        memory.vectors = vectors.data();
        memory.vector_count = vectors.size();
        memory.importance = importance_;
        memory.valence = valence_;
        memory.priority = priority_;
        memory.created_ms = created_ms_;
        memory.expires_ms = expires_ms_;
        use(memory);
    }

  private:
    std::string content_;
    std::optional<std::string> ns_, external_id_, kind_, metadata_, agent_, session_, project_,
        channel_, source_;
    std::vector<std::string> tags_;
    std::vector<std::pair<std::string, std::vector<float>>> vectors_;
    float importance_ = static_cast<float>(ML_DEFAULT_IMPORTANCE), valence_ = 0;
    std::int64_t priority_ = ML_DEFAULT_PRIORITY;
    std::int64_t created_ms_ = ML_NO_TIME, expires_ms_ = ML_NO_TIME;
};

/* What ends recalls of another thread, which throw ML_CANCELLED. Usable from any thread. */
class Cancellation {
  public:
    Cancellation() {
        ml_error *error = nullptr;
        ml_cancellation *made = nullptr;
        detail::check(ml_cancellation_new(&made, &error), error);
        handle_ = detail::Owned<ml_cancellation, ml_cancellation_free>(made);
    }
    ml_cancellation *handle() const { return handle_.get(); }
    void cancel() const {
        ml_error *error = nullptr;
        detail::check(ml_cancellation_cancel(handle_.get(), &error), error);
    }

  private:
    detail::Owned<ml_cancellation, ml_cancellation_free> handle_;
};

/* What to recall. Owns its text. */
class Recall {
  public:
    Recall &text(std::string text) { return text_ = std::move(text), *this; }
    Recall &vector(std::vector<float> numbers) { return vector_ = std::move(numbers), *this; }
    Recall &space(std::string text) { return space_ = std::move(text), *this; }
    Recall &ns(std::string text) { return ns_ = std::move(text), *this; }
    Recall &filter(std::string text) { return filter_ = std::move(text), *this; }
    Recall &limit(std::size_t count) { return request_.limit = count, *this; }
    Recall &min_score(float score) { return request_.min_score = score, *this; }
    Recall &weights(float text, float vector) {
        request_.text_weight = text;
        request_.vector_weight = vector;
        return *this;
    }
    Recall &recency(float weight, std::uint64_t half_life_ms) {
        request_.recency_weight = weight;
        request_.half_life_ms = half_life_ms;
        return *this;
    }
    Recall &importance(float weight) { return request_.importance_weight = weight, *this; }
    Recall &effort(std::int32_t effort) { return request_.effort = effort, *this; }
    Recall &deadline_ms(std::uint64_t ms) { return request_.deadline_ms = ms, *this; }
    Recall &include_superseded() { return request_.include_superseded = 1, *this; }
    Recall &explain() { return request_.explain = 1, *this; }
    /* What another thread may end it by; it must outlive the calls. */
    Recall &cancellation(const Cancellation &stop) { return request_.cancellation = stop.handle(), *this; }

    /* This request as memlith.h has it; valid as long as this is, unchanged. */
    ml_recall as_c() const {
        ml_recall request = request_;
        request.text = detail::view(text_);
        request.vector = ml_floats{vector_.data(), vector_.size()};
        request.space = detail::view(space_);
        request.ns = detail::view(ns_);
        request.filter = detail::view(filter_);
        return request;
    }

  private:
    ml_recall request_ = ml_recall_init();
    std::optional<std::string> text_, space_, ns_, filter_;
    std::vector<float> vector_;
};

/* A node to be written. Owns its text. */
struct NewNode {
    std::string id;
    std::optional<std::string> kind = {}, name = {}, properties = {}; /* the last one JSON */
    std::vector<std::string> tags, aliases;
    float importance = static_cast<float>(ML_DEFAULT_IMPORTANCE);
    std::int64_t created_ms = ML_NO_TIME;
};

/* An edge to be written, between nodes by their ids and memories by `memory:` and their number. Owns its
 * text. */
struct NewEdge {
    std::string source, kind, target;
    float weight = 1;
    std::optional<std::string> properties = {}; /* JSON */
    std::int64_t from_ms = ML_NO_TIME, until_ms = ML_NO_TIME, created_ms = ML_NO_TIME;
};

/* The graph of a namespace in a snapshot, which must outlive it. Questions and answers are JSON: memlith.h
 * says of which form. */
class GraphView {
  public:
    GraphView(const ml_snapshot *snapshot, std::string ns) : snapshot_(snapshot), ns_(std::move(ns)) {}

    std::optional<std::string> node(std::string_view id) const {
        return get([&](ml_text **json, ml_error **error) {
            return ml_snapshot_graph_node(snapshot_, ns(), detail::view(id), json, error);
        });
    }
    std::optional<std::string> edge(std::uint64_t number) const {
        return get([&](ml_text **json, ml_error **error) {
            return ml_snapshot_graph_edge(snapshot_, ns(), number, json, error);
        });
    }
    std::string nodes(std::uint64_t after = 0, std::size_t limit = 100) const {
        return *get([&](ml_text **json, ml_error **error) {
            return ml_snapshot_graph_nodes(snapshot_, ns(), after, limit, json, error);
        });
    }
    std::string edges(std::uint64_t after = 0, std::size_t limit = 100) const {
        return *get([&](ml_text **json, ml_error **error) {
            return ml_snapshot_graph_edges(snapshot_, ns(), after, limit, json, error);
        });
    }
    std::string search(std::string_view request, const Cancellation *stop = nullptr) const {
        return ask(ml_snapshot_graph_search, request, stop);
    }
    std::string nearest(std::string_view request, const Cancellation *stop = nullptr) const {
        return ask(ml_snapshot_graph_nearest, request, stop);
    }
    /* A JSON array, or null. */
    std::string embedding(std::string_view request) const {
        return *get([&](ml_text **json, ml_error **error) {
            return ml_snapshot_graph_embedding(snapshot_, ns(), detail::view(request), json, error);
        });
    }
    std::string neighbours(std::string_view request, const Cancellation *stop = nullptr) const {
        return ask(ml_snapshot_graph_neighbours, request, stop);
    }
    std::string related(std::string_view request, const Cancellation *stop = nullptr) const {
        return ask(ml_snapshot_graph_related, request, stop);
    }
    std::string subgraph(std::string_view request, const Cancellation *stop = nullptr) const {
        return ask(ml_snapshot_graph_subgraph, request, stop);
    }
    std::string paths(std::string_view request, const Cancellation *stop = nullptr) const {
        return ask(ml_snapshot_graph_paths, request, stop);
    }
    std::string find(std::string_view pattern, const Cancellation *stop = nullptr) const {
        return ask(ml_snapshot_graph_find, pattern, stop);
    }
    std::string analyse(std::string_view request, const ml_progress *progress = nullptr,
                        const Cancellation *stop = nullptr) const {
        return *get([&](ml_text **json, ml_error **error) {
            return ml_snapshot_graph_analyse(snapshot_, ns(), detail::view(request), progress,
                                             handle_of(stop), json, error);
        });
    }
    /* All of it as node-link JSON. */
    std::string document() const {
        return *get([&](ml_text **json, ml_error **error) {
            return ml_snapshot_graph_export(snapshot_, ns(), json, error);
        });
    }

  private:
    using Question = ml_status (*)(const ml_snapshot *, ml_str, ml_str, const ml_cancellation *, ml_text **,
                                   ml_error **);

    ml_str ns() const { return detail::view(std::string_view(ns_)); }
    template <typename Get> static std::optional<std::string> get(Get get) {
        ml_error *error = nullptr;
        ml_text *json = nullptr;
        detail::check(get(&json, &error), error);
        return json ? std::optional<std::string>(detail::take(json)) : std::nullopt;
    }
    static const ml_cancellation *handle_of(const Cancellation *stop) {
        return stop == nullptr ? nullptr : stop->handle();
    }
    std::string ask(Question question, std::string_view request, const Cancellation *stop) const {
        return *get([&](ml_text **json, ml_error **error) {
            return question(snapshot_, ns(), detail::view(request), handle_of(stop), json, error);
        });
    }

    const ml_snapshot *snapshot_;
    std::string ns_;
};

/* The graph of a namespace in a transaction, which must outlive it. */
class GraphWriter {
  public:
    GraphWriter(const ml_tx *tx, std::string ns) : tx_(tx), ns_(std::move(ns)) {}

    std::uint64_t upsert(const NewNode &node) { return upsert(std::vector<NewNode>{node}).at(0); }
    std::uint64_t upsert(const NewEdge &edge) { return upsert(std::vector<NewEdge>{edge}).at(0); }
    std::vector<std::uint64_t> upsert(const std::vector<NewNode> &nodes) {
        std::vector<ml_str> ids, kinds, names, properties, tags, aliases;
        std::vector<std::string> lists;
        std::vector<float> importances;
        std::vector<std::int64_t> created;
        lists.reserve(nodes.size() * 2);
        for (const NewNode &node : nodes) {
            ids.push_back(detail::view(std::string_view(node.id)));
            kinds.push_back(detail::view(node.kind));
            names.push_back(detail::view(node.name));
            properties.push_back(detail::view(node.properties));
            tags.push_back(detail::view(std::string_view(lists.emplace_back(detail::json(node.tags)))));
            aliases.push_back(
                detail::view(std::string_view(lists.emplace_back(detail::json(node.aliases)))));
            importances.push_back(node.importance);
            created.push_back(node.created_ms);
        }
        ml_node_batch batch = ml_node_batch_init();
        batch.count = nodes.size();
        batch.ids = ids.data();
        batch.kinds = kinds.data();
        batch.names = names.data();
        batch.properties = properties.data();
        batch.tags = tags.data();
        batch.aliases = aliases.data();
        batch.importances = importances.data();
        batch.created_ms = created.data();
        ml_error *error = nullptr;
        std::vector<std::uint64_t> numbers(nodes.size());
        detail::check(ml_tx_graph_upsert_nodes(tx_, ns(), &batch, numbers.data(), nullptr, &error), error);
        return numbers;
    }
    std::vector<std::uint64_t> upsert(const std::vector<NewEdge> &edges) { return put(edges, 0); }
    /* Adds each, also where there is one of its kind. */
    std::vector<std::uint64_t> add(const std::vector<NewEdge> &edges) { return put(edges, 1); }

    bool update_node(std::string_view node, std::string_view patch) {
        ml_error *error = nullptr;
        bool found = false;
        detail::check(ml_tx_graph_update_node(tx_, ns(), detail::view(node), detail::view(patch), &found,
                                              &error),
                      error);
        return found;
    }
    bool update_edge(std::uint64_t number, std::string_view patch) {
        ml_error *error = nullptr;
        bool found = false;
        detail::check(ml_tx_graph_update_edge(tx_, ns(), number, detail::view(patch), &found, &error),
                      error);
        return found;
    }
    bool delete_node(std::string_view node) {
        ml_error *error = nullptr;
        bool found = false;
        detail::check(ml_tx_graph_delete_node(tx_, ns(), detail::view(node), &found, &error), error);
        return found;
    }
    bool delete_edge(std::uint64_t number) {
        ml_error *error = nullptr;
        bool found = false;
        detail::check(ml_tx_graph_delete_edge(tx_, ns(), number, &found, &error), error);
        return found;
    }
    void merge_nodes(std::string_view from, std::string_view into) {
        ml_error *error = nullptr;
        detail::check(ml_tx_graph_merge_nodes(tx_, ns(), detail::view(from), detail::view(into), &error),
                      error);
    }
    /* Sets a property of nodes to JSON values, by node. How many of them are there. */
    std::uint64_t write_property(std::string_view name,
                                 const std::vector<std::pair<std::string, std::string>> &values) {
        std::vector<ml_str> nodes, jsons;
        for (const auto &[node, json] : values) {
            nodes.push_back(detail::view(std::string_view(node)));
            jsons.push_back(detail::view(std::string_view(json)));
        }
        ml_error *error = nullptr;
        std::uint64_t written = 0;
        detail::check(ml_tx_graph_write_property(tx_, ns(), detail::view(name), nodes.data(), jsons.data(),
                                                 values.size(), &written, &error),
                      error);
        return written;
    }
    /* Reads node-link JSON: how many nodes and edges are new. */
    std::pair<std::uint64_t, std::uint64_t> import_document(std::string_view document,
                                                            std::string_view default_kind = "related") {
        ml_error *error = nullptr;
        std::uint64_t nodes = 0, edges = 0;
        detail::check(ml_tx_graph_import(tx_, ns(), detail::view(document), detail::view(default_kind), &nodes,
                                         &edges, &error),
                      error);
        return {nodes, edges};
    }

  private:
    ml_str ns() const { return detail::view(std::string_view(ns_)); }
    std::vector<std::uint64_t> put(const std::vector<NewEdge> &edges, std::int32_t add) {
        std::vector<ml_str> sources, kinds, targets, properties;
        std::vector<float> weights;
        std::vector<std::int64_t> from, until, created;
        for (const NewEdge &edge : edges) {
            sources.push_back(detail::view(std::string_view(edge.source)));
            kinds.push_back(detail::view(std::string_view(edge.kind)));
            targets.push_back(detail::view(std::string_view(edge.target)));
            properties.push_back(detail::view(edge.properties));
            weights.push_back(edge.weight);
            from.push_back(edge.from_ms);
            until.push_back(edge.until_ms);
            created.push_back(edge.created_ms);
        }
        ml_edge_batch batch = ml_edge_batch_init();
        batch.count = edges.size();
        batch.sources = sources.data();
        batch.kinds = kinds.data();
        batch.targets = targets.data();
        batch.properties = properties.data();
        batch.weights = weights.data();
        batch.from_ms = from.data();
        batch.until_ms = until.data();
        batch.created_ms = created.data();
        batch.add = add;
        ml_error *error = nullptr;
        std::vector<std::uint64_t> numbers(edges.size());
        detail::check(ml_tx_graph_upsert_edges(tx_, ns(), &batch, numbers.data(), nullptr, &error), error);
        return numbers;
    }

    const ml_tx *tx_;
    std::string ns_;
};

/* A memory that was found, and its score. */
struct Hit {
    float score;
    Memory memory;
};

/* What a recall found, best first. */
class Answer {
  public:
    explicit Answer(ml_answer *handle) : handle_(handle) {
        for (std::size_t i = 0; i < ml_answer_len(handle); i++) {
            ml_error *error = nullptr;
            ml_hit hit = ml_hit_init();
            ml_memory memory = ml_memory_init();
            detail::check(ml_answer_hit(handle, i, &hit, &error), error);
            detail::check(ml_answer_memory(handle, i, &memory, &error), error);
            hits_.push_back(Hit{hit.score, Memory(memory)});
        }
    }

    std::vector<Hit>::const_iterator begin() const { return hits_.begin(); }
    std::vector<Hit>::const_iterator end() const { return hits_.end(); }
    std::size_t size() const { return hits_.size(); }
    const Hit &operator[](std::size_t index) const { return hits_.at(index); }
    ml_answer *handle() const { return handle_.get(); }

    /* All of it, with explanations if they were asked for. */
    std::string json() const {
        ml_error *error = nullptr;
        ml_text *json = nullptr;
        detail::check(ml_answer_json(handle_.get(), &json, &error), error);
        return detail::take(json);
    }

  private:
    detail::Owned<ml_answer, ml_answer_free> handle_;
    std::vector<Hit> hits_;
};

/* One instant of the file. */
class Snapshot {
  public:
    explicit Snapshot(ml_snapshot *handle) : handle_(handle) {}
    ml_snapshot *handle() const { return handle_.get(); }
    std::uint64_t seq() const { return ml_snapshot_seq(handle_.get()); }
    /* The graph of a namespace, valid as long as this is. */
    GraphView graph(std::string ns = "default") const { return GraphView(handle_.get(), std::move(ns)); }

    std::optional<Memory> get(std::uint64_t id) const {
        ml_error *error = nullptr;
        ml_memories *found = nullptr;
        detail::check(ml_snapshot_get(handle_.get(), &id, 1, &found, &error), error);
        detail::Owned<ml_memories, ml_memories_free> memories(found);
        ml_memory memory = ml_memory_init();
        ml_status status = ml_memories_at(memories.get(), 0, &memory, &error);
        if (status == ML_NOT_FOUND) {
            ml_error_free(error);
            return std::nullopt;
        }
        detail::check(status, error);
        return Memory(memory);
    }

    Answer recall(const Recall &request) const {
        ml_error *error = nullptr;
        ml_answer *answer = nullptr;
        ml_recall as_c = request.as_c();
        detail::check(ml_snapshot_recall(handle_.get(), &as_c, &answer, &error), error);
        return Answer(answer);
    }

    /* What a prompt is made of: see ml_snapshot_context_json. */
    std::string context(std::string_view request, const Cancellation *stop = nullptr) const {
        ml_error *error = nullptr;
        ml_text *json = nullptr;
        detail::check(ml_snapshot_context_json(handle_.get(), detail::view(request), stop ? stop->handle() : nullptr,
                                               &json, &error),
                      error);
        return detail::take(json);
    }

    /* As a JSON object asks for: see ml_snapshot_recall_json. */
    Answer recall_json(std::string_view request, const Cancellation *stop = nullptr) const {
        ml_error *error = nullptr;
        ml_answer *answer = nullptr;
        detail::check(ml_snapshot_recall_json(handle_.get(), detail::view(request), stop ? stop->handle() : nullptr,
                                              &answer, &error),
                      error);
        return Answer(answer);
    }

    std::uint64_t count(const std::optional<std::string> &ns = std::nullopt,
                        const std::optional<std::string> &filter = std::nullopt) const {
        ml_error *error = nullptr;
        std::uint64_t count = 0;
        detail::check(ml_snapshot_count(handle_.get(), detail::view(ns), detail::view(filter),
                                        &count, &error),
                      error);
        return count;
    }

    /* Calls `each` with every memory of a listing. */
    template <typename Each> void list(const ml_list &list, Each each) const {
        ml_error *error = nullptr;
        ml_cursor *opened = nullptr;
        detail::check(ml_cursor_open(handle_.get(), &list, &opened, &error), error);
        detail::Owned<ml_cursor, ml_cursor_free> cursor(opened);
        for (;;) {
            ml_memories *page = nullptr;
            detail::check(ml_cursor_next(cursor.get(), &page, &error), error);
            detail::Owned<ml_memories, ml_memories_free> memories(page);
            if (page == nullptr) {
                return;
            }
            for (std::size_t i = 0; i < ml_memories_len(page); i++) {
                ml_memory memory = ml_memory_init();
                detail::check(ml_memories_at(page, i, &memory, &error), error);
                each(Memory(memory));
            }
        }
    }

  private:
    detail::Owned<ml_snapshot, ml_snapshot_free> handle_;
};

/* A write transaction: rolled back unless it is committed. Of the thread that began it. */
class Transaction {
  public:
    explicit Transaction(ml_tx *handle) : handle_(handle) {}
    ml_tx *handle() const { return handle_.get(); }
    /* The graph of a namespace, valid as long as this is not over. */
    GraphWriter graph(std::string ns = "default") { return GraphWriter(handle_.get(), std::move(ns)); }

    std::uint64_t remember(const NewMemory &memory) {
        std::uint64_t id = 0;
        memory.as_c([&](const ml_new_memory &as_c) {
            ml_error *error = nullptr;
            detail::check(ml_tx_remember(handle_.get(), &as_c, &id, &error), error);
        });
        return id;
    }
    std::uint64_t upsert(const NewMemory &memory) {
        std::uint64_t id = 0;
        memory.as_c([&](const ml_new_memory &as_c) {
            ml_error *error = nullptr;
            detail::check(ml_tx_upsert(handle_.get(), &as_c, &id, nullptr, &error), error);
        });
        return id;
    }
    std::uint64_t supersede(std::uint64_t old, const NewMemory &memory) {
        std::uint64_t id = 0;
        memory.as_c([&](const ml_new_memory &as_c) {
            ml_error *error = nullptr;
            detail::check(ml_tx_supersede(handle_.get(), old, &as_c, &id, &error), error);
        });
        return id;
    }
    bool update(std::uint64_t id, std::string_view patch) {
        ml_error *error = nullptr;
        bool found = false;
        detail::check(ml_tx_update(handle_.get(), id, detail::view(patch), &found, &error), error);
        return found;
    }
    bool forget(std::uint64_t id) {
        ml_error *error = nullptr;
        bool found = false;
        detail::check(ml_tx_forget(handle_.get(), id, &found, &error), error);
        return found;
    }
    /* The place in the log; 0 if nothing was written. */
    std::uint64_t commit() {
        ml_error *error = nullptr;
        std::uint64_t seq = 0;
        ml_status status = ml_tx_commit(handle_.get(), &seq, &error);
        if (status != ML_WRONG_THREAD && status != ML_POISONED) {
            handle_.release();
        }
        detail::check(status, error);
        return seq;
    }
    void rollback() {
        ml_error *error = nullptr;
        detail::check(ml_tx_rollback(handle_.release(), &error), error);
    }

  private:
    detail::Owned<ml_tx, detail::rollback> handle_;
};

/* Background work that is held up as long as this is there. */
class Pause {
  public:
    explicit Pause(ml_pause *handle) : handle_(handle) {}
    ml_pause *handle() const { return handle_.get(); }

  private:
    detail::Owned<ml_pause, ml_pause_free> handle_;
};

/* An open file. Usable from any thread. */
class Db {
  public:
    static Db open(std::string_view path, const ml_options *options = nullptr) {
        ml_error *error = nullptr;
        ml_db *db = nullptr;
        detail::check(ml_db_open(detail::view(path), options, &db, &error), error);
        return Db(db);
    }
    static Db in_memory(const ml_options *options = nullptr) {
        ml_error *error = nullptr;
        ml_db *db = nullptr;
        detail::check(ml_db_open_in_memory(options, &db, &error), error);
        return Db(db);
    }

    explicit Db(ml_db *handle) : handle_(handle) {}
    ml_db *handle() const { return handle_.get(); }

    std::uint64_t remember(const NewMemory &memory) {
        std::uint64_t id = 0;
        memory.as_c([&](const ml_new_memory &as_c) {
            ml_error *error = nullptr;
            detail::check(ml_db_remember(handle_.get(), &as_c, &id, &error), error);
        });
        return id;
    }
    bool update(std::uint64_t id, std::string_view patch) {
        ml_error *error = nullptr;
        bool found = false;
        detail::check(ml_db_update(handle_.get(), id, detail::view(patch), &found, &error), error);
        return found;
    }
    bool forget(std::uint64_t id) {
        ml_error *error = nullptr;
        bool found = false;
        detail::check(ml_db_forget(handle_.get(), id, &found, &error), error);
        return found;
    }
    Answer recall(const Recall &request) const {
        ml_error *error = nullptr;
        ml_answer *answer = nullptr;
        ml_recall as_c = request.as_c();
        detail::check(ml_db_recall(handle_.get(), &as_c, &answer, &error), error);
        return Answer(answer);
    }
    Snapshot read() const {
        ml_error *error = nullptr;
        ml_snapshot *snapshot = nullptr;
        detail::check(ml_snapshot_take(handle_.get(), &snapshot, &error), error);
        return Snapshot(snapshot);
    }
    Transaction begin(const ml_write_options *options = nullptr) {
        ml_error *error = nullptr;
        ml_tx *tx = nullptr;
        detail::check(ml_tx_begin(handle_.get(), options, &tx, &error), error);
        return Transaction(tx);
    }
    /* Holds up background work: see ml_db_pause_background. */
    [[nodiscard]] Pause pause_background() const {
        ml_error *error = nullptr;
        ml_pause *pause = nullptr;
        detail::check(ml_db_pause_background(handle_.get(), &pause, &error), error);
        return Pause(pause);
    }
    std::string stats() const {
        ml_error *error = nullptr;
        ml_text *json = nullptr;
        detail::check(ml_db_stats(handle_.get(), &json, &error), error);
        return detail::take(json);
    }
    /* Closes it and says what went wrong, which the destructor cannot. */
    void close() {
        ml_error *error = nullptr;
        ml_status status = ml_db_close(handle_.get(), &error);
        if (status != ML_OPEN_TRANSACTIONS) {
            handle_.release();
        }
        detail::check(status, error);
    }

  private:
    detail::Owned<ml_db, detail::close> handle_;
};

/* Gets out of a damaged file what it provably still holds, into a new one: see ml_salvage. The report. */
inline std::string salvage(std::string_view damaged, std::string_view into,
                           const ml_progress *progress = nullptr) {
    ml_error *error = nullptr;
    ml_text *json = nullptr;
    detail::check(ml_salvage(detail::view(damaged), detail::view(into), progress, &json, &error), error);
    return detail::take(json);
}

} // namespace memlith

#endif /* MEMLITH_HPP */
