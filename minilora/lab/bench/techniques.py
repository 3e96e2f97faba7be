"""Why a LoRA step is fast: each technique switched off in turn, to see what it gives.

Comes after ``own.py``. ``calls`` makes the step of a process in which one technique is off; ``techniques`` lets such processes take turns with one in which all are on. What is switched off is
switched off in that process alone, by putting something slower in a function's or a constant's place: the package itself has no switch for being slow.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any

from ... import ops
from ...backend import Array, row_sum, tune_malloc
from ...methods import adapt
from ...models.gpt import GPT
from ...ops import elementwise
from ...ops.reference import TWINS
from ...train.forks import can_fork
from .own import METHODS, Call, step_calls
from .processes import Turn, contender
from .run import record_of, row
from .shapes import SHAPES, Shape

MODULE = "minilora.lab.bench.techniques"
ENDLESS = 1 << 62


@dataclass(frozen=True)
class Technique:
    """One technique: what it is, and how a process does without. ``library`` changes the package before the model is made, ``model`` the adapted model."""

    what: str
    library: Callable[[], None] = lambda: None
    model: Callable[[GPT], None] = lambda model: None
    malloc: bool = True
    shards: bool = True


def composed() -> None:
    """Every fused function is its twin composed of primitives."""
    for name, twin in TWINS.items():
        replace(getattr(ops, name), _accepting(twin))


def _accepting(twin: Callable[..., Any]) -> Callable[..., Any]:
    """The twin, called with the options that are off in this measurement (dropout of attention weights), which twins do not have."""

    def call(*inputs: Any, rate: float = 0.0, rng: object = None, **options: Any) -> Any:
        assert rng is None
        return twin(*inputs, **options)

    return call


def replace(old: object, new: object) -> None:
    """Put ``new`` wherever a module of this package holds ``old``."""
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("minilora.") and not module_name.startswith("minilora.lab"):
            for name, value in list(vars(module).items()):
                if value is old:
                    setattr(module, name, new)


def constant(module: str, name: str) -> Callable[[], None]:
    """Make a block length of a module endless."""

    def change() -> None:
        assert hasattr(sys.modules[f"minilora.{module}"], name)
        setattr(sys.modules[f"minilora.{module}"], name, ENDLESS)

    return change


def plain_sums() -> None:
    """Row sums by NumPy's own sum."""
    replace(row_sum, lambda x: x.sum(axis=-1))


def powers() -> None:
    """gelu as the formula is written, with a power."""
    replace(elementwise._gelu_gate, _gate_with_power)


def _gate_with_power(xp: ModuleType, x: Array, y: Array, polynomial: Array) -> None:
    y[...] = 0.5 * (1 + xp.tanh(elementwise._GELU_SCALE * (x + elementwise._GELU_CUBIC * x**3)))
    polynomial[...] = -2 * elementwise._GELU_SCALE * (1 + elementwise._GELU_CUBIC * polynomial)


def threads_instead() -> None:
    """No process is forked."""
    replace(can_fork, lambda: False)


def everything_trainable(model: GPT) -> None:
    """Gradients of every weight are computed, though only the adapters' are used."""
    model.unfreeze()


def down_to_the_embeddings(model: GPT) -> None:
    """The gradient is carried below the lowest adapter, to the positions."""
    model.positions.weight.trainable = True


TECHNIQUES: Mapping[str, Technique] = MappingProxyType(
    {
        "none": Technique("nothing is switched off"),
        "fused": Technique("fused functions that keep little, instead of primitives on the tape", library=composed),
        "malloc": Technique("the C library is told to keep freed blocks", malloc=False),
        "shards": Technique("two shards in two processes, instead of threads inside of each product", shards=False),
        "forks": Technique("two shards in two processes, instead of on two threads", library=threads_instead),
        "frozen": Technique("no gradients of frozen weights", model=everything_trainable),
        "lowest": Technique("nothing computed below the lowest adapter", model=down_to_the_embeddings),
        "power": Technique("gelu by one exponential and x·x·x, instead of tanh and x**3", library=powers),
        "parts": Technique("the logits of a part of the vocabulary at a time", library=constant("ops.cross_entropy", "_LOGITS")),
        "pieces": Technique("element-wise kernels on a piece of their arrays at a time", library=constant("backend.elementwise", "BLOCK")),
        "blocks": Technique("attention leaves out blocks above the diagonal", library=constant("ops.attention", "_BLOCK")),
        "sums": Technique("row sums as products with ones", library=plain_sums),
    }
)  # fmt: skip
"""By name. Dropping rows outside of the loss before the head has its own rows in the main measurement: ``lora-masked``."""


def calls(shape: dict[str, Any], threads: int, task: str) -> dict[str, Call]:
    """One call: a LoRA step without the technique ``task``."""
    technique = TECHNIQUES[task]
    if technique.malloc:
        tune_malloc()
    technique.library()
    measured = Shape.from_dict(shape)
    model = measured.model()
    adapt(model, METHODS["lora"])
    parameters = dict(model.trainable_parameters())
    technique.model(model)
    return step_calls(model, parameters, {"step": measured.batch()}, threads, technique.shards)


def techniques(
    shapes: Sequence[Shape] = tuple(SHAPES.values()),
    *,
    rounds: int = 5,
    threads: int = 2,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """A LoRA step with each technique switched off, in turn: rows as ``bench`` has them, and in ``ratios`` how many times longer it takes and how many times more memory.

    ``{"gpt2-small": {"malloc": {"time": 1.2, "memory": 1.0}, …}, …}``.
    """
    rows: list[dict[str, Any]] = []
    ratios: dict[str, dict[str, dict[str, float]]] = {}
    for shape in shapes:
        turns: dict[str, list[Turn]] = {}
        with ExitStack() as stack:
            own = {"shape": shape.as_dict(), "threads": threads}
            start = partial(contender, MODULE, threads=threads)
            running = {name: stack.enter_context(start({**own, "task": name})) for name in TECHNIQUES}
            for number in range(rounds + 1):
                progress(
                    f"{shape.name}: round {number} of {rounds}" if number else f"{shape.name}: warming up"
                )
                for name, process in running.items():
                    turns.setdefault(name, []).append(process.turn("step"))
        of_shape = [row(shape, name, found[1:]) for name, found in turns.items()]
        whole = of_shape[0]
        rows += of_shape
        ratios[shape.name] = {
            without["name"]: {
                "time": without["ms"] / whole["ms"],
                "memory": without["peak_mib"] / whole["peak_mib"] if whole["peak_mib"] else 1.0,
            }
            for without in of_shape[1:]
        }
    return record_of(rows, ratios, {"rounds": rounds, "threads": threads})
