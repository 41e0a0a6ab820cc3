"""Compares results of Memlith with those of networkx; ends with an error if one differs."""

import json
import math
import sys

import networkx

from rivals import read


def graphs(path):
    """Without loops: of parallel edges the sum, and the least, of their weights."""
    nodes, source, target, _, weight = read(path)
    summed, least = networkx.DiGraph(), networkx.DiGraph()
    for graph in (summed, least):
        graph.add_nodes_from(range(nodes))
    # Of all lists the order is the same, so that sums of 32 bits are.
    for a, b, w in sorted(zip(source.tolist(), target.tolist(), weight.tolist())):
        if a != b:
            before = summed.edges[a, b]["weight"] if summed.has_edge(a, b) else 0.0
            summed.add_edge(a, b, weight=before + w)
            least.add_edge(a, b, weight=min(w, least.edges[a, b]["weight"] if before else math.inf))
    return summed, least


def expected(graph, least, results):
    both = networkx.Graph()
    both.add_nodes_from(graph)
    for a, b, weight in graph.edges(data="weight"):
        before = both.edges[a, b]["weight"] if both.has_edge(a, b) else 0.0
        both.add_edge(a, b, weight=before + weight)

    def listed(values, missing=0):
        return [values.get(node, missing) for node in range(len(graph))]

    def named_by_first(components):
        return listed({node: min(component) for component in components for node in component})

    rank = {"tol": 1e-13 / len(graph), "max_iter": 1000}
    yield "page_rank", listed(networkx.pagerank(graph, weight=None, **rank))
    yield "page_rank_weighted", listed(networkx.pagerank(graph, weight="weight", **rank))
    yield "betweenness", listed(networkx.betweenness_centrality(graph, normalized=False))
    yield "betweenness_weighted", listed(
        networkx.betweenness_centrality(graph, normalized=False, weight="weight")
    )
    yield "betweenness_undirected", listed(networkx.betweenness_centrality(both, normalized=False))
    yield "closeness", listed(networkx.closeness_centrality(graph))
    yield "harmonic", listed(networkx.harmonic_centrality(graph))
    yield "eigenvector", listed(networkx.eigenvector_centrality(graph, max_iter=10_000, tol=1e-12))
    yield "weak", named_by_first(networkx.weakly_connected_components(graph))
    yield "strong", named_by_first(networkx.strongly_connected_components(graph))
    yield "cores", listed(networkx.core_number(both))
    yield "triangles", listed(networkx.triangles(both))
    yield "hops", listed(networkx.single_source_shortest_path_length(graph, 0), 2**32 - 1)
    yield "distances", listed(networkx.single_source_dijkstra_path_length(graph, 0), -1.0)
    groups = {}
    for node, community in enumerate(results["communities"]):
        groups.setdefault(community, set()).add(node)
    yield "modularity", networkx.community.modularity(both, groups.values())
    yield "clustering", [clustering(graph, both, node) for node in range(len(graph))]
    paths = []
    for start, goal, *_ in results["paths"]:
        try:
            hops = networkx.shortest_path_length(graph, start, goal)
            cost = networkx.dijkstra_path_length(least, start, goal)
        except networkx.NetworkXNoPath:
            hops, cost = -1, -1.0
        paths.append([start, goal, hops, cost])
    yield "paths", paths


def clustering(graph, both, node):
    """As Graphalytics has it: the part of the edges there could be among neighbours, either way."""
    around = set(both[node])
    if len(around) < 2:
        return 0.0
    return graph.subgraph(around).number_of_edges() / (len(around) * (len(around) - 1))


def flat(value):
    return [one for part in value for one in flat(part)] if isinstance(value, list) else [value]


def main():
    path, results = sys.argv[1], json.load(open(sys.argv[2]))
    summed, least = graphs(path)
    differs = False
    for name, theirs in expected(summed, least, results):
        ours, theirs = flat(results[name]), flat(theirs)
        far = [
            (a, b)
            for a, b in zip(ours, theirs, strict=True)
            if not math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-7)
        ]
        differs = differs or bool(far)
        print(f"{name}: {len(ours)} numbers, {len(far)} differ", *far[:3])
    sys.exit(differs)


if __name__ == "__main__":
    main()
