"""Count whatever makes the host wait for the device: reading a number or an array back, and asking how many elements are not zero."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

_open: list[list[str]] = []
"""One list for each ``transfers()`` block that is open now."""


@contextmanager
def transfers() -> Iterator[list[str]]:
    """Within the block, every transfer is noted in the list that it gives: what was called, and from which line."""
    noted: list[str] = []
    _open.append(noted)
    try:
        yield noted
    finally:
        _open.pop()


def note(what: str) -> None:
    """Called by the double for each transfer."""
    if _open:
        callers = [f for f in traceback.extract_stack() if "/double/" not in f.filename.replace("\\", "/")]
        for noted in _open:
            noted.append(f"{what} at {callers[-1].filename}:{callers[-1].lineno}")
