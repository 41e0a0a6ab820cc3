"""The rivals that come as Python packages: one of them, over standard input and output.

Driven by the Rust program, which says what is measured: one JSON object a line in, one out. Their own
calls are timed, which leave Python at once where the package is native; what they take is made before.
"""

import json
import os
import random
import shutil
import sys
import time
from pathlib import Path

import numpy


def read(path):
    """Number of nodes; source, target, kind and weight of each edge."""
    data = Path(path).read_bytes()
    columns = numpy.frombuffer(data, dtype="<u4", offset=4).reshape(-1, 4)
    nodes = int(numpy.frombuffer(data, dtype="<u4", count=1)[0])
    return nodes, columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3].view("<f4")


class Graph:
    """What is asked, by name; a rival has those that it can do."""

    def __init__(self, path, folder, request):
        self.nodes, self.source, self.target, self.kind, self.weight = read(path)
        self.folder = Path(folder)
        self.passes = (self.kind < request["followed"]) & (self.weight >= request["min_weight"])
        self.filter = (request["followed"], request["min_weight"])

    def ends(self, which=slice(None)):
        return numpy.column_stack((self.source[which], self.target[which]))


class Igraph(Graph):
    """igraph; walks go over a graph of the edges that pass, analyses over one without parallels."""

    def load(self):
        import igraph

        ends = self.ends().tolist()
        weights = self.weight.astype(float).tolist()
        kinds = self.kind.tolist()

        def build():
            self.graph = igraph.Graph(n=self.nodes, edges=ends, directed=True)
            self.graph.es["weight"] = weights
            self.graph.es["kind"] = kinds

        took = timed(build)
        self.filtered = igraph.Graph(n=self.nodes, edges=self.ends(self.passes).tolist(), directed=True)
        self.simple = self.graph.copy()
        self.simple.simplify(combine_edges={"weight": "sum", "kind": "first"})
        both = self.graph.as_undirected(mode="each")
        both.simplify(combine_edges={"weight": "sum", "kind": "first"})
        self.both, self.weights = both, both.es["weight"]
        return took

    def related(self, start, _):
        return len(self.filtered.neighborhood(start, order=2, mode="out")) - 1

    def shortest_path(self, start, goal):
        return len(self.graph.get_shortest_path(start, goal, mode="out")) - 1

    def cheapest_path(self, start, goal):
        path = self.graph.get_shortest_path(start, goal, weights="weight", mode="out", output="epath")
        return sum(self.graph.es[path]["weight"]) if path else -1

    def page_rank(self, request):
        return sum(rank * rank for rank in self.simple.pagerank())

    def betweenness(self, request):
        sources = random.Random(request["seed"]).sample(range(self.nodes), 100)
        return sum(self.simple.betweenness(sources=sources)) * self.nodes / 100 / self.nodes

    def components(self, request):
        return len(self.simple.connected_components(mode="weak"))

    def strong_components(self, request):
        return len(self.simple.connected_components(mode="strong"))

    def leiden(self, request):
        import igraph

        igraph.set_random_number_generator(random.Random(request["seed"]))
        found = self.both.community_leiden(
            objective_function="modularity",
            weights=self.weights,
            n_iterations=request["leiden_rounds"] or -1,
        )
        return self.both.modularity(found, weights=self.weights)


class Networkx(Graph):
    """networkx: of parallel edges the one that weighs least is kept."""

    def load(self):
        import networkx

        self.networkx = networkx
        graph = networkx.DiGraph()
        edges = list(zip(self.source.tolist(), self.target.tolist(), self.weight.tolist()))
        edges.sort(key=lambda edge: -edge[2])

        def build():
            graph.add_nodes_from(range(self.nodes))
            graph.add_weighted_edges_from(edges)

        took = timed(build)
        graph.remove_edges_from(list(networkx.selfloop_edges(graph)))
        self.filtered = networkx.DiGraph()
        self.filtered.add_nodes_from(range(self.nodes))
        self.filtered.add_edges_from(self.ends(self.passes).tolist())
        self.graph = graph
        return took

    def related(self, start, _):
        return len(self.networkx.single_source_shortest_path_length(self.filtered, start, cutoff=2)) - 1

    def shortest_path(self, start, goal):
        try:
            return len(self.networkx.bidirectional_shortest_path(self.graph, start, goal)) - 1
        except self.networkx.NetworkXNoPath:
            return -1

    def cheapest_path(self, start, goal):
        try:
            return self.networkx.bidirectional_dijkstra(self.graph, start, goal)[0]
        except self.networkx.NetworkXNoPath:
            return -1

    def page_rank(self, request):
        ranks = self.networkx.pagerank(self.graph, tol=1e-10 / self.nodes, weight=None)
        return sum(rank * rank for rank in ranks.values())

    def components(self, request):
        return self.networkx.number_weakly_connected_components(self.graph)

    def strong_components(self, request):
        return self.networkx.number_strongly_connected_components(self.graph)


class Kuzu(Graph):
    """kuzu, and ladybug, which goes on from it: a table of edges for each kind, and one thread but to load."""

    module = "kuzu"

    def load(self):
        module = __import__(self.module)
        path = self.folder / self.module
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        database = module.Database(str(path / "graph"))
        self.connection = module.Connection(database)
        run = self.connection.execute
        run("CREATE NODE TABLE Node(id INT64, PRIMARY KEY(id))")
        nodes = path / "nodes.csv"
        nodes.write_text("".join(f"{node}\n" for node in range(self.nodes)))
        run(f'COPY Node FROM "{nodes}"')
        files = []
        for kind in sorted(set(self.kind.tolist())):
            run(f"CREATE REL TABLE Kind{kind}(FROM Node TO Node, weight FLOAT)")
            file, which = path / f"{kind}.csv", self.kind == kind
            rows = zip(self.source[which].tolist(), self.target[which].tolist(), self.weight[which].tolist())
            file.write_text("".join(f"{source},{target},{weight!r}\n" for source, target, weight in rows))
            files.append((kind, file))

        def copy():
            for kind, file in files:
                run(f'COPY Kind{kind} FROM "{file}"')

        took = timed(copy)
        self.connection.set_max_threads_for_exec(1)
        followed, weight = self.filter
        kinds = "|".join(f"Kind{kind}" for kind, _ in files if kind < followed)
        self.query = self.connection.prepare(
            f"MATCH (a:Node {{id: $start}})-[e:{kinds}*1..2 (r, n | WHERE r.weight >= {weight})]->(b:Node) "
            "WHERE b.id <> $start RETURN count(DISTINCT b.id)"
        )
        kinds = "|".join(f"Kind{kind}" for kind, _ in files)
        self.path = self.connection.prepare(
            f"MATCH (a:Node {{id: $start}})-[e:{kinds}* SHORTEST 1..30]->(b:Node {{id: $goal}}) RETURN length(e)"
        )
        return took

    def answer(self, query, **named):
        row = self.connection.execute(query, named)
        return row.get_next()[0] if row.has_next() else -1

    def related(self, start, _):
        return self.answer(self.query, start=start)

    def shortest_path(self, start, goal):
        return self.answer(self.path, start=start, goal=goal)


class Ladybug(Kuzu):
    module = "ladybug"


RIVALS = {"igraph": Igraph, "networkx": Networkx, "kuzu": Kuzu, "ladybug": Ladybug}


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def each(query, request):
    """One query after the other, until the time is up."""
    us, answers, clock = [], [], time.perf_counter
    begin = clock()
    for start, goal in request["pairs"]:
        started = clock()
        answer = query(start, goal)
        ended = clock()
        us.append((ended - started) * 1e6)
        answers.append(float(answer))
        if ended - begin > request["at_most_s"]:
            break
    return {"reply": "measured", "us": us, "answers": answers}


def main():
    name, path, folder = sys.argv[1:]
    # Replies go where output went; what libraries print goes to the errors.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    graph = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            work = getattr(graph, request["op"].replace("-", "_"), None)
            if request["op"] == "load":
                graph = RIVALS[name](path, folder, request)
                reply = {"reply": "loaded", **graph.load()}
            elif work is None:
                reply = {"reply": "cannot"}
            elif request["pairs"]:
                reply = each(work, request)
            else:
                cpu = time.process_time()
                answer = float(work(request))
                us = (time.process_time() - cpu) * 1e6
                reply = {"reply": "measured", "us": [us], "answers": [answer]}
        except Exception as error:  # The driver leaves out a rival that fails.
            reply = {"reply": "failed", "message": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
