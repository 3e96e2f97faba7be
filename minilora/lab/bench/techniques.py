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
from ...train.settings import require
from .own import METHODS, Call, generation_calls, step_calls
from .processes import TURN, Turn, contender
from .run import record_of, row
from .shapes import SHAPES, Shape

MODULE = "minilora.lab.bench.techniques"
ENDLESS = 1 << 62


STEP, TEXTS = "step", "generate 8"
"""The calls by which techniques are measured: a LoRA step, and eight texts continued by the base."""


@dataclass(frozen=True)
class Technique:
    """One technique: what it is, and how a process does without. ``library`` changes the package before the model is made, ``model`` the adapted model; ``call`` is what it is measured by."""

    what: str
    library: Callable[[], None] = lambda: None
    model: Callable[[GPT], None] = lambda model: None
    malloc: bool = True
    shards: bool = True
    call: str = STEP


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


def constant(module: str, name: str, value: int = ENDLESS) -> Callable[[], None]:
    """Make a length in a module endless, or what is given."""

    def change() -> None:
        assert hasattr(sys.modules[f"minilora.{module}"], name)
        setattr(sys.modules[f"minilora.{module}"], name, value)

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
        "texts": Technique("nothing is switched off", call=TEXTS),
        "few": Technique("a few rows multiplied the other way round (time of continuing eight texts)", library=constant("backend.products", "FEW", 0), call=TEXTS),
    }
)  # fmt: skip
"""By name; ``none`` and ``texts`` are what the others with their calls are held against. Dropping rows outside of the loss before the head has its own rows in the main measurement: ``lora-masked``."""

WHOLE = MappingProxyType({STEP: "none", TEXTS: "texts"})
"""By the call, the entry in which nothing is switched off."""


def calls(shape: dict[str, Any], threads: int, task: str) -> dict[str, Call]:
    """One call, or a few: what the technique ``task`` is measured by, without it."""
    technique = TECHNIQUES[task]
    if technique.malloc:
        tune_malloc()
    technique.library()
    measured = Shape.from_dict(shape)
    if technique.call == TEXTS:
        return generation_calls(measured, "cpu")
    model = measured.model()
    adapt(model, METHODS["lora"])
    parameters = dict(model.trainable_parameters())
    technique.model(model)
    return step_calls(model, parameters, {STEP: measured.batch()}, threads, technique.shards)


def techniques(
    shapes: Sequence[Shape] = tuple(SHAPES.values()),
    *,
    rounds: int = 5,
    threads: int = 2,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """A LoRA step, or what else shows it, with each technique switched off, in turn: rows as ``bench`` has them, and in ``ratios`` how many times longer it takes and how many times more memory.

    ``{"gpt2-small": {"malloc": {"time": 1.2, "memory": 1.0}, …}, …}``. Raises InputError for rounds and threads below 1.
    """
    require("rounds", rounds, rounds >= 1, "at least 1")
    require("threads", threads, threads >= 1, "at least 1")
    rows: list[dict[str, Any]] = []
    ratios: dict[str, dict[str, dict[str, float]]] = {}
    for shape in shapes:
        turns: dict[str, list[Turn]] = {}
        for call in WHOLE:
            tasks = [name for name, technique in TECHNIQUES.items() if technique.call == call]
            turns |= _turns(shape, call, tasks, rounds, threads, progress)
        of_shape = {name: row(shape, name, found, TECHNIQUES[name].call) for name, found in turns.items()}
        rows += of_shape.values()
        ratios[shape.name] = {
            name: _against(without, of_shape[WHOLE[TECHNIQUES[name].call]])
            for name, without in of_shape.items()
            if name not in WHOLE.values()
        }
    return record_of(rows, ratios, {"rounds": rounds, "threads": threads})


def _turns(
    shape: Shape, call: str, tasks: Sequence[str], rounds: int, threads: int, progress: Callable[[str], None]
) -> dict[str, list[Turn]]:
    """The turns of the techniques that one call shows, each in a process of its own; those that warm up are left out."""
    turns: dict[str, list[Turn]] = {task: [] for task in tasks}
    with ExitStack() as stack:
        own = {"shape": shape.as_dict(), "threads": threads}
        start = partial(contender, MODULE, threads=threads)
        running = {task: stack.enter_context(start({**own, "task": task})) for task in tasks}
        for number in range(rounds + 1):
            progress(f"{shape.name}, {call}: " + (f"round {number} of {rounds}" if number else "warming up"))
            for task, process in running.items():
                turns[task].append(process.turn(call, TURN if number else 0))
    return {task: found[1:] for task, found in turns.items()}


def _against(without: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, float]:
    """How many times longer than ``whole`` and how many times more memory."""
    return {
        "time": without["ms"] / whole["ms"],
        "memory": without["peak_mib"] / whole["peak_mib"] if whole["peak_mib"] else 1.0,
    }
