"""Tasks by name: what can be learned and measured.

Before it: a name, and a file where the task needs one. After it: ``train`` and ``cli`` take the task's examples and its `score`.
"""

import os

from ...errors import InputError, nearest
from .base import Task
from .e2e import E2E
from .nl2sql import NL2SQL
from .text import PlainText

TASKS = {
    "nl2sql": "questions about tables, answered in SQL that is executed; made from a seed, needs no file",
    "e2e": "a restaurant's attributes to a sentence; the zip of E2E NLG, a folder of its CSV files, or one CSV file mr,ref",
    "text": "the next token of plain text; a .txt file or a folder of them",
}
"""Every task's name and what it is."""


def load_task(name: str, *, data: str | os.PathLike[str] | None = None, seed: int = 0) -> Task | PlainText:
    """The task ``name``, read from ``data`` or, for nl2sql, made from ``seed``.

    Raises InputError when there is no such task, when it needs data and none is given, when it takes none and some is given, or when the data cannot
    be used.
    """
    if name not in TASKS:
        raise InputError(f"there is no task {name!r}; there are {', '.join(TASKS)}{nearest(name, TASKS)}")
    if name == "nl2sql":
        if data is not None:
            raise InputError(
                f"the task nl2sql makes its own data and reads no file, but data is {str(data)!r}; leave it out"
            )
        return NL2SQL(seed)
    if data is None:
        raise InputError(f"the task {name} needs data: {TASKS[name]}")
    return E2E(data) if name == "e2e" else PlainText.read(data)


__all__ = ["E2E", "NL2SQL", "TASKS", "PlainText", "Task", "load_task"]
