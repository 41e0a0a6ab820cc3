"""The memories of one namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterator, Sequence

    from ._native import Answer, Database, Memory


class Memories:
    """The memories of one namespace: what ``Database`` does, with the namespace said once.

    >>> import memlith
    >>> db = memlith.open_in_memory()
    >>> analyst = db.memories("analyst")
    >>> _ = analyst.remember("Revenue rose in May")
    >>> len(analyst), len(db.memories("planner"))
    (1, 0)
    """

    __slots__ = ("_db", "_namespace")

    def __init__(self, db: Database, namespace: str) -> None:
        self._db = db
        self._namespace = namespace

    @property
    def namespace(self) -> str:
        """Whose memories these are."""
        return self._namespace

    def remember(self, content: str, **fields: Any) -> int:
        """Remember something new, and return its number."""
        return self._db.remember(content, namespace=self._namespace, **fields)

    def remember_many(self, contents: Sequence[str], vectors: Any = None, **fields: Any) -> list[int]:
        """Remember many things, all or none, and return their numbers."""
        return self._db.remember_many(contents, vectors, namespace=self._namespace, **fields)

    def upsert(self, content: str, **fields: Any) -> tuple[int, str]:
        """Remember something under its external id."""
        return self._db.upsert(content, namespace=self._namespace, **fields)

    def recall(self, text: str | None = None, **options: Any) -> Answer:
        """Recall from this namespace."""
        return self._db.recall(text, namespace=self._namespace, **options)

    def resembling(self, content: str, **options: Any) -> builtins.list[tuple[int, float, float | None]]:
        """What something new would repeat of this namespace, the most alike first."""
        return self._db.resembling(content, namespace=self._namespace, **options)

    def get(self, external_id: str) -> Memory | None:
        """The memory under an external id, or None."""
        return self._db.get_external(external_id, namespace=self._namespace)

    def update_where(self, filter: str, **changes: Any) -> int:
        """Change parts of every memory that a filter matches."""
        return self._db.update_where(filter, namespace=self._namespace, **changes)

    def forget_where(self, filter: str) -> int:
        """Forget every memory that a filter matches."""
        return self._db.forget_where(filter, namespace=self._namespace)

    def list(self, **options: Any) -> Iterator[Memory]:
        """Memories in order, streamed."""
        return self._db.list(namespace=self._namespace, **options)

    def count(self, filter: str | None = None) -> int:
        """How many there are that a filter matches."""
        return self._db.count(namespace=self._namespace, filter=filter)

    def stats(self) -> dict[str, Any]:
        """The figures of the namespace."""
        return self._db.namespace_stats(self._namespace)

    def to_arrow(self) -> Any:
        """All of them as a ``pyarrow.Table``; needs pyarrow."""
        from ._tables import arrow

        return arrow(self)

    def to_pandas(self) -> Any:
        """All of them as a ``pandas.DataFrame``; needs pandas."""
        from ._tables import pandas

        return pandas(self)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """For what takes Arrow streams: polars, duckdb, pandas, …. Needs pyarrow."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __iter__(self) -> Iterator[Memory]:
        return self.list()

    def __len__(self) -> int:
        return self.count()

    def __repr__(self) -> str:
        return f"<memlith.Memories of {self._namespace!r}>"
