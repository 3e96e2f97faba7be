"""Which exercise was just saved: comes after ``workspace.py``; ``minilora exercise watch`` loops over it."""

import time
from collections.abc import Iterator

from .exercise import Exercise
from .workspace import Workspace

EVERY = 0.3
"""Seconds between two looks at the folder."""


def saves(workspace: Workspace) -> Iterator[Exercise]:
    """Each exercise one of whose files was written since the last look, for ever."""
    known = times(workspace)
    while True:
        time.sleep(EVERY)
        now = times(workspace)
        changed = dict.fromkeys(place[0] for place, at in now.items() if known.get(place) != at)
        known = now
        yield from changed


def times(workspace: Workspace) -> dict[tuple[Exercise, str], int]:
    """When each file of each exercise was last written."""
    found = {}
    for exercise in workspace.started():
        for path in workspace.files(exercise):
            try:
                found[exercise, path.suffix] = path.stat().st_mtime_ns
            except FileNotFoundError:  # an editor replaces a file while it saves
                continue
    return found
