"""What training a method on a model would take, in closed form: for sizes of which nothing could be allocated here, GPT-3's 175 billion among them.

Comes after ``activations.py``; ``minilora plan`` prints it. Nothing is measured and nothing allocated: every figure follows from the size, the method and the assumptions, which
stand in the report.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from ..errors import InputError, nearest
from ..methods import FullFineTuning, Method
from ..models.sizes import size as size_named
from .activations import Transformer, activations, kept


@dataclass(frozen=True)
class Precision:
    """Bytes a number: of a frozen weight, of any other weight, of a trained weight's gradient, of what the optimizer keeps for it (Adam's two moments, and a float32 copy of the weight where there is one), of an activation."""

    frozen: int
    weight: int
    gradient: int
    optimizer: int
    activation: int
    words: str


PRECISIONS: Mapping[str, Precision] = MappingProxyType(
    {
        "half": Precision(2, 2, 2, 4, 2, "everything in 16 bits, Adam's two moments too"),
        "mixed": Precision(2, 2, 2, 12, 2, "weights and gradients in 16 bits; Adam's two moments and a copy of the trained weights in 32"),
        "single": Precision(4, 4, 4, 8, 4, "everything in 32 bits"),
        "half-base": Precision(2, 4, 4, 8, 4, "frozen weights in 16 bits, all else in 32: finetune --base-dtype float16 (there biases and norms, a thousandth, have 32 too)"),
    }
)  # fmt: skip
"""By name."""

GRADIENTS: Mapping[str, str] = MappingProxyType(
    {
        "all": "all gradients are there at once, when the optimizer steps",
        "block": "each block's weights are updated as soon as their gradient is there: one block's share at a time",
    }
)
"""When gradients are held, by name."""


@dataclass(frozen=True)
class Assumptions:
    """What the reckoning takes for granted.

    precision: see ``PRECISIONS``. gradients: see ``GRADIENTS``. rows, tokens: of a batch (None: the model's whole context). recompute: activations of a block are computed
    again when its gradient is due, instead of kept. Raises InputError for what is none of these.
    """

    precision: str = "half"
    gradients: str = "all"
    rows: int = 1
    tokens: int | None = None
    recompute: bool = True

    def __post_init__(self) -> None:
        for name, known in (("precision", PRECISIONS), ("gradients", GRADIENTS)):
            given = getattr(self, name)
            if given not in known:
                raise InputError(f"{name} must be {' or '.join(known)}, not {given!r}{nearest(given, known)}")
        for name in ("rows", "tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, not {value}")

    def sentences(self, tokens: int) -> tuple[str, ...]:
        """The assumptions in words."""
        kept = (
            "each block's input is kept and the rest computed again"
            if self.recompute
            else "nothing is computed twice"
        )
        return (
            f"precision {self.precision}: {PRECISIONS[self.precision].words}",
            f"gradients {self.gradients}: {GRADIENTS[self.gradients]}",
            f"activations of {self.rows} × {tokens} tokens; {kept}",
            "Adam; no copy of the weights on another device; no buffers of the machine's",
            "GB are 10⁹ bytes",
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The bytes that training holds, by what they are."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def memory(self) -> int:
        """Training memory."""
        return self.weights + self.gradients + self.optimizer + self.activations

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {**asdict(self), "memory": self.memory}


@dataclass(frozen=True, kw_only=True)
class Cost(Memory):
    """What a method takes. trainable: parameters; checkpoint: bytes of what is trained."""

    method: str
    trainable: int
    checkpoint: int


@dataclass(frozen=True)
class Plan:
    """A method beside full fine-tuning on one size of model, and what was assumed."""

    model: str
    parameters: int
    method: Method
    assumptions: Assumptions
    tokens: int
    adapted: Cost
    full: Cost

    def ratios(self) -> dict[str, float]:
        """How many times more full fine-tuning takes."""
        return {
            name: getattr(self.full, name) / max(getattr(self.adapted, name), 1)
            for name in ("trainable", "checkpoint", "optimizer", "memory")
        }

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "model": self.model,
            "parameters": self.parameters,
            "assumptions": {**asdict(self.assumptions), "tokens": self.tokens, "in_words": self.assumptions.sentences(self.tokens)},
            "adapted": self.adapted.as_dict(),
            "full": self.full.as_dict(),
            "full_over_adapted": self.ratios(),
        }  # fmt: skip


def plan(model: str, method: Method, assumptions: Assumptions = Assumptions()) -> Plan:
    """What ``method`` takes on the size ``model``, beside full fine-tuning.

    Raises InputError for a size that is not known, a target that names no layer, and texts longer than the context.
    """
    size = size_named(model)
    tokens = size.context if assumptions.tokens is None else assumptions.tokens
    if tokens > size.context:
        raise InputError(f"tokens is {tokens}, more than the context of {model}, {size.context}")
    adapted, full = (cost(m, size, assumptions, tokens) for m in (method, FullFineTuning()))
    return Plan(model, size.parameters, method, assumptions, tokens, adapted, full)


def cost(method: Method, size: Transformer, assumptions: Assumptions, tokens: int) -> Cost:
    """The reckoning for one method."""
    width = PRECISIONS[assumptions.precision]
    trainable = method.trainable(size)
    added = kept(method, size).weights
    own = max(0, trainable - added)  # of the model's own weights, those that are trained
    held = trainable if assumptions.gradients == "all" else -(-trainable // size.layers)
    numbers = activations(method, size, assumptions.rows, tokens, recompute=assumptions.recompute)
    return Cost(
        method=str(method),
        trainable=trainable,
        checkpoint=trainable * width.weight,
        weights=(size.parameters - own) * width.frozen + (own + added) * width.weight,
        gradients=held * width.gradient,
        optimizer=trainable * width.optimizer,
        activations=numbers * width.activation,
    )
