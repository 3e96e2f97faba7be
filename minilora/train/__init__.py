"""Training: optimizers, schedules, the sharded step, the loop, checkpoints that resume to the last digit, evaluation.

Comes after ``models`` and ``methods``, which make and adapt what is trained, and before ``lab`` and ``cli``. Start reading at ``loop.fit``.
"""

from .log import History, Record, read_log
from .loop import TrainingDiverged, fit
from .optimizers import SGD, AdamW
from .schedules import Schedule
from .settings import Training

__all__ = ["SGD", "AdamW", "History", "Record", "Schedule", "Training", "TrainingDiverged", "fit", "read_log"]
