"""What can go wrong. Catch :class:`Error` for all of it, or one of its kinds."""

from __future__ import annotations


class Error(Exception):
    """Anything that Memlith says went wrong.

    ``kind`` is the word for it, the same as on the command line.
    """

    kind: str = "error"


class NotFound(Error):
    """No such file, memory or vector space."""


class Conflict(Error):
    """It exists already: a file, an external id, an idempotency key."""


class Busy(Error):
    """The write could not start within the busy timeout: another one is still running."""


class InUse(Busy):
    """Another process or handle has the file open; ``holder_pid`` is the process, where it is known."""

    holder_pid: int | None = None


class InvalidInput(Error, ValueError):
    """An argument breaks a documented rule."""


class LimitExceeded(InvalidInput):
    """An argument or an answer is larger than a documented limit."""


class DimensionMismatch(InvalidInput):
    """A vector does not have the dimension of its space."""


class FilterSyntax(InvalidInput):
    """A filter does not parse; ``column`` is where."""

    column: int | None = None


class NotMemlith(Error):
    """The file is not a Memlith file."""


class UnsupportedFormat(Error):
    """The file is of a format version that this library does not read or write."""


class Corrupt(Error):
    """Stored bytes are damaged. The file is left as it is."""


class StorageError(Error, OSError):
    """The operating system reported an I/O error."""


class StorageFull(StorageError):
    """The device is full."""


class Latched(Error):
    """An earlier failure closed this database to writing: close it, and open it again."""


class OutcomeUnknown(Error):
    """It is unknown whether the commit is durable: open again, and ask ``Database.outcome``."""


class SnapshotExpired(Error):
    """The snapshot was held for too long and was revoked: take another."""


class ReadOnly(Error):
    """A write to a database that was opened for reading."""


class Forked(Error):
    """The process was forked: open the file in the child."""


class DeadlineExceeded(Error, TimeoutError):
    """The deadline of the call passed."""


class Cancelled(Error):
    """Another thread ended the call by its :class:`Cancellation`."""


class EmbedderFailed(Error):
    """The embedder raised, or made something else than it promised."""


class Internal(Error):
    """A defect of Memlith. What was committed is not lost."""


class Closed(Error):
    """The database, snapshot or transaction has been closed."""


class WrongThread(Error):
    """A transaction was used by another thread than the one that began it."""


class OpenTransactions(Error):
    """The database cannot be closed while a transaction is open."""


_KINDS: dict[str, type[Error]] = {
    "not_found": NotFound,
    "already_exists": Conflict,
    "in_use": InUse,
    "busy": Busy,
    "invalid_input": InvalidInput,
    "limit_exceeded": LimitExceeded,
    "dimension_mismatch": DimensionMismatch,
    "filter_syntax": FilterSyntax,
    "not_memlith": NotMemlith,
    "unsupported_format": UnsupportedFormat,
    "corruption": Corrupt,
    "io": StorageError,
    "storage_full": StorageFull,
    "latched": Latched,
    "outcome_unknown": OutcomeUnknown,
    "snapshot_expired": SnapshotExpired,
    "read_only": ReadOnly,
    "forked": Forked,
    "deadline_exceeded": DeadlineExceeded,
    "cancelled": Cancelled,
    "embedder": EmbedderFailed,
    "internal": Internal,
    "closed": Closed,
    "wrong_thread": WrongThread,
    "open_transactions": OpenTransactions,
}


def _of(kind: str, message: str, holder_pid: int | None, column: int | None) -> Error:
    """Makes the exception of a kind: for the native half."""
    error = _KINDS.get(kind, Error)(message)
    error.kind = kind
    if isinstance(error, InUse):
        error.holder_pid = holder_pid
    if isinstance(error, FilterSyntax):
        error.column = column
    return error
