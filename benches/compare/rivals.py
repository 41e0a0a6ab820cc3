"""The rivals that come as Python packages: one of them, over standard input and output.

Driven by the Rust program, which says what is measured and how (`src/protocol.rs`): one JSON object
a line in, one out. The packages are called as their documentation does, and the better of two ways
counts: a loop of single queries, or all queries in one call, which spares the cost of Python.
"""

import argparse
import json
import math
import os
import sys
import time

import numpy

EFFORTS = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640]
FILTER_EFFORTS = [50, 200]


class Faiss:
    """IndexHNSWFlat; it has filters, and cannot remove."""

    can_filter = True
    can_change = False

    def __init__(self, args):
        import faiss

        self.faiss = faiss
        faiss.omp_set_num_threads(1)
        self.note = f"faiss-cpu {faiss.__version__}, HNSWFlat, inner product, {faiss.get_compile_options().strip()}"
        self.args = args

    def make(self, dimension):
        return self.faiss.IndexHNSWFlat(
            dimension, self.args.m, self.faiss.METRIC_INNER_PRODUCT
        )

    def build(self, vectors):
        self.index = self.make(vectors.shape[1])
        self.index.hnsw.efConstruction = self.args.ef_construction
        if not self.index.is_trained:
            self.index.train(vectors)
        self.index.add(vectors)

    def set_threads(self, threads):
        self.faiss.omp_set_num_threads(threads)

    def set_effort(self, effort):
        self.index.hnsw.efSearch = effort
        self.effort = effort

    def filter(self, bits):
        # The parameters hold the selector, which does not own its bits.
        selector = self.faiss.IDSelectorBitmap(bits)
        return self.faiss.SearchParametersHNSW(sel=selector, efSearch=self.effort), bits

    def search(self, queries, k, kept=None):
        if kept is None:
            return self.index.search(queries, k)[1]
        return self.index.search(queries, k, params=kept[0])[1]

    def own_bytes(self):
        return self.faiss.serialize_index(self.index).nbytes


class FaissSq8(Faiss):
    """IndexHNSWSQ: eight bits a component, trained on the vectors."""

    def __init__(self, args):
        super().__init__(args)
        self.note = f"faiss-cpu {self.faiss.__version__}, HNSW SQ8, inner product, no second scoring"

    def make(self, dimension):
        quantizer = self.faiss.ScalarQuantizer.QT_8bit
        return self.faiss.IndexHNSWSQ(
            dimension, quantizer, self.args.m, self.faiss.METRIC_INNER_PRODUCT
        )


class Hnswlib:
    """hnswlib; a removed element is marked, and its place is taken by a new label."""

    can_filter = True
    can_change = True

    def __init__(self, args):
        import hnswlib

        self.hnswlib = hnswlib
        self.note = "hnswlib 0.8.0, built here with -march=native; its filters are calls into Python"
        self.args = args
        self.threads = 1

    def build(self, vectors):
        count, dimension = vectors.shape
        # Inner product: vectors of length one need no cosine.
        self.index = self.hnswlib.Index(space="ip", dim=dimension)
        self.index.init_index(
            max_elements=count,
            M=self.args.m,
            ef_construction=self.args.ef_construction,
            allow_replace_deleted=True,
        )
        self.index.set_num_threads(1)
        self.index.add_items(vectors, numpy.arange(count), num_threads=1)
        # A label is not used twice: `replace_deleted` mistakes one that still lies in a deleted place.
        self.id_of = numpy.arange(count)
        self.label_of = dict(enumerate(range(count)))

    def set_threads(self, threads):
        self.threads = threads

    def set_effort(self, effort):
        self.index.set_ef(effort)

    def filter(self, bits):
        kept = numpy.unpackbits(bits, bitorder="little")
        as_bytes = kept.tobytes()
        # It refuses to answer fewer than it was asked for: it is asked for no more than there are.
        return lambda label: as_bytes[label] == 1, int(kept.sum())

    def search(self, queries, k, kept=None):
        # Calls into Python are for one thread.
        keeps, k, threads = (kept[0], min(k, kept[1]), 1) if kept else (None, k, self.threads)
        if k == 0:
            return numpy.full((len(queries), 1), -1)
        try:
            labels = self.index.knn_query(queries, k, num_threads=threads, filter=keeps)[0]
        except RuntimeError:
            # Fewer than k were found, which it refuses to answer.
            if len(queries) > 1:
                return numpy.concatenate([self.search(query[None], k, kept) for query in queries])
            return numpy.full((1, k), -1)
        return self.id_of[labels.astype(numpy.int64)]

    def own_bytes(self):
        return self.index.index_file_size()

    def remove(self, ids):
        for id in ids:
            self.index.mark_deleted(self.label_of.pop(id))

    def insert(self, ids, vectors):
        # An overwrite removes, then takes a place that is free.
        self.remove([id for id in ids if id in self.label_of])
        first = len(self.id_of)
        labels = numpy.arange(first, first + len(ids))
        self.id_of = numpy.concatenate([self.id_of, numpy.array(ids, dtype=self.id_of.dtype)])
        self.label_of.update(zip(ids, labels.tolist()))
        self.index.add_items(vectors, labels, num_threads=1, replace_deleted=True)


class Usearch:
    """usearch; the package for Python has no filters."""

    can_filter = False
    can_change = True

    def __init__(self, args):
        import usearch
        import usearch.index

        self.module = usearch.index
        self.version = usearch.__version__
        self.args = args
        self.threads = 1
        self.note = f"usearch {self.version} for Python, f16, no vectors in full precision"

    def build(self, vectors):
        self.index = self.module.Index(
            ndim=vectors.shape[1],
            metric="ip",
            dtype="f16",
            connectivity=self.args.m,
            expansion_add=self.args.ef_construction,
        )
        self.index.add(numpy.arange(len(vectors)), vectors, threads=1)
        self.note += f", {self.index.hardware_acceleration}"

    def set_threads(self, threads):
        self.threads = threads

    def set_effort(self, effort):
        self.index.expansion_search = effort

    def search(self, queries, k, kept=None):
        found = self.index.search(queries, k, threads=self.threads)
        keys = numpy.asarray(found.keys, dtype=numpy.int64).reshape(len(queries), -1)
        missing = numpy.arange(keys.shape[1]) >= numpy.reshape(
            getattr(found, "counts", [keys.shape[1]]), (-1, 1)
        )
        return numpy.where(missing, -1, keys)

    def own_bytes(self):
        return self.index.memory_usage

    def remove(self, ids):
        self.index.remove(numpy.array(ids), threads=1)

    def insert(self, ids, vectors):
        keys = numpy.array(ids)
        there = keys[self.index.contains(keys)]
        if len(there):
            self.index.remove(there, threads=1)
        self.index.add(keys, vectors, threads=1)


RIVALS = {
    "faiss": Faiss,
    "faiss-sq8": FaissSq8,
    "hnswlib": Hnswlib,
    "usearch-py-f16": Usearch,
}


def rss_bytes():
    """Resident memory that is not a mapped file; None where /proc does not say."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


class Process:
    """Answers requests."""

    def __init__(self, args):
        self.args = args
        self.vectors = numpy.load(args.vectors, mmap_mode="r")
        self.queries = numpy.load(args.queries)
        self.rival = RIVALS[args.contender](args)

    def ready(self):
        return {
            "reply": "ready",
            "note": self.rival.note,
            "efforts": EFFORTS,
            "filter_efforts": FILTER_EFFORTS if self.rival.can_filter else [],
            "can_change": self.rival.can_change,
        }

    def answer(self, request):
        op = request["op"]
        if op == "search":
            return self.search(request)
        if op == "build":
            vectors = self.vectors[: request["count"]]
            self.rss_before = rss_bytes()
            return {"reply": "built", **self.cost(lambda: self.rival.build(vectors))}
        if op == "remove":
            return {"reply": "changed", **self.cost(lambda: self.rival.remove(request["ids"]))}
        if op == "insert":
            vectors = self.vectors[request["rows"]]
            change = lambda: self.rival.insert(request["ids"], vectors)
            return {"reply": "changed", **self.cost(change)}
        raise ValueError(f"unknown request {op}")

    def cost(self, work):
        before = time.process_time()
        work()
        cpu_s = time.process_time() - before
        rss = rss_bytes()
        return {
            "cpu_s": cpu_s,
            "rss_bytes": None if rss is None else rss - self.rss_before,
            "own_bytes": self.rival.own_bytes(),
        }

    def search(self, request):
        rival, k = self.rival, self.args.k
        rival.set_effort(request["effort"])
        queries = self.queries[: request["queries"]]
        kept = None
        if request["filter"]:
            kept = [rival.filter(row) for row in numpy.load(request["filter"])]
            if len(kept) == 1:
                kept = kept * len(queries)
        ids, rates = self.loop(request, queries, kept)
        shared = kept is None or all(one is kept[0] for one in kept)
        if shared and all(found is not None for found in ids):
            batch = self.batch(request, queries, kept and kept[0])
            rates["per_cpu_s"] = max(rates["per_cpu_s"], batch["per_cpu_s"])
            rates["per_wall_s"] = max(rates["per_wall_s"], batch["per_wall_s"])
        return {"reply": "searched", "ids": ids, **rates}

    def loop(self, request, queries, kept):
        """One query at a time, by one thread."""
        rival, k = self.rival, self.args.k
        rival.set_threads(1)
        one_each = [queries[at : at + 1] for at in range(len(queries))]
        found, latencies = [None] * len(queries), []
        clock = time.perf_counter
        cpu, begin = time.process_time(), clock()
        is_over = False
        while not is_over:
            for at, query in enumerate(one_each):
                started = clock()
                answer = rival.search(query, k, kept[at]) if kept else rival.search(query, k)
                ended = clock()
                latencies.append(ended - started)
                if found[at] is None:
                    found[at] = answer
                if ended - begin > request["at_most_s"]:
                    is_over = True
                    break
            is_over = is_over or clock() - begin >= request["at_least_s"]
        cpu, wall = time.process_time() - cpu, clock() - begin
        ids = [None if one is None else [id for id in one[0].tolist() if id >= 0] for one in found]
        return ids, {
            "per_cpu_s": len(latencies) / cpu,
            "per_wall_s": len(latencies) / wall,
            "p50_us": float(numpy.quantile(latencies, 0.50)) * 1e6,
            "p99_us": float(numpy.quantile(latencies, 0.99)) * 1e6,
        }

    def batch(self, request, queries, kept):
        """All queries in one call, by as many threads as the others have."""
        rival, k = self.rival, self.args.k
        rival.set_threads(self.args.threads)
        searches = 0
        cpu, begin = time.process_time(), time.perf_counter()
        while True:
            rival.search(queries, k, kept) if kept else rival.search(queries, k)
            searches += len(queries)
            wall = time.perf_counter() - begin
            if wall >= request["at_least_s"]:
                break
        return {
            "per_cpu_s": searches / (time.process_time() - cpu),
            "per_wall_s": searches / wall,
        }


def main():
    parser = argparse.ArgumentParser()
    for name in ["--contender", "--vectors", "--queries", "--folder"]:
        parser.add_argument(name, required=True)
    for name in ["--k", "--m", "--ef-construction", "--threads"]:
        parser.add_argument(name, required=True, type=int)
    process = Process(parser.parse_args())

    # Replies go where output went; what libraries print goes to the errors.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(reply):
        replies.write(json.dumps(reply) + "\n")
        replies.flush()

    say(process.ready())
    for line in sys.stdin:
        try:
            reply = process.answer(json.loads(line))
        except Exception as error:  # The driver leaves out a rival that fails.
            reply = {"reply": "failed", "message": f"{type(error).__name__}: {error}"}
        if not all(math.isfinite(x) for x in reply.values() if isinstance(x, float)):
            reply = {"reply": "failed", "message": "a figure is not finite"}
        say(reply)


if __name__ == "__main__":
    main()
