"""What makes vectors of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Embedder:
    """A callable ``list[str] -> (n, dimension) array``, and what it is.

    ``identity`` names the model: a vector space remembers it, and refuses the vectors of another. At most
    ``max_batch`` texts go into a call. It is called from any thread, with the interpreter held, and must
    not use the database that it belongs to.

    >>> import memlith
    >>> def letters(texts):
    ...     return [[text.count(c) + 0.1 for c in "aet"] for text in texts]
    >>> embedder = memlith.Embedder(letters, identity="letters-v1", dimension=3)
    >>> db = memlith.open_in_memory(embedder=embedder)
    >>> _ = db.remember("a banana")
    >>> db.recall("bananas")[0].content
    'a banana'
    """

    __slots__ = ("dimension", "embed", "identity", "max_batch", "space")

    def __init__(
        self,
        embed: Callable[[list[str]], Any],
        *,
        identity: str,
        dimension: int,
        max_batch: int | None = None,
        space: str | None = None,
    ) -> None:
        self.embed = embed
        self.identity = identity
        self.dimension = dimension
        self.max_batch = max_batch
        self.space = space

    def __repr__(self) -> str:
        return f"<memlith.Embedder {self.identity!r} of {self.dimension} dimensions>"
