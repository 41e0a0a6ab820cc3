"""Names of types, for annotations alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

Vector: TypeAlias = Any
"""A buffer of numbers with one dimension, or any sequence of them."""
Matrix: TypeAlias = Any
"""A buffer of numbers with two dimensions, or any sequence of vectors."""
Time: TypeAlias = datetime | int
"""A datetime with a time zone, or milliseconds since 1970."""
Duration: TypeAlias = float | timedelta
"""Seconds, or a timedelta."""
Effort: TypeAlias = Literal["fast", "balanced", "exact"] | int
Order: TypeAlias = Literal["newest", "oldest", "updated", "importance", "priority"]
Leg: TypeAlias = Literal[
    "text", "vector", "recency", "importance", "valence", "accesses", "context", "neighbourhood"
]
Progress: TypeAlias = Callable[[int, int], object] | bool | None
"""Called with what is done and of how much; True is a bar of tqdm, if it is installed."""
Did: TypeAlias = Literal["created", "updated", "unchanged"]
