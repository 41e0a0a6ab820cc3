"""What the graph gives: nodes, edges, and what walks and analyses find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")
Entity: TypeAlias = str | int
"""A node by its external id or an alias, or a memory by its number."""
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Node:
    """A node as it stood when it was read."""

    id: str
    number: int
    kind: str | None
    name: str | None
    importance: float
    tags: list[str]
    aliases: list[str]
    properties: dict[str, Any]
    created: datetime
    updated: datetime
    spaces: list[str]
    """Names of the vector spaces that it has an embedding in."""

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> Node:
        return cls(
            raw["id"],
            raw["number"],
            raw.get("kind"),
            raw.get("name"),
            raw["importance"],
            raw.get("tags", []),
            raw.get("aliases", []),
            raw.get("properties", {}),
            time_of(raw["created_ms"]),
            time_of(raw["updated_ms"]),
            raw.get("spaces", []),
        )


@dataclass(frozen=True, slots=True)
class NearNode:
    """A node whose embedding is near; the score is that of the metric of the space."""

    node: Node
    score: float


@dataclass(frozen=True, slots=True)
class FoundNode:
    """A node that was found by words: how much they say of it, and which it has, as they are indexed."""

    node: Node
    score: float
    matched_terms: list[str]


@dataclass(frozen=True, slots=True)
class Link:
    """An edge as a walk meets it: ``GraphSnapshot.edge`` has the rest."""

    number: int
    source: Entity
    kind: str
    target: Entity
    weight: float
    valid_from: datetime | None
    valid_until: datetime | None

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> Link:
        return cls(*ends_of(raw))


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge as it stood when it was read; it holds from ``valid_from`` until ``valid_until``."""

    number: int
    source: Entity
    kind: str
    target: Entity
    weight: float
    valid_from: datetime | None
    valid_until: datetime | None
    properties: dict[str, Any]
    created: datetime
    updated: datetime

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> Edge:
        times = time_of(raw["created_ms"]), time_of(raw["updated_ms"])
        return cls(*ends_of(raw), raw.get("properties", {}), *times)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What is next to something, and the edge between them."""

    entity: Entity
    link: Link


@dataclass(frozen=True, slots=True)
class Path:
    """What follows what, and the edges between, some perhaps against their direction."""

    entities: list[Entity]
    links: list[Link]
    cost: float | None

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> Path:
        return cls([entity_of(name) for name in raw["nodes"]], links_of(raw["links"]), raw.get("cost"))


@dataclass(frozen=True, slots=True)
class Related:
    """What is related to something: how well, in how many steps, and how one gets there if that was asked."""

    entity: Entity
    score: float
    hops: int
    path: Path | None


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The part of a graph around something. ``entities`` has the steps to each; ``cut`` says why it may not
    be all."""

    entities: dict[Entity, int]
    links: list[Link]
    cut: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """A place that looks like a pattern: what stands for each of its nodes, and for each of its edges."""

    entities: dict[str, Entity]
    links: list[Link]


class Found(list[T], Generic[T]):
    """What was found. ``cut`` says why there may be more (``limit``, ``max_work``, ``deadline``), and
    ``steps`` how a pattern was looked for."""

    cut: str | None = None
    steps: list[dict[str, Any]] | None = None


class Values(dict[Entity, T], Generic[T]):
    """What an analysis found for each node and memory. ``report`` has what else it says."""

    report: dict[str, Any]


def entity_of(name: str) -> Entity:
    """What is called so in JSON."""
    kind, _, number = name.partition(":")
    return int(number) if kind == "memory" and number.isascii() and number.isdigit() else name


def time_of(ms: int) -> Any:
    """A datetime; milliseconds where there is no such."""
    try:
        return EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return ms


def time_if(ms: int | None) -> Any:
    """The same where there is one."""
    return None if ms is None else time_of(ms)


def ends_of(raw: dict[str, Any]) -> tuple[int, Entity, str, Entity, float, datetime | None, datetime | None]:
    """What an edge and a link have in common."""
    ends = entity_of(raw["source"]), raw["kind"], entity_of(raw["target"])
    return raw["number"], *ends, raw["weight"], time_if(raw.get("from_ms")), time_if(raw.get("until_ms"))


def links_of(raw: list[dict[str, Any]]) -> list[Link]:
    """The links of a path, a subgraph or a match."""
    return [Link._of(link) for link in raw]


def found_of(found: Iterable[T], raw: dict[str, Any]) -> Found[T]:
    """What was found, with why there may be more."""
    every = Found(found)
    every.cut, every.steps = raw["cut"], raw.get("steps")
    return every
