"""Progress of long calls on the terminal: tqdm, if it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def bar() -> Callable[[int, int], None]:
    """What ``progress=True`` means: a bar, or nothing if tqdm is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return lambda done, total: None
    shown = tqdm(leave=False)

    def tell(done: int, total: int) -> None:
        shown.total = total or None
        shown.update(done - shown.n)

    return tell
