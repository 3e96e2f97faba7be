"""One question and its answer: what every task is made of.

Before it: the files or generators of ``data/tasks``. After it: ``data/batches.py`` turns examples into arrays of tokens, ``data/labelled.py`` those with labels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """A prompt, the completion a model should write after it, and what scoring needs beside them.

    ``prompt`` ends without a blank and ``completion`` starts with one, so that a word has the same tokens on both sides. The training text is
    prompt + completion + end of text; the loss counts the completion and the end only. ``extra`` holds what the task's ``score`` needs (the other
    references, the table a query runs on) and is never shown to a model.
    """

    prompt: str
    completion: str
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Labelled:
    """One text or two, and the label a model should give them.

    ``label`` is the number of a class, counted from 0, or a score where the task is a regression. ``group`` names the part of the data set that is
    scored apart ("mismatched" for MNLI's second development set); it is empty elsewhere.
    """

    texts: tuple[str, ...]
    label: int | float
    group: str = ""
