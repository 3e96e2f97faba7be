"""All that decides a training run, in one frozen value.

Comes before the loop, which takes it, and the checkpoints, which refuse to go on under another.
"""

from dataclasses import dataclass

from ..errors import InputError, nearest
from .optimizers import SGD, AdamW
from .schedules import Schedule

OPTIMIZERS = ("adamw", "sgd")


@dataclass(frozen=True)
class Training:
    """The settings of a run.

    Attributes:
        steps: optimizer steps in all.
        learning_rate: η, reached after the warm-up.
        optimizer: ``"adamw"`` or ``"sgd"``.
        weight_decay: λ, decoupled; on matrices only.
        momentum: AdamW's β₁, or SGD's μ.
        beta2: AdamW's β₂; SGD has none.
        schedule: ``"constant"``, ``"linear"`` or ``"cosine"`` decay after the warm-up.
        warmup: steps over which the learning rate rises.
        floor: the share of η that the decay ends at.
        clip: the largest norm of the whole gradient, all parameters together; a longer one is scaled down to it. None: never.
        accumulation: batches a step. Their gradients are summed and divided by all their counted tokens, as if they were one large batch.
        label_smoothing: ε: the target of each token is 1 − ε on the right one and ε spread evenly over the vocabulary.
        dropout: whether the model's dropout takes place (at the rates of its own configuration).
        workers: shards of a batch, computed side by side, in processes where the system can fork them and on threads elsewhere. Never taken from the number of cores: another number gives another rounding of sums.
        seed: where dropout masks come from.
        evaluate_every: steps from one validation to the next; None: only after the last step.
        patience: validations in a row without a new best after which the run stops. However it ends, the best parameters are then put back. None: all steps are
            taken, and the last parameters stay.
        save_every: steps from one checkpoint to the next (where an output folder is given). It decides no number, so it may differ on resume.
        log_every: steps from one reading of losses and norms to the next, which the log tells of step by step all the same. On a card each reading makes the host wait, so a larger number is
            faster there; a run that diverges is found out that much later. Nor does this decide a number.
    """

    steps: int
    learning_rate: float
    optimizer: str = "adamw"
    weight_decay: float = 0.01
    momentum: float = 0.9
    beta2: float = 0.999
    schedule: str = "linear"
    warmup: int = 0
    floor: float = 0.0
    clip: float | None = 1.0
    accumulation: int = 1
    label_smoothing: float = 0.0
    dropout: bool = True
    workers: int = 2
    seed: int = 0
    evaluate_every: int | None = None
    patience: int | None = None
    save_every: int = 100
    log_every: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "accumulation", "workers", "save_every", "log_every"):
            require(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        for name in ("evaluate_every", "patience"):
            value = getattr(self, name)
            require(name, value, value is None or value >= 1, "at least 1, or None")
        require("clip", self.clip, self.clip is None or self.clip > 0, "above 0, or None")
        require(
            "label_smoothing", self.label_smoothing, 0 <= self.label_smoothing < 1, "at least 0 and below 1"
        )
        require("seed", self.seed, self.seed >= 0, "at least 0")
        if self.optimizer not in OPTIMIZERS:
            near = nearest(self.optimizer, OPTIMIZERS)
            raise InputError(
                f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {self.optimizer!r}{near}"
            )
        if self.optimizer == "sgd" and self.beta2 != Training.beta2:
            raise InputError(f"beta2 is AdamW's, and the optimizer is 'sgd'; leave beta2={self.beta2!r} out")
        self.make_optimizer()
        self.make_schedule()

    def make_optimizer(self) -> AdamW | SGD:
        """The optimizer as a value of its own."""
        if self.optimizer == "sgd":
            return SGD(self.learning_rate, self.momentum, self.weight_decay)
        return AdamW(self.learning_rate, self.momentum, self.beta2, weight_decay=self.weight_decay)

    def make_schedule(self) -> Schedule:
        """The schedule as a value of its own."""
        return Schedule(self.schedule, self.warmup, self.floor)


def require(name: str, value: object, holds: bool, accepted: str) -> None:
    """Raise InputError, naming the setting, unless ``holds``."""
    if not holds:
        raise InputError(f"{name} must be {accepted}, not {value!r}")
