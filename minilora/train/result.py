"""What came of a fine-tuning run, and how it is written into the run's folder.

Comes after ``measure.py``, whose scores it holds, and before ``finetune.py``, which fills it in.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..files import write_atomically
from ..methods import Tuned
from .log import History
from .measure import Measured
from .recipe import FineTuning

METRICS = "metrics.json"
"""``Result.report()`` in the run's folder; written last, so a run that has it is whole."""


@dataclass(frozen=True)
class Result:
    """What came of a run. tuned: the adapted model; settings: none left open; before, after: its scores; parameters: of the model, and how many of them were trained.

    start: the adapter that the run began at (its folder, method, content by digest, and whether its head was kept or is new); None where it began at the base.
    too_long: what was done with examples longer than the model's context, and of each part that was used how many there were; None where all fit or the run would have been refused.
    ranks: how many processes trained together; sent: bytes that each gave into sums in a step: the gradient of what is trained, and the loss (0 for a process alone).
    """

    tuned: Tuned
    settings: FineTuning
    history: History
    before: Measured | None
    after: Measured
    parameters: int
    trainable: int
    folder: Path | None
    start: Mapping[str, Any] | None = None
    too_long: Mapping[str, Any] | None = None
    ranks: int = 1
    sent: int = 0

    def report(self) -> dict[str, Any]:
        """The result for a JSON file."""
        losses = self.history.losses
        return {
            "task": self.settings.task,
            "method": self.settings.method,
            "start": self.start,
            "parameters": self.parameters,
            "trainable": self.trainable,
            "share": self.trainable / self.parameters,
            "steps": len(losses),
            "first_loss": losses[0] if losses else None,
            "last_loss": losses[-1] if losses else None,
            "best_validation_loss": self.history.best,
            "best_step": self.history.best_step,
            "stopped_early": self.history.stopped_early,
            "too_long": self.too_long,
            "part": self.after.part,
            "primary": self.after.primary,
            "before": None if self.before is None else dict(self.before.metrics),
            "after": dict(self.after.metrics),
            "counted": self.after.counted,
            "seconds": {
                "training": round(self.history.seconds, 3),
                "scoring": round(self.after.seconds, 3),
            },
            "ranks": self.ranks,
            "bytes_sent_a_step": self.sent,
            "folder": None if self.folder is None else str(self.folder),
        }


def write(result: Result, folder: Path) -> None:
    """Save what a run has made into its folder."""
    result.tuned.save(folder, force=True)  # what stood there was refused above, or is this run's own
    write_atomically(folder / METRICS, json.dumps(plain(result.report()), indent=1) + "\n")


def bytes_of_a_step(trainable: int, dtype: str) -> int:
    """What a rank gives into the sums of a step: the gradient of what is trained, and the loss in float64."""
    return trainable * np.dtype(dtype).itemsize + np.dtype(np.float64).itemsize


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: a number that is not finite becomes None."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
