"""One file that remembers and recalls: an embedded memory engine for AI agents.

>>> import memlith
>>> db = memlith.open_in_memory()
>>> _ = db.remember("Ada is allergic to peanuts", kind="fact", tags=["health"], importance=0.9)
>>> _ = db.remember("Lunch with Ada on Friday", kind="event")
>>> answer = db.recall("what must Ada not eat? peanuts?", filter="kind:fact")
>>> answer[0].content
'Ada is allergic to peanuts'

``memlith.open(path)`` opens a file, and creates it if there is none.
"""

from __future__ import annotations

from ._embedder import Embedder
from ._errors import (
    Busy,
    Cancelled,
    Closed,
    Conflict,
    Corrupt,
    DeadlineExceeded,
    DimensionMismatch,
    EmbedderFailed,
    Error,
    FilterSyntax,
    Forked,
    Internal,
    InUse,
    InvalidInput,
    Latched,
    LimitExceeded,
    NotFound,
    NotMemlith,
    OpenTransactions,
    OutcomeUnknown,
    ReadOnly,
    SnapshotExpired,
    StorageError,
    StorageFull,
    UnsupportedFormat,
    WrongThread,
)
from ._memories import Memories
from ._native import (
    Answer,
    Cancellation,
    Context,
    Database,
    Hit,
    Memory,
    MemoryIterator,
    Pause,
    Snapshot,
    Transaction,
    __version__,
    salvage,
)
from ._open import open, open_in_memory

__all__ = [
    "Answer",
    "Busy",
    "Cancellation",
    "Cancelled",
    "Closed",
    "Conflict",
    "Context",
    "Corrupt",
    "Database",
    "DeadlineExceeded",
    "DimensionMismatch",
    "Embedder",
    "EmbedderFailed",
    "Error",
    "FilterSyntax",
    "Forked",
    "Hit",
    "InUse",
    "Internal",
    "InvalidInput",
    "Latched",
    "LimitExceeded",
    "Memories",
    "Memory",
    "MemoryIterator",
    "NotFound",
    "NotMemlith",
    "OpenTransactions",
    "OutcomeUnknown",
    "Pause",
    "ReadOnly",
    "Snapshot",
    "SnapshotExpired",
    "StorageError",
    "StorageFull",
    "Transaction",
    "UnsupportedFormat",
    "WrongThread",
    "__version__",
    "open",
    "open_in_memory",
    "salvage",
]
