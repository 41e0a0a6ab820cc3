"""Memories as tables of other libraries, which are imported when they are asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._native import Memory
    from .graph import Edge, GraphSnapshot


def _columns(memories: Iterable[Memory]) -> dict[str, list[Any]]:
    rows = [memory.to_dict() for memory in memories]
    names = rows[0].keys() if rows else _NAMES
    return {name: [row[name] for row in rows] for name in names}


_NAMES = (
    "id", "namespace", "content", "external_id", "kind", "agent", "session", "project", "channel", "source",
    "importance", "valence", "priority", "metadata", "tags", "spaces", "created", "updated", "expires",
    "supersedes", "superseded_by", "superseded", "accesses", "accessed",
)  # fmt: skip


def arrow(memories: Iterable[Memory]) -> Any:
    """A ``pyarrow.Table``; metadata is JSON text."""
    import pyarrow as pa

    text, time, number = pa.string(), pa.timestamp("ms", tz="UTC"), pa.uint64()
    types = dict.fromkeys(_NAMES, text) | {
        "id": number,
        "importance": pa.float32(),
        "valence": pa.float32(),
        "priority": pa.int64(),
        "tags": pa.list_(text),
        "spaces": pa.list_(text),
        "supersedes": number,
        "superseded_by": number,
        "accesses": number,
    }
    types |= dict.fromkeys(("created", "updated", "expires", "superseded", "accessed"), time)
    columns = _columns(memories)
    columns["metadata"] = [None if m is None else json.dumps(m) for m in columns["metadata"]]
    return pa.table({name: pa.array(columns[name], types[name]) for name in _NAMES})


def pandas(memories: Iterable[Memory]) -> Any:
    """A ``pandas.DataFrame`` with the number of the memory as its index."""
    import pandas as pd

    return pd.DataFrame(_columns(memories)).set_index("id")


_EDGE_NAMES = (
    "number", "source", "kind", "target", "weight", "valid_from", "valid_until", "properties", "created", "updated",
)  # fmt: skip


def _edge_columns(edges: Iterable[Edge]) -> dict[str, list[Any]]:
    rows = list(edges)
    return {name: [getattr(row, name) for row in rows] for name in _EDGE_NAMES}


def arrow_edges(edges: Iterable[Edge]) -> Any:
    """A ``pyarrow.Table``; ends are text, memories ``memory:`` and their number, properties JSON text."""
    import pyarrow as pa

    from ._graph_requests import name_of

    text, time = pa.string(), pa.timestamp("ms", tz="UTC")
    types = dict.fromkeys(_EDGE_NAMES, text) | {"number": pa.uint64(), "weight": pa.float32()}
    types |= dict.fromkeys(("valid_from", "valid_until", "created", "updated"), time)
    columns = _edge_columns(edges)
    columns["properties"] = [json.dumps(p) if p else None for p in columns["properties"]]
    for end in ("source", "target"):
        columns[end] = [name_of(entity) for entity in columns[end]]
    return pa.table({name: pa.array(columns[name], types[name]) for name in _EDGE_NAMES})


def pandas_edges(edges: Iterable[Edge]) -> Any:
    """A ``pandas.DataFrame`` with the number of the edge as its index."""
    import pandas as pd

    return pd.DataFrame(_edge_columns(edges)).set_index("number")


def networkx(graph: GraphSnapshot) -> Any:
    """A ``networkx.MultiDiGraph``."""
    import networkx as nx

    document = json.loads(graph.to_node_link())
    made = nx.MultiDiGraph()
    made.add_nodes_from((node.pop("id"), node) for node in document["nodes"])
    for link in document["links"]:
        made.add_edge(link.pop("source"), link.pop("target"), **link)
    return made
