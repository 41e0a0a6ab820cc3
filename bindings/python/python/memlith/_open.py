"""Opening files, and closing what is still open when the interpreter ends."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import TYPE_CHECKING, Any

from . import _native
from ._errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from ._embedder import Embedder
    from ._native import Database

_open_databases: weakref.WeakSet[Database] = weakref.WeakSet()


def open(
    path: str | os.PathLike[str],
    *,
    read_only: bool = False,
    create: bool = True,
    embedder: Embedder | None = None,
    embedders: Iterable[Embedder] = (),
    durability: str | None = None,
    busy_timeout: float | timedelta | None = None,
    memory_limit: int | None = None,
    background_threads: int | None = None,
    background_cpu: int | None = None,
    background_io: int | None = None,
    close_timeout: float | timedelta | None = None,
    snapshot_max_age: float | timedelta | None = None,
    snapshot_max_bytes: int | None = None,
    log_max_rows: int | None = None,
    log_max_age: float | timedelta | None = None,
    mapping: bool | None = None,
    verify: bool | None = None,
    seal_bytes: int | None = None,
    graph_delta_bytes: int | None = None,
    graph_bytes: int | None = None,
    answer_cache_bytes: int | None = None,
    graph_cache_bytes: int | None = None,
    embedding_cache_bytes: int | None = None,
    embedding_file_bytes: int | None = None,
    max_searches: int | None = None,
) -> Database:
    """Open the file at ``path``, and create it, with mode 0600, if there is none.

    Times are seconds, or a ``timedelta``. What is left out is taken from the environment
    (``MEMLITH_BUSY_TIMEOUT``, …), or is the default.

    >>> import memlith, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "agent.lith"
    >>> with memlith.open(path) as db:
    ...     id = db.remember("Ada prefers tea")
    >>> with memlith.open(path, read_only=True) as db:
    ...     db.get(id).content
    'Ada prefers tea'

    :raises InUse: if another process or handle has the file open.
    :raises NotFound: if there is none, and ``create`` is false.
    :raises Corrupt: if it cannot be read; it is left as it is.
    """
    asked = {name: value for name, value in locals().items() if name not in _SPECIAL}
    return _opened(path, read_only, embedder, embedders, asked)


def open_in_memory(
    *, embedder: Embedder | None = None, embedders: Iterable[Embedder] = (), **options: Any
) -> Database:
    """Open a database without a file, gone when it is closed: for tests and trials.

    >>> import memlith
    >>> with memlith.open_in_memory() as db:
    ...     db.stats()["memories"]
    0
    """
    return _opened(None, False, embedder, embedders, options)


_SPECIAL = ("path", "read_only", "embedder", "embedders")


def _opened(
    path: str | os.PathLike[str] | None,
    read_only: bool,
    embedder: Embedder | None,
    embedders: Iterable[Embedder],
    asked: dict[str, Any],
) -> Database:
    every = [*embedders, *([embedder] if embedder is not None else [])]
    db = _native.open(path, read_only=read_only, embedders=every, **asked)
    _open_databases.add(db)
    return db


def _close_all() -> None:
    """Before the interpreter goes: background threads must not meet one that is half gone."""
    for db in list(_open_databases):
        try:
            db.close()
        except Error:
            # Nobody is left to be told; what was committed is durable.
            pass


atexit.register(_close_all)
# A child has no part in what its parent has open.
os.register_at_fork(after_in_child=_open_databases.clear)
