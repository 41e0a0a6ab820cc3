"""Memories as tables of other libraries, which are imported when they are asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._native import Memory


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
