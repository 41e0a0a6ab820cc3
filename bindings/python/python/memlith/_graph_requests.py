"""What the graph is asked and told: arguments, and the JSON that they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from ._graph_records import EPOCH, Edge, Link, Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._types import Duration, Progress, Time, Vector

OF_ANALYSES = ("orientation", "weight", "threads", "progress")
"""What an analysis is told beside which edges it follows."""
RENAMED = {"valid_from": "from_ms", "valid_until": "until_ms", "created": "created_ms", "updated": "updated_ms"}
"""Fields that have another name in JSON."""


class Follow(TypedDict, total=False):
    """Which edges are followed, to what, and how much is done for it."""

    direction: Literal["out", "in", "both"]
    kinds: Iterable[str]
    min_weight: float
    filter: str
    edge_filter: str
    when: Literal["now", "any"] | Time
    max_work: int
    deadline: Duration


class Whole(Follow, total=False):
    """What is analysed, and how."""

    orientation: Literal["directed", "undirected"]
    weight: Literal["weight", "one"]
    threads: int
    progress: Progress


class NodeFields(TypedDict, total=False):
    """What a node can have."""

    kind: str | None
    name: str | None
    importance: float | None
    properties: Mapping[str, Any] | None
    tags: Iterable[str] | None
    aliases: Iterable[str] | None
    created: Time | None
    vector: Vector | None
    vectors: Mapping[str, Vector] | None


class NodeChanges(TypedDict, total=False):
    """What can change of a node; None clears."""

    kind: str | None
    name: str | None
    importance: float
    properties: Mapping[str, Any]
    add_tags: Iterable[str]
    remove_tags: Iterable[str]
    add_aliases: Iterable[str]
    remove_aliases: Iterable[str]
    vector: Vector | None
    vectors: Mapping[str, Vector | None]


class EdgeFields(TypedDict, total=False):
    """What an edge can have beside its ends and its kind."""

    weight: float | None
    properties: Mapping[str, Any] | None
    valid_from: Time | None
    valid_until: Time | None
    created: Time | None


class EdgeChanges(TypedDict, total=False):
    """What can change of an edge; None takes a bound of its validity away."""

    weight: float
    properties: Mapping[str, Any]
    valid_from: Time | None
    valid_until: Time | None


def name_of(entity: Any) -> str:
    """What it is called in JSON."""
    if isinstance(entity, str):
        return entity
    if isinstance(entity, Node):
        return entity.id
    number = getattr(entity, "id", entity)
    if isinstance(number, int):
        return f"memory:{number}"
    raise TypeError(f"a node is called by a string, a memory by its number, not by {entity!r}")


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a datetime needs a time zone, such as timezone.utc")
        return (value - EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping) and not isinstance(value, dict):
        return dict(value)
    return value


def millis(duration: Any) -> int | None:
    """A duration in milliseconds."""
    if duration is None:
        return None
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    return max(0, round(seconds * 1_000))


def follow_of(follow: Any) -> dict[str, Any]:
    """Which edges are followed, as JSON has it."""
    asked = {key: value for key, value in follow.items() if value is not None}
    if "deadline" in asked:
        asked["deadline_ms"] = millis(asked.pop("deadline"))
    if "when" in asked:
        asked["when"] = plain(asked["when"])
    if "kinds" in asked:
        kinds = asked["kinds"]
        asked["kinds"] = [kinds] if isinstance(kinds, str) else list(kinds)
    return asked


def pattern_edge_of(source: str, kind: str | None, target: str, follow: Any = None) -> dict[str, Any]:
    """An edge of a pattern, as JSON has it."""
    asked = follow_of(follow or {})
    if kind is not None:
        asked["kinds"] = [kind, *asked.get("kinds", [])]
    return {"from": source, "to": target, "follow": asked}


def floats(vector: Any) -> list[float] | None:
    """A vector as JSON has it."""
    if vector is None:
        return None
    listed: list[float] = vector.tolist() if hasattr(vector, "tolist") else [float(component) for component in vector]
    return listed


def with_embedding(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a node, its vectors by space."""
    embedding = {space: floats(vector) for space, vector in (fields.pop("vectors", None) or {}).items()}
    if "vector" in fields:
        embedding["default"] = floats(fields.pop("vector"))
    return {**fields, "embedding": embedding} if embedding else fields


def node_fields(node: Any) -> dict[str, Any]:
    """A node to be written, as JSON has it."""
    if isinstance(node, str):
        return {"id": node}
    fields = {name: getattr(node, name) for name in Node.__slots__} if isinstance(node, Node) else node
    given = with_embedding({name: value for name, value in fields.items() if value is not None})
    return {RENAMED.get(name, name): plain(value) for name, value in given.items()}


def node_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What is to change of a node, as JSON has it."""
    return {name: plain(value) for name, value in with_embedding(dict(changes)).items()}


def edge_fields(edge: Any) -> dict[str, Any]:
    """An edge to be written, as JSON has it."""
    if isinstance(edge, tuple):
        edge = dict(zip(("source", "kind", "target", "weight"), edge, strict=False))
    elif isinstance(edge, (Edge, Link)):
        edge = {name: getattr(edge, name) for name in type(edge).__slots__}
    fields = {RENAMED.get(name, name): plain(value) for name, value in edge.items() if value is not None}
    for end in ("source", "target"):
        if end in fields:
            fields[end] = name_of(fields[end])
    return fields
