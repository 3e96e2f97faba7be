"""Tasks by name: what can be learned and measured.

Before it: a name, and a file where the task needs one. After it: ``train`` and ``cli`` take the task's examples and its `score`.
"""

import os

from ...errors import InputError, nearest
from .base import Task
from .classification import Classification, Prompted
from .conversations import Conversations
from .descriptions import Descriptions
from .e2e import E2E
from .glue import COLA, MNLI, MRPC, QNLI, QQP, RTE, SST2, STSB, WNLI
from .instructions import Instructions
from .labels import Labels
from .language import Acceptability, Entailment, Paraphrase, Sentiment
from .nl2sql import NL2SQL, NL2SQLJoins
from .spider import Spider
from .summaries import DialogSum, SAMSum
from .text import PlainText
from .triples import DART, WebNLG
from .wikisql import WikiSQL

AnyTask = Task | Classification | PlainText

_CLASSES: tuple[type[AnyTask], ...] = (
    NL2SQL, NL2SQLJoins, Conversations, Descriptions, Acceptability, Sentiment, Paraphrase, Entailment, WikiSQL, Spider, E2E, WebNLG, DART, SAMSum, DialogSum, COLA, SST2, MRPC, STSB, QQP, MNLI, QNLI, RTE, WNLI, Labels, Instructions, PlainText,
)  # fmt: skip
TASKS: dict[str, type[AnyTask]] = {kind.name: kind for kind in _CLASSES}
"""Every task's class by its name; ``description`` says what it is, ``made`` whether it is made from a seed."""


def load_task(name: str, *, data: str | os.PathLike[str] | None = None, seed: int = 0) -> AnyTask:
    """The task ``name``, read from ``data`` or, where it is one that is made, made from ``seed``.

    Raises InputError when there is no such task, when it needs data and none is given, when it takes none and some is given, or when the data cannot
    be used.
    """
    kind = find_task(name)
    if kind.made:
        if data is not None:
            raise InputError(
                f"the task {name} makes its own data and reads no file, but data is {str(data)!r}; leave it out"
            )
        return kind(seed)  # type: ignore[call-arg, arg-type]
    if data is None:
        raise InputError(f"the task {name} needs data: {kind.description}")
    return kind.read(data) if issubclass(kind, PlainText) else kind(data)  # type: ignore[call-arg]


def find_task(name: str) -> type[AnyTask]:
    """The class of the task ``name``; raises InputError, with the near names, where there is none."""
    if name not in TASKS:
        raise InputError(f"there is no task {name!r}; there are {', '.join(TASKS)}{nearest(name, TASKS)}")
    return TASKS[name]


__all__ = [
    "E2E",
    "NL2SQL",
    "TASKS",
    "AnyTask",
    "Classification",
    "PlainText",
    "Prompted",
    "Task",
    "find_task",
    "load_task",
]
