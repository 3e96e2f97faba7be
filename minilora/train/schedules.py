"""The learning rate at each step: a warm-up, then constant, linear or cosine decay.

Comes before the loop, which multiplies the learning rate by ``factor``. A schedule is a frozen value and ``factor`` a pure function of the step, so a
resumed run needs no state for it.
"""

import math
from dataclasses import dataclass

from ..errors import InputError, nearest

KINDS = ("constant", "linear", "cosine")


@dataclass(frozen=True)
class Schedule:
    """What share of the learning rate step t of T gets, t = 0 … T − 1, with w warm-up steps and a floor f:

    t < w:            (t + 1) / (w + 1)

    otherwise, with the progress p = (t − w) / (T − w):
    constant 1;   linear f + (1 − f)(1 − p);   cosine f + (1 − f)(1 + cos πp) / 2

    The first step after the warm-up gets the whole rate, and no step gets none.
    Sources: linear, as in the paper's appendix D; cosine, Loshchilov & Hutter 2017 without restarts.
    """

    kind: str = "linear"
    warmup: int = 0
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(
                f"schedule must be one of {', '.join(KINDS)}, not {self.kind!r}{nearest(self.kind, KINDS)}"
            )
        if self.warmup < 0:
            raise InputError(f"warmup must be at least 0 steps, not {self.warmup!r}")
        if not 0 <= self.floor <= 1:
            raise InputError(f"floor must be a share between 0 and 1, not {self.floor!r}")

    def factor(self, step: int, steps: int) -> float:
        """The share of the learning rate at ``step`` (from 0) of ``steps``."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        progress = (step - self.warmup) / max(1, steps - self.warmup)
        if self.kind == "linear":
            return self.floor + (1 - self.floor) * (1 - progress)
        if self.kind == "cosine":
            return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2
        return 1.0
