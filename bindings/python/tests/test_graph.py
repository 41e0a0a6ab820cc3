"""The knowledge graph: what goes in comes back, and what is computed is what networkx computes."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import memlith
from memlith.graph import Edge, Node

if TYPE_CHECKING:
    from memlith.graph import Graph

NOON = datetime(2025, 1, 31, 12, 0, 0, 123000, tzinfo=timezone.utc)


def test_every_field_comes_back(db: memlith.Database) -> None:
    graph = db.graph("n")
    number, did = graph.upsert_node(
        "ada", kind="person", name="Ada", importance=0.75, properties={"kind": "x", "n": [1, None]},
        tags={"b", "a"}, aliases=["countess"], created=NOON,
    )  # fmt: skip
    ada = graph.node("countess")
    assert did == "created" and graph.upsert_node("ada", kind="person") == (number, "updated")
    assert ada is not None and ada.created == NOON and ada.updated > NOON
    wanted = ("ada", number, "person", "Ada", 0.75, ["a", "b"], ["countess"], {"kind": "x", "n": [1, None]})
    assert (ada.id, ada.number, ada.kind, ada.name, ada.importance, ada.tags, ada.aliases, ada.properties) == wanted
    seen = db.remember("Ada wrote", namespace="n")
    until = NOON + timedelta(days=1)
    edge, did = graph.upsert_edge(seen, "mentions", ada, weight=0.5, properties={"p": 1}, valid_from=NOON, valid_until=until)
    there = graph.edge(edge)
    assert did == "created" and there is not None
    ends = (there.source, there.kind, there.target, there.weight, there.properties)
    assert ends == (seen, "mentions", "ada", 0.5, {"p": 1})
    assert (there.valid_from, there.valid_until) == (NOON, until)
    assert graph.upsert_edges([there]) == [edge] and graph.upsert_nodes([ada]) == [number]
    assert graph.node("nobody") is None and graph.edge(999) is None and db.graph().node("ada") is None
    assert graph.edge_kinds() == ["mentions"] and "of 'n'" in repr(graph)


def test_changes(db: memlith.Database) -> None:
    graph = db.graph()
    graph.upsert_nodes(["a", {"id": "b", "kind": "k", "name": None}, "c"])
    first, second = graph.upsert_edges([("a", "x", "b"), ("b", "x", "c", 0.5)])
    again = graph.add_edge("a", "x", "b")
    assert again not in (first, second) and len(list(graph.edges())) == 3
    assert graph.update_node("b", kind=None, add_tags=["t"], properties={"p": 1})
    b = graph.node("b")
    assert b is not None and (b.kind, b.tags, b.properties) == (None, ["t"], {"p": 1})
    assert graph.update_edge(second, weight=2, valid_until=NOON) and not graph.update_edge(999, weight=1)
    assert graph.neighbours("b") == [] and graph.neighbours("b", when="any")[0].entity == "c"
    assert graph.neighbours("b", when=NOON - timedelta(seconds=1))[0].link.weight == 2
    graph.merge_nodes("c", "b")
    assert [node.id for node in graph.nodes()] == ["a", "b"]
    assert graph.delete_edge(first) and not graph.delete_edge(first)
    assert graph.delete_node("a") and not graph.delete_node("a") and list(graph.edges()) == []
    assert graph.write_property("rank", {"b": 0.5, "gone": 1, 7: 2}) == 1


def test_a_transaction_and_a_snapshot(db: memlith.Database) -> None:
    with pytest.raises(RuntimeError), db.write() as tx:
        tx.graph().upsert_node("gone")
        raise RuntimeError
    with db.write() as tx:
        graph = tx.graph()
        graph.upsert_nodes(["a", "b"])
        edge, _ = graph.upsert_edge("a", "x", "b")
        assert graph.node("a") is not None and db.graph().node("a") is None
        found = graph.edge(edge)
        assert found is not None and found.source == "a"
    with db.snapshot() as then:
        db.graph().delete_node("b")
        assert [n.entity for n in then.graph().neighbours("a")] == ["b"]
        assert db.graph().neighbours("a") == []
    with pytest.raises(memlith.Closed):
        then.graph().node("a")
    with pytest.raises(memlith.Closed):
        graph.upsert_node("late")


def test_nodes_by_words(db: memlith.Database) -> None:
    with db.write() as tx:
        tx.index_metadata("says")
        graph = tx.graph()
        graph.upsert_node("ada", kind="person", aliases=["countess"], properties={"says": "poetical science"})
        graph.upsert_nodes(["babbage", "science fair"])
    found = db.graph().search("science countess")
    assert [one.node.id for one in found] == ["ada", "science fair"]
    assert found[0].score > found[1].score > 0 and len(found[0].matched_terms) == 2
    assert [one.node.id for one in db.graph().search("+science -countess", signs=True)] == ["science fair"]
    assert len(db.graph().search("science", limit=1)) == 1
    assert db.graph().search("science", filter="kind:city", deadline=60) == db.graph("other").search("science") == []
    with pytest.raises(memlith.Error, match="filter"):
        db.graph().search("science", filter="and")


def test_nodes_by_their_vectors(db: memlith.Database) -> None:
    db.create_space("picture", 3)
    graph = db.graph()
    graph.upsert_node("ada", kind="person", vector=[0.75, 0.5], vectors={"picture": np.array([1, 0, 0], np.float32)})
    graph.upsert_nodes([{"id": "london", "kind": "city", "vector": np.array([0.25, 0.75])}, "nowhere"])
    assert [near.node.id for near in graph.nearest([1.0, 0.0])] == ["ada", "london"]
    assert [near.node.id for near in graph.nearest([1.0, 0.0], filter="kind:city", effort="exact")] == ["london"]
    assert graph.nearest([1, 0, 0], space="picture", min_score=0.5)[0].score == pytest.approx(1)
    ada = graph.node("ada")
    assert ada is not None and ada.spaces == ["default", "picture"]
    vector = graph.vector(ada)
    assert vector is not None and vector.dtype == np.float32 and vector.tolist() == [0.75, 0.5]
    assert graph.vector("nowhere") is None
    assert not db.nearest(np.array([[1.0, 0.0]]))[0].any(), "no memory"
    graph.upsert_nodes([ada])
    assert graph.vector("ada") is not None, "what was read says which spaces, and changes none"
    assert graph.update_node("ada", vector=None, vectors={"picture": [0, 1, 0]})
    assert graph.vector("ada") is None and [near.node.id for near in graph.nearest([1.0, 0.0])] == ["london"]
    picture = graph.vector("ada", space="picture")
    assert picture is not None and picture.tolist() == [0, 1, 0]
    with pytest.raises(memlith.DimensionMismatch):
        graph.upsert_node("ada", vector=[1.0])
    with pytest.raises(memlith.Error, match="vector"):
        graph.nearest()


def test_walks(db: memlith.Database) -> None:
    graph = db.graph()
    graph.upsert_nodes([{"id": name, "kind": "person"} for name in "abcd"])
    graph.upsert_edges([("a", "knows", "b", 1), ("b", "knows", "c", 1), ("a", "knows", "c", 5), ("c", "likes", "d", 1)])
    assert [n.entity for n in graph.neighbours("a", limit=1)] == ["b"]
    assert graph.neighbours("a", limit=1).cut == "limit" and graph.neighbours("a").cut is None
    related = graph.related("a", depth=3, paths=True, kinds="knows")
    assert [(r.entity, r.score, r.hops) for r in related] == [("b", 0.5, 1), ("c", 0.5, 1)]
    assert related[0].path is not None and related[0].path.entities == ["a", "b"]
    assert [r.score for r in graph.related({"a": 0.5}, "b", depth=1)] == [0.5]
    part = graph.subgraph("a", depth=2, filter="kind:person")
    assert part.entities == {"a": 0, "b": 1, "c": 1, "d": 2} and len(part.links) == 4
    short, cheap = graph.shortest_path("a", "c"), graph.cheapest_path("a", "c")
    assert short is not None and short.entities == ["a", "c"]
    assert cheap is not None and (cheap.entities, cheap.cost) == (["a", "b", "c"], 2)
    assert graph.shortest_path("d", "a") is None
    assert [len(path.links) for path in graph.all_paths("a", "c")] == [1, 2]
    pattern = graph.find({"x": "a", "y": None, "z": {"filter": "kind:person"}}, [("x", "knows", "y"), ("y", None, "z")])
    assert [match.entities["z"] for match in pattern] == ["c", "d"] and pattern.steps
    with pytest.raises(memlith.NotFound):
        graph.related("nobody")
    with pytest.raises(memlith.InvalidInput, match="direktion"):
        graph.neighbours("a", direktion="out")  # type: ignore[call-arg]
    with pytest.raises(memlith.LimitExceeded):
        graph.shortest_path("a", "d", max_work=1)
    with pytest.raises(TypeError):
        graph.neighbours(1.5)  # type: ignore[arg-type]


def test_progress_of_an_analysis(db: memlith.Database) -> None:
    graph = db.graph()
    graph.upsert_nodes([str(n) for n in range(50)])
    graph.upsert_edges([(str(n), "next", str(n + 1)) for n in range(49)])
    told: list[tuple[int, int]] = []
    graph.closeness(progress=lambda done, total: told.append((done, total)))
    assert told and all(total == 1_000 for _, total in told)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        graph.page_rank(progress=stop)
    with pytest.raises(memlith.InvalidInput):
        graph.communities(resolution=0)


@pytest.fixture
def random_graph(db: memlith.Database) -> tuple[Graph, Any]:
    """The same graph here and in networkx."""
    nx = pytest.importorskip("networkx")
    draw = random.Random(7)
    names = [f"n{n}" for n in range(60)]
    edges = {(source, target): draw.randint(1, 4) for source, target in (draw.sample(names, 2) for _ in range(240))}
    theirs = nx.DiGraph()
    theirs.add_nodes_from(names)
    theirs.add_weighted_edges_from((*ends, weight) for ends, weight in edges.items())
    graph = db.graph()
    graph.upsert_nodes(names)
    graph.upsert_edges([(source, "x", target, weight) for (source, target), weight in edges.items()])
    return graph, theirs


def test_analyses_are_those_of_networkx(random_graph: tuple[Graph, Any]) -> None:
    graph, theirs = random_graph
    nx = pytest.importorskip("networkx")
    pytest.importorskip("scipy")
    both = theirs.to_undirected()

    def same(ours: dict[Any, Any], others: dict[Any, float]) -> None:
        assert ours == pytest.approx(others, abs=1e-6)

    same(graph.page_rank(tolerance=1e-12), nx.pagerank(theirs, tol=1e-12, weight=None))
    same(graph.page_rank(weighted=True, tolerance=1e-12), nx.pagerank(theirs, tol=1e-12))
    restart = {"n1": 1, "n2": 3}
    same(graph.page_rank(restart=restart, tolerance=1e-12), nx.pagerank(theirs, tol=1e-12, weight=None, personalization=restart))
    same(graph.betweenness(), nx.betweenness_centrality(theirs, normalized=False))
    same(graph.betweenness(normalized=True, weighted=True), nx.betweenness_centrality(theirs, weight="weight"))
    same(graph.closeness(), nx.closeness_centrality(theirs))
    same(graph.eigenvector(max_rounds=1_000, tolerance=1e-12), nx.eigenvector_centrality(theirs, 1_000, 1e-12))
    same(graph.degrees(), dict(theirs.degree()))
    assert graph.degrees().report["out"] == [theirs.out_degree(node) for node in graph.degrees()]
    same(graph.hops("n0"), {n: None for n in theirs} | nx.single_source_shortest_path_length(theirs, "n0"))
    same(graph.distances("n0"), {n: None for n in theirs} | nx.single_source_dijkstra_path_length(theirs, "n0"))
    assert graph.components().report["count"] == nx.number_weakly_connected_components(theirs)
    assert graph.components(strong=True).report["count"] == nx.number_strongly_connected_components(theirs)
    simple = nx.Graph(both.edges())
    ours = graph.communities(weight="one", seed=1)
    groups: dict[int, set[Any]] = {}
    for node, group in ours.items():
        groups.setdefault(group, set()).add(node)
    assert len(groups) == ours.report["count"] and ours.report["modularity"] > 0.2
    assert simple.number_of_nodes() <= len(ours)


def test_paths_are_as_short_as_those_of_networkx(random_graph: tuple[Graph, Any]) -> None:
    graph, theirs = random_graph
    nx = pytest.importorskip("networkx")
    for target in ("n1", "n17", "n42"):
        short, cheap = graph.shortest_path("n0", target), graph.cheapest_path("n0", target)
        if not nx.has_path(theirs, "n0", target):
            assert short is None and cheap is None
            continue
        assert short is not None and len(short.links) == nx.shortest_path_length(theirs, "n0", target)
        assert cheap is not None and cheap.cost == nx.dijkstra_path_length(theirs, "n0", target)
        paths = graph.all_paths("n0", target, max_length=3, limit=10_000)
        assert sorted(path.entities for path in paths) == sorted(nx.all_simple_paths(theirs, "n0", target, 3))


def test_networkx_and_back(db: memlith.Database) -> None:
    nx = pytest.importorskip("networkx")
    graph, copy = db.graph(), db.graph("copy")
    seen = db.remember("Ada wrote")
    graph.upsert_nodes([{"id": "ada", "kind": "person", "tags": ["t"], "properties": {"born": 1815}}, "london"])
    graph.upsert_edges([("ada", "lives_in", "london", 0.5), (seen, "mentions", "ada")])
    theirs = graph.to_networkx()
    assert isinstance(theirs, nx.MultiDiGraph) and set(theirs) == {"ada", "london", f"memory:{seen}"}
    assert theirs.nodes["ada"]["born"] == 1815
    theirs.remove_node(f"memory:{seen}")
    assert copy.from_networkx(theirs) == (2, 1) and copy.from_networkx(theirs) == (0, 0)
    ada = copy.node("ada")
    assert ada is not None and (ada.kind, ada.tags, ada.properties) == ("person", ["t"], {"born": 1815})
    assert db.graph("again").from_node_link(copy.to_node_link()) == (2, 1)
    assert db.graph("club").from_networkx(nx.karate_club_graph(), default_kind="knows") == (34, 78)
    assert set(db.graph("club").edge_kinds()) == {"knows", "lives_in", "mentions"}


def test_tables_of_edges(db: memlith.Database) -> None:
    pa = pytest.importorskip("pyarrow")
    graph = db.graph()
    assert graph.to_arrow().num_rows == 0
    graph.upsert_nodes(["a", "b"])
    graph.upsert_edge("a", "x", "b", properties={"p": 1}, valid_from=NOON)
    table = pa.table(graph)
    assert table["source"].to_pylist() == ["a"] and table["properties"].to_pylist() == ['{"p": 1}']
    frame = graph.to_pandas()
    assert frame.iloc[0].kind == "x"
    again = frame[["source", "kind", "target", "weight"]].itertuples(index=False, name=None)
    assert graph.upsert_edges(again) == list(frame.index)


def test_listings_are_of_one_instant_and_stream(db: memlith.Database) -> None:
    graph = db.graph()
    graph.upsert_nodes([f"n{n}" for n in range(2_500)])
    graph.upsert_edges([(f"n{n}", "next", f"n{n + 1}") for n in range(2_499)])
    nodes, edges = graph.nodes(), graph.edges()
    assert isinstance(next(nodes), Node) and isinstance(next(edges), Edge)
    graph.delete_node("n2000")
    assert len(list(nodes)) == 2_499 and len(list(edges)) == 2_498
    assert len(list(graph.nodes())) == 2_499 and len(list(graph.edges())) == 2_497
