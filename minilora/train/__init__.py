"""Training: optimizers, schedules, the sharded step, the loop, checkpoints that resume to the last digit, evaluation.

Comes after ``models`` and ``methods``, which make and adapt what is trained, and before ``lab`` and ``cli``. Start reading at ``loop.fit``.
"""

from .diverged import TrainingDiverged
from .evaluate import TaskReport, TextLoss, evaluate_loss, evaluate_task, save_predictions
from .log import History, Record, read_log
from .loop import fit
from .optimizers import SGD, AdamW
from .schedules import Schedule
from .settings import Training

__all__ = [
    "SGD",
    "AdamW",
    "History",
    "Record",
    "Schedule",
    "TaskReport",
    "TextLoss",
    "Training",
    "TrainingDiverged",
    "evaluate_loss",
    "evaluate_task",
    "fit",
    "read_log",
    "save_predictions",
]
