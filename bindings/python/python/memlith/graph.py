"""The knowledge graph of a namespace: nodes, and edges between nodes and memories.

>>> import memlith
>>> db = memlith.open_in_memory()
>>> seen = db.remember("Ada moved to London")
>>> graph = db.graph()
>>> _ = graph.upsert_nodes([{"id": "ada", "kind": "person"}, {"id": "london", "kind": "city"}])
>>> _ = graph.upsert_edges([("ada", "lives_in", "london"), (seen, "mentions", "ada")])
>>> [found.entity for found in graph.related("london", direction="both", depth=2)]
['ada', 1]

A node is called by its external id or an alias, which are strings, and a memory by its number, an int.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ._graph_records import (
    Edge,
    Entity,
    Found,
    FoundNode,
    Link,
    Match,
    NearNode,
    Neighbour,
    Node,
    Path,
    Related,
    Subgraph,
    Values,
    entity_of,
    found_of,
    links_of,
)
from ._graph_requests import (
    OF_ANALYSES,
    RENAMED,
    EdgeChanges,
    EdgeFields,
    Follow,
    NodeChanges,
    NodeFields,
    Whole,
    edge_fields,
    floats,
    follow_of,
    millis,
    name_of,
    node_changes,
    node_fields,
    pattern_edge_of,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Unpack

    import numpy as np
    import numpy.typing as npt

    from ._native import Cancellation, Database, Memory, Snapshot, Transaction
    from ._types import Did, Duration, Effort, Vector

__all__ = [
    "Edge",
    "Found",
    "FoundNode",
    "Graph",
    "GraphSnapshot",
    "GraphTransaction",
    "Link",
    "Match",
    "NearNode",
    "Neighbour",
    "Node",
    "Path",
    "Related",
    "Subgraph",
    "Values",
]

_PAGE = 1_000


class _Of:
    """Whose graph it is."""

    __slots__ = ("_namespace", "_of")

    def __init__(self, of: Any, namespace: str) -> None:
        self._of = of
        self._namespace = namespace

    @property
    def namespace(self) -> str:
        """Whose graph it is."""
        return self._namespace

    def _ask(self, question: str, **request: Any) -> Any:
        return self._of._graph_ask(self._namespace, question, request)

    def node(self, id: str) -> Node | None:
        """A node by its external id or an alias, or None."""
        raw = self._ask("node", node=name_of(id))
        return raw and Node._of(raw)

    def edge(self, number: int) -> Edge | None:
        """An edge by its number, or None."""
        raw = self._ask("edge", edge=number)
        return raw and Edge._of(raw)

    def __repr__(self) -> str:
        return f"<memlith.graph.{type(self).__name__} of {self._namespace!r}>"


class _Reads(_Of):
    """What can be asked, until it is cancelled."""

    __slots__ = ("_cancellation",)

    def __init__(self, of: Any, namespace: str, cancellation: Cancellation | None = None) -> None:
        super().__init__(of, namespace)
        self._cancellation = cancellation

    def _ask(self, question: str, **request: Any) -> Any:
        return self._of._graph_ask(self._namespace, question, request, self._cancellation)

    def nodes(self) -> Iterator[Node]:
        """All nodes, by number, streamed."""
        return map(Node._of, self._listed("nodes"))

    def edges(self) -> Iterator[Edge]:
        """All edges, by number, streamed."""
        return map(Edge._of, self._listed("edges"))

    def _listed(self, question: str) -> Iterator[dict[str, Any]]:
        # One instant, whatever is written meanwhile.
        of = self._of._graph_instant()
        after: int | None = None
        while page := of._graph_ask(self._namespace, question, {"after": after, "limit": _PAGE}):
            yield from page
            after = page[-1]["number"]

    def edge_kinds(self) -> list[str]:
        """Kinds of edges that the file has."""
        kinds: list[str] = self._of._graph_edge_kinds()
        return kinds

    def search(
        self,
        text: str,
        *,
        signs: bool = False,
        filter: str | None = None,
        limit: int = 10,
        deadline: Duration | None = None,
    ) -> list[FoundNode]:
        """Nodes by words, the best first: those of their ids, names and aliases, and of texts in properties that
        ``Transaction.index_metadata`` was told of.

        With ``signs`` the text may have ``"words in a row"``, ``+required``, ``-excluded``, ``begin*`` and ``typo~``.

        >>> import memlith
        >>> graph = memlith.open_in_memory().graph()
        >>> ada = {"id": "ada", "kind": "person", "name": "Ada Lovelace"}
        >>> _ = graph.upsert_nodes([ada, {"id": "lovelace", "kind": "crater"}])
        >>> [found.node.id for found in graph.search("Lovelace", filter="kind:person")]
        ['ada']
        """
        raw = self._ask("search", text=text, signs=signs, filter=filter, limit=limit, deadline_ms=millis(deadline))
        return [FoundNode(Node._of(one["node"]), one["score"], one["matched_terms"]) for one in raw["found"]]

    def nearest(
        self,
        vector: Vector | None = None,
        *,
        text: str | None = None,
        space: str = "default",
        filter: str | None = None,
        limit: int = 10,
        min_score: float | None = None,
        effort: Effort | None = None,
        deadline: Duration | None = None,
    ) -> list[NearNode]:
        """Nodes whose vectors are the nearest to one, or to that of a text, which the embedder of the space makes;
        the best first.

        >>> import memlith
        >>> graph = memlith.open_in_memory().graph()
        >>> _ = graph.upsert_nodes([{"id": "ada", "vector": [0.9, 0.1]}, {"id": "london", "vector": [0.1, 0.9]}])
        >>> [near.node.id for near in graph.nearest([1.0, 0.0], limit=1)]
        ['ada']
        """
        asked = {"space": space, "filter": filter, "limit": limit, "min_score": min_score, "effort": effort}
        raw = self._ask("nearest", vector=floats(vector), text=text, deadline_ms=millis(deadline), **asked)
        return [NearNode(Node._of(one["node"]), one["score"]) for one in raw["found"]]

    def vector(self, node: str | Node, *, space: str = "default") -> npt.NDArray[np.float32] | None:
        """The vector of a node in a space, or None."""
        import numpy as np

        raw = self._ask("embedding", node=name_of(node), space=space)
        return None if raw is None else np.array(raw, dtype=np.float32)

    def neighbours(
        self, of: Entity | Node | Memory, *, limit: int = 100, **follow: Unpack[Follow]
    ) -> Found[Neighbour]:
        """What is next to something, first along the edges that leave it.

        >>> import memlith
        >>> graph = memlith.open_in_memory().graph()
        >>> _ = graph.upsert_nodes(["ada", "babbage"])
        >>> _ = graph.upsert_edge("ada", "knows", "babbage", weight=0.5)
        >>> graph.neighbours("babbage", direction="in", kinds=["knows"])[0].link.weight
        0.5
        """
        raw = self._ask("neighbours", of=name_of(of), limit=limit, follow=follow_of(follow))
        found = ((entity_of(one["node"]), Link._of(one["link"])) for one in raw["found"])
        return found_of((Neighbour(*one) for one in found), raw)

    def related(
        self,
        *starts: Entity | Node | Memory | Mapping[Any, float],
        depth: int = 2,
        decay: float = 0.5,
        weighted: bool = False,
        limit: int = 10,
        paths: bool = False,
        **follow: Unpack[Follow],
    ) -> Found[Related]:
        """What is related to some nodes and memories, the best first.

        Each step leaves ``decay`` of a score, and weights of edges count if it is ``weighted``. Starts that
        differ in their scores are a dict.

        >>> import memlith
        >>> graph = memlith.open_in_memory().graph()
        >>> _ = graph.upsert_nodes(["a", "b", "c"])
        >>> _ = graph.upsert_edges([("a", "next", "b"), ("b", "next", "c")])
        >>> [(found.entity, found.score) for found in graph.related({"a": 0.8}, paths=True)]
        [('b', 0.4), ('c', 0.2)]
        """
        scored: list[Any] = []
        for start in starts:
            if isinstance(start, Mapping):
                scored.extend([name_of(one), score] for one, score in start.items())
            else:
                scored.append(name_of(start))
        raw = self._ask(
            "related",
            starts=scored,
            depth=depth,
            decay=decay,
            weighted=weighted,
            limit=limit,
            paths=paths,
            follow=follow_of(follow),
        )
        found = (
            Related(entity_of(one["node"]), one["score"], one["hops"], one["path"] and Path._of(one["path"]))
            for one in raw["found"]
        )
        return found_of(found, raw)

    def subgraph(
        self, *starts: Entity | Node | Memory, depth: int = 1, limit: int = 200, **follow: Unpack[Follow]
    ) -> Subgraph:
        """The part of the graph around some nodes and memories, the nearest first."""
        names = [name_of(start) for start in starts]
        raw = self._ask("subgraph", starts=names, depth=depth, limit=limit, follow=follow_of(follow))
        entities = {entity_of(one["node"]): one["hops"] for one in raw["nodes"]}
        return Subgraph(entities, links_of(raw["links"]), raw["cut"])

    def shortest_path(
        self, source: Entity | Node | Memory, target: Entity | Node | Memory, **follow: Unpack[Follow]
    ) -> Path | None:
        """A path of the fewest edges, or None."""
        return self._path(source, target, "shortest", {}, follow)

    def cheapest_path(
        self,
        source: Entity | Node | Memory,
        target: Entity | Node | Memory,
        *,
        cost: Literal["weight", "reciprocal"] = "weight",
        **follow: Unpack[Follow],
    ) -> Path | None:
        """A path whose edges cost least together, or None: an edge costs its weight, or one by it."""
        return self._path(source, target, "cheapest", {"cost": cost}, follow)

    def _path(self, source: Any, target: Any, how: str, more: dict[str, Any], follow: Follow) -> Path | None:
        ends = {"from": name_of(source), "to": name_of(target)}
        raw = self._ask("paths", how=how, follow=follow_of(follow), **ends, **more)
        return Path._of(raw["found"][0]) if raw["found"] else None

    def all_paths(
        self,
        source: Entity | Node | Memory,
        target: Entity | Node | Memory,
        *,
        max_length: int = 6,
        limit: int = 10,
        **follow: Unpack[Follow],
    ) -> Found[Path]:
        """Paths that visit nothing twice, the shortest first."""
        ends = {"from": name_of(source), "to": name_of(target)}
        bounds = {"max_length": max_length, "limit": limit}
        raw = self._ask("paths", how="all", follow=follow_of(follow), **ends, **bounds)
        return found_of(map(Path._of, raw["found"]), raw)

    def find(
        self,
        nodes: Mapping[str, Any],
        edges: Sequence[tuple[str, str | None, str] | tuple[str, str | None, str, Follow]],
        *,
        limit: int = 100,
        max_work: int | None = None,
        deadline: Duration | None = None,
    ) -> Found[Match]:
        """Places that look like a small graph.

        ``nodes`` says what can stand for each: None for anything, what ``node`` takes for one thing, and
        ``{"filter": …}`` for what matches. ``edges`` are ``(node, kind or None, node)``, and may have a dict
        of what else their edge must be.

        >>> import memlith
        >>> graph = memlith.open_in_memory().graph()
        >>> _ = graph.upsert_nodes(["me", "you", "firm"])
        >>> _ = graph.upsert_edges([("me", "works_at", "firm"), ("you", "works_at", "firm")])
        >>> pattern = [("i", "works_at", "where"), ("who", "works_at", "where")]
        >>> graph.find({"i": "me", "who": None, "where": None}, pattern)[0].entities["who"]
        'you'
        """
        candidates = {
            name: node if node is None or isinstance(node, Mapping) else name_of(node) for name, node in nodes.items()
        }
        raw = self._ask(
            "find",
            nodes=candidates,
            edges=[pattern_edge_of(*edge) for edge in edges],
            limit=limit,
            max_work=max_work,
            deadline_ms=millis(deadline),
        )
        found = (
            Match({name: entity_of(one) for name, one in match["nodes"].items()}, links_of(match["links"]))
            for match in raw["found"]
        )
        return found_of(found, raw)

    def degrees(self, **whole: Unpack[Whole]) -> Values[int]:
        """How many edges each has; ``report`` has those that leave it and enter it, and their weights."""
        return self._analyse("degrees", {}, whole)

    def page_rank(
        self,
        *,
        damping: float = 0.85,
        max_rounds: int = 100,
        tolerance: float = 1e-9,
        weighted: bool = False,
        restart: Mapping[Any, float] | None = None,
        **whole: Unpack[Whole],
    ) -> Values[float]:
        """By who is pointed to by whom; from the nodes of ``restart``, if it has any.

        >>> import memlith
        >>> graph = memlith.open_in_memory().graph()
        >>> _ = graph.upsert_nodes(["a", "b", "c"])
        >>> _ = graph.upsert_edges([("a", "cites", "c"), ("b", "cites", "c")])
        >>> ranks = graph.page_rank()
        >>> graph.write_property("rank", ranks)
        3
        >>> max(ranks, key=ranks.get)
        'c'
        """
        shares = {name_of(node): share for node, share in (restart or {}).items()}
        how = {"damping": damping, "max_rounds": max_rounds, "tolerance": tolerance, "weighted": weighted}
        return self._analyse("page_rank", {**how, "restart": shares}, whole)

    def eigenvector(
        self,
        *,
        max_rounds: int | None = None,
        tolerance: float | None = None,
        weighted: bool = False,
        **whole: Unpack[Whole],
    ) -> Values[float]:
        """In proportion to the sum of those that lead to it; ``report`` says whether it ``converged``."""
        how = {"max_rounds": max_rounds, "tolerance": tolerance, "weighted": weighted}
        return self._analyse("eigenvector", how, whole)

    def closeness(self, **whole: Unpack[Whole]) -> Values[float]:
        """How near each is to those from which it is reached; ``report`` has the ``harmonic`` one too."""
        return self._analyse("closeness", {}, whole)

    def betweenness(
        self,
        *,
        sources: int | None = None,
        seed: int = 0,
        weighted: bool = False,
        normalized: bool = False,
        **whole: Unpack[Whole],
    ) -> Values[float]:
        """How many of the shortest paths lead through each; from so many ``sources`` drawn, if given."""
        how = {"sources": sources, "seed": seed, "weighted": weighted, "normalized": normalized}
        return self._analyse("betweenness", how, whole)

    def components(self, *, strong: bool = False, **whole: Unpack[Whole]) -> Values[int]:
        """What hangs together, along edges if ``strong``; ``report["count"]`` says how many there are."""
        return self._analyse("components", {"strong": strong}, whole)

    def communities(
        self,
        *,
        resolution: float = 1.0,
        randomness: float | None = None,
        max_rounds: int | None = None,
        seed: int = 0,
        **whole: Unpack[Whole],
    ) -> Values[int]:
        """Groups that hang together (Leiden); ``report`` has ``count`` and ``modularity``."""
        how = {"resolution": resolution, "randomness": randomness, "max_rounds": max_rounds, "seed": seed}
        return self._analyse("communities", how, whole)

    def label_propagation(self, *, max_rounds: int = 100, seed: int = 0, **whole: Unpack[Whole]) -> Values[int]:
        """Groups by the label that most of what is around has."""
        return self._analyse("label_propagation", {"max_rounds": max_rounds, "seed": seed}, whole)

    def cdlp(self, *, rounds: int, **whole: Unpack[Whole]) -> Values[int]:
        """The same as LDBC Graphalytics has it, after so many rounds."""
        return self._analyse("cdlp", {"rounds": rounds}, whole)

    def cores(self, **whole: Unpack[Whole]) -> Values[int]:
        """In how densely joined a part each is."""
        return self._analyse("cores", {}, whole)

    def triangles(self, **whole: Unpack[Whole]) -> Values[int]:
        """In how many triangles each is; ``report["count"]`` says how many there are."""
        return self._analyse("triangles", {}, whole)

    def clustering(self, **whole: Unpack[Whole]) -> Values[float]:
        """Of the edges there could be around each, the part that there is."""
        return self._analyse("clustering", {}, whole)

    def hops(self, source: Entity | Node | Memory, **whole: Unpack[Whole]) -> Values[int | None]:
        """How many edges it takes to each; None where none lead."""
        return self._analyse("hops", {"source": name_of(source)}, whole)

    def distances(self, source: Entity | Node | Memory, **whole: Unpack[Whole]) -> Values[float | None]:
        """The least sum of weights on a path to each; None where none leads."""
        return self._analyse("distances", {"source": name_of(source)}, whole)

    def _analyse(self, what: str, how: Mapping[str, Any], whole: Mapping[str, Any]) -> Values[Any]:
        request = {
            "what": what,
            "with": {name: value for name, value in how.items() if value is not None},
            "follow": follow_of({key: value for key, value in whole.items() if key not in OF_ANALYSES}),
            "deadline_ms": millis(whole.get("deadline")),
            **{key: whole[key] for key in ("orientation", "weight", "threads") if key in whole},
        }
        raw = self._of._graph_analyse(self._namespace, request, whole.get("progress"), self._cancellation)
        values: Values[Any] = Values(zip(map(entity_of, raw.pop("nodes")), raw.pop("values"), strict=True))
        values.report = raw
        return values

    def to_node_link(self) -> str:
        """All of it as node-link JSON, as networkx has it."""
        document: str = self._of._graph_export(self._namespace)
        return document

    def to_networkx(self) -> Any:
        """All of it as a ``networkx.MultiDiGraph``; needs networkx. Properties stand beside fields, and memories
        are called ``memory:`` and their number."""
        from ._tables import networkx

        return networkx(self)

    def to_arrow(self) -> Any:
        """All edges as a ``pyarrow.Table``; needs pyarrow."""
        from ._tables import arrow_edges

        return arrow_edges(self.edges())

    def to_pandas(self) -> Any:
        """All edges as a ``pandas.DataFrame``; needs pandas."""
        from ._tables import pandas_edges

        return pandas_edges(self.edges())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Edges, for what takes Arrow streams. Needs pyarrow."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


class _Writes(_Of):
    """What can be changed."""

    __slots__ = ()

    def _change(self, what: str, change: Any) -> Any:
        return self._of._graph_change(self._namespace, {what: change})

    def upsert_node(self, id: str, **fields: Unpack[NodeFields]) -> tuple[int, Did]:
        """Write a node under its id: create it, or make what stands there the same, but for vectors of spaces that
        are not given. Its number, and what was done."""
        done = self._change("upsert_nodes", [node_fields({"id": id, **fields})])
        return done["numbers"][0], done["did"][0]

    def upsert_nodes(self, nodes: Iterable[str | Node | Mapping[str, Any]]) -> list[int]:
        """Write several, all or none: ids, dicts with an ``id`` and the fields of ``upsert_node``, or nodes
        that were read. Their numbers."""
        numbers: list[int] = self._change("upsert_nodes", [node_fields(node) for node in nodes])["numbers"]
        return numbers

    def update_node(self, node: str | Node, **changes: Unpack[NodeChanges]) -> bool:
        """Change parts of a node; False if there is none. ``properties`` are merged, and a vector that is None
        goes."""
        found: bool = self._change("update_node", {"node": name_of(node), "patch": node_changes(changes)})
        return found

    def delete_node(self, node: str | Node) -> bool:
        """Delete a node with all of its edges; False if there was none."""
        found: bool = self._change("delete_node", name_of(node))
        return found

    def merge_nodes(self, gone: str | Node, into: str | Node) -> None:
        """Make one node of two: all edges and names of ``gone`` become those of ``into``."""
        self._change("merge_nodes", {"from": name_of(gone), "into": name_of(into)})

    def upsert_edge(
        self,
        source: Entity | Node | Memory,
        kind: str,
        target: Entity | Node | Memory,
        **fields: Unpack[EdgeFields],
    ) -> tuple[int, Did]:
        """Write an edge: create it, or make the newest of its kind between the same two the same. Its
        number, and what was done."""
        done = self._change("upsert_edges", [edge_fields({"source": source, "kind": kind, "target": target, **fields})])
        return done["numbers"][0], done["did"][0]

    def upsert_edges(self, edges: Iterable[tuple[Any, ...] | Edge | Link | Mapping[str, Any]]) -> list[int]:
        """Write several, all or none: ``(source, kind, target)`` or with a weight as a fourth, dicts with the
        fields of ``upsert_edge``, or edges that were read. Their numbers."""
        numbers: list[int] = self._change("upsert_edges", [edge_fields(edge) for edge in edges])["numbers"]
        return numbers

    def add_edge(
        self,
        source: Entity | Node | Memory,
        kind: str,
        target: Entity | Node | Memory,
        **fields: Unpack[EdgeFields],
    ) -> int:
        """Add an edge, also where there is one of its kind: for what held before and holds again."""
        done = self._change("add_edges", [edge_fields({"source": source, "kind": kind, "target": target, **fields})])
        number: int = done["numbers"][0]
        return number

    def update_edge(self, number: int, **changes: Unpack[EdgeChanges]) -> bool:
        """Change parts of an edge, such as when it ends; False if there is none."""
        patch = {RENAMED.get(name, name): plain(value) for name, value in changes.items()}
        found: bool = self._change("update_edge", {"edge": number, "patch": patch})
        return found

    def delete_edge(self, number: int) -> bool:
        """Delete an edge; False if there was none."""
        found: bool = self._change("delete_edge", number)
        return found

    def write_property(self, name: str, values: Mapping[Any, Any]) -> int:
        """Set a property of many nodes, such as what an analysis made of them; None takes it away. Of how
        many: memories, which have no properties, and what is not there are passed over."""
        nodes = {name_of(node): value for node, value in values.items() if not isinstance(node, int)}
        written: int = self._change("write_property", {"name": name, "values": nodes})
        return written

    def from_node_link(self, document: str | Mapping[str, Any], *, default_kind: str = "related") -> tuple[int, int]:
        """Read node-link JSON, as networkx has it: how many nodes and edges are new. What has no field here
        becomes a property; nodes that only edges name are made."""
        import json

        graph = json.loads(document) if isinstance(document, str) else dict(document)
        done = self._change("import", {"graph": graph, "default_kind": default_kind})
        return done["nodes"], done["edges"]

    def from_networkx(self, graph: Any, *, default_kind: str = "related") -> tuple[int, int]:
        """Read a graph of networkx, likewise. Its nodes are called what ``str`` makes of them."""
        nodes = [{**attributes, "id": str(node)} for node, attributes in graph.nodes(data=True)]
        links = [
            {**attributes, "source": str(source), "target": str(target)}
            for source, target, attributes in graph.edges(data=True)
        ]
        return self.from_node_link({"nodes": nodes, "links": links}, default_kind=default_kind)


class GraphSnapshot(_Reads):
    """The graph of a namespace at one instant: got from ``Snapshot.graph``."""

    __slots__ = ()
    _of: Snapshot


class GraphTransaction(_Writes):
    """The graph of a namespace, to be changed in a transaction: got from ``Transaction.graph``.

    >>> import memlith
    >>> db = memlith.open_in_memory()
    >>> with db.write() as tx:
    ...     seen = tx.remember("Ada moved to London")
    ...     graph = tx.graph()
    ...     _ = graph.upsert_nodes(["ada", "london"])
    ...     _ = graph.upsert_edge("ada", "lives_in", "london")
    ...     _ = graph.upsert_edge(seen, "mentions", "ada")
    >>> db.graph().shortest_path(seen, "london").entities
    [1, 'ada', 'london']
    """

    __slots__ = ()
    _of: Transaction


class Graph(_Reads, _Writes):
    """The graph of a namespace as it is now: got from ``Database.graph``. Each call that changes it is a
    transaction of its own."""

    __slots__ = ()
    _of: Database
