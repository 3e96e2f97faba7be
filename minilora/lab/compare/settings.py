"""All that decides a comparison, in one frozen value.

Comes first in this folder.
"""

import math
from dataclasses import dataclass

from ...data.cutting import check_policy
from ...errors import InputError
from ...methods import FullFineTuning, as_method
from ...methods.named import make_method, read_text
from ...train.choices import METHODS
from ..contest import Contestant

FULL = "full"
"""The method that the others are measured by."""


@dataclass(frozen=True)
class Comparison:
    """The settings of a comparison.

    Attributes:
        model: a shipped model's name, or a model folder.
        task: see ``data.tasks``; data: the file it reads, where it needs one; data_seed: the seed of one that makes its own data.
        methods: each as a text (``methods.named``), with ``lr=`` for a learning rate of its own. Full fine-tuning is added where it is missing: it is the measure.
        steps, rows: optimizer steps, and examples a batch; length: text: tokens a row.
        too_long: of examples longer than what every method leaves of the context: ``"error"``, ``"cut"`` or ``"skip"``, as in ``FineTuning``.
        warmup: steps over which the learning rate rises, a third of all at most; None: 20, or that third where it is less.
        points: how many times, evenly over training, everything is measured; once more at the start.
        held_out: validation examples for the loss (rows of text likewise).
        limit: validation examples that are answered at the end; 0 asks nothing.
        seed: of the adapters' starts and the order of examples.
    """

    model: str = "tiny-gpt"
    task: str = "nl2sql"
    data: str | None = None
    data_seed: int = 0
    methods: tuple[str, ...] = (
        "full",
        "lora:rank=4,alpha=8,targets=all-linear",
        "lora:rank=16,alpha=32,targets=query/value",
        "houlsby:width=16",
        "bitfit",
    )
    steps: int = 250
    rows: int = 16
    length: int | None = None
    too_long: str | None = None
    warmup: int | None = None
    points: int = 10
    held_out: int = 64
    limit: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises InputError for a number out of range, and for a text that is no method."""
        for name, least in (
            ("steps", 1),
            ("rows", 1),
            ("points", 1),
            ("held_out", 1),
            ("length", 1),
            ("limit", 0),
            ("warmup", 0),
            ("seed", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} must be at least {least}, not {value}")
        if self.points > self.steps:
            raise InputError(
                f"points is {self.points}, more than the {self.steps} steps; give at most {self.steps}"
            )
        if self.warmup is not None and self.warmup > self.steps // 3:
            raise InputError(
                f"warmup is {self.warmup}, more than a third of the {self.steps} steps; give at most {self.steps // 3}"
            )
        check_policy(self.too_long)
        self.contestants()

    @property
    def rise(self) -> int:
        """The steps of the warm-up, where none are given those that suit the run."""
        return min(20, self.steps // 3) if self.warmup is None else self.warmup

    def contestants(self, answers: str | None = None) -> list[Contestant]:
        """The methods, full fine-tuning first, at the learning rates for a task that is answered so: ``"head"``, ``"prompt"`` or None. Raises InputError where one is named twice."""
        entries = [contestant(text, answers) for text in self.methods]
        full = [entry for entry in entries if isinstance(entry.method, FullFineTuning)]
        full = full or [contestant(FULL, answers)]
        others = [entry for entry in entries if not isinstance(entry.method, FullFineTuning)]
        names = [entry.name for entry in (*full, *others)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"methods names {twice!r} twice; leave one out, or let them differ")
        return [*full, *others]

    def measured_at(self) -> list[int]:
        """The numbers of steps after which everything is measured, 0 and the last among them."""
        return sorted({round(self.steps * point / self.points) for point in range(self.points + 1)})


def contestant(text: str, answers: str | None = None) -> Contestant:
    """A method as it enters, from its text; the text itself is its title. Without ``lr=`` it gets the learning rate that ``finetune`` gives it for a task answered so.

    Raises InputError for what is no method, and for a learning rate that is no number above 0.
    """
    parts = [read_text(part) for part in text.split("+")]
    rates = [fields.pop("lr") for _, fields in parts if "lr" in fields]
    methods = [make_method(name, fields) for name, fields in parts]
    try:
        rate = float(rates[0]) if rates else METHODS[parts[0][0]].rate(answers)
    except ValueError:
        rate = 0.0
    if not 0 < rate < math.inf or len(rates) > 1:
        raise InputError(f"in {text!r}, lr must be one number above 0, not {', '.join(rates)}")
    name = "-".join("".join(c if c.isalnum() else " " for c in text).split())
    return Contestant(name, text.strip(), as_method(methods), rate)
