"""What tests share: a database in memory, and one in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import memlith

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db() -> Iterator[memlith.Database]:
    with memlith.open_in_memory() as db:
        yield db


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.lith"
