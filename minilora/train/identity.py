"""What makes a run this run: its start, its data and its method, by content, so that it is never gone on with from anything else.

Comes after ``recipe.py`` and ``checkpoints.py``, which compares what is named here, and before ``finetune.py``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..data.tasks import AnyTask, Classification, PlainText
from ..methods import SavedAdapter
from ..models.base import Model
from . import checkpoints
from .recipe import FineTuning


def identify(settings: FineTuning, model: Model, task: AnyTask) -> Mapping[str, checkpoints.Setting]:
    """What decides the run beside ``Training``: the start, the data (both by digest) and the method."""
    return {
        "method": str(settings.adaptation()),
        "rows": settings.rows,
        "length": settings.length,
        "dropout rate": settings.dropout,
        **digests(model, task),
    }


def digests(model: Model, task: AnyTask) -> dict[str, checkpoints.Setting]:
    """What training starts from and learns from, each by the digest of its content."""
    return {
        "the base's weights": checkpoints.describe((name, p.data) for name, p in model.named_parameters()),
        "the training data": checkpoints.describe(
            ("", text.encode("utf-8", "surrogatepass")) for text in training_texts(task)
        ),
    }


def training_texts(task: AnyTask) -> Sequence[str]:
    """All that a task teaches, as texts."""
    if isinstance(task, PlainText):
        return task.train
    if isinstance(task, Classification):
        return ["\0".join([*e.texts, str(e.label)]) for e in task.train]
    return [f"{e.prompt}\0{e.completion}" for e in task.train]


def describe_start(folder: str, saved: SavedAdapter, head: str | None) -> dict[str, Any]:
    """What a report says of the adapter that a run began at."""
    digest = checkpoints.describe(sorted(saved.arrays.items()))
    return {"adapter": folder, "method": str(saved.method), "digest": digest, "head": head}
