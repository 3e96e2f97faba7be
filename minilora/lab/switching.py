"""Serving several tasks: what it costs to go from one to another, and what their weights take on disk (the paper, sections 1 and 4.2).

Comes after ``methods``. With adapters beside the weights a switch changes which one is read, whatever the size of the model; merged, it is one subtraction and one addition for each adapted
weight, and here even less: the base's own arrays are put back.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..backend import to_host
from ..errors import InputError
from ..methods import Method, Tuned
from ..methods.base import Size
from ..methods.layers import base_parameters
from ..tensors import load_tensors, save_tensors
from .latency import Latency, latencies


@dataclass(frozen=True)
class SwitchCost:
    """Milliseconds of one switch from an adapter to another. use: both beside the weights. merged: unmerge, use, merge. load: read the other from its file, use it, and
    take it out again. model: read the weights of a whole model, which is what separate fine-tuned models would ask for."""

    use: Latency
    merged: Latency
    load: Latency
    model: Latency


def switch_cost(tuned: Tuned, first: str, second: str, *, trials: int = 20) -> SwitchCost:
    """Measure switching between two adapters of ``tuned``, which must be ones that can be merged. Writes to a temporary folder; afterwards ``first`` is active.

    Raises InputError for an unknown name, and while one is merged.
    """
    for name in (second, first):
        tuned.use(name)
        tuned.active_adapter("merge").check_merge()
    here = [first]

    def other() -> str:
        here[0] = second if here[0] == first else first
        return here[0]

    def use() -> None:
        tuned.use(other())

    def merged() -> None:
        tuned.unmerge()
        tuned.use(other())
        tuned.merge()

    with tempfile.TemporaryDirectory() as folder:
        tuned.use(second)
        tuned.save(Path(folder) / "adapter")
        weights = Path(folder) / "model.safetensors"
        with tuned.disabled() as base:
            own = base_parameters(base)
            save_tensors(weights, {name: to_host(parameter.data) for name, parameter in own.items()}, {})

        def load() -> None:
            tuned.use(tuned.load(Path(folder) / "adapter", name="switched-to"))
            tuned.remove("switched-to")

        found = latencies(
            {"use": use, "load": load, "model": lambda: load_tensors(weights)},
            trials=trials,
        )
        tuned.use(here[0])
        tuned.merge()
        found |= latencies({"merged": merged}, trials=trials)
        tuned.unmerge()
    tuned.use(first)
    return SwitchCost(found["use"], found["merged"], found["load"], found["model"])


@dataclass(frozen=True)
class Storage:
    """Bytes that ``tasks`` tasks take. adapters: one base and an adapter a task. models: a whole fine-tuned model a task."""

    tasks: int
    adapters: int
    models: int


def storage(size: Size, method: Method, tasks: int, *, itemsize: int = 2) -> Storage:
    """What ``tasks`` tasks take by ``method`` on a model of this size, ``itemsize`` bytes a number (2: float16). For GPT-3 175B with LoRA of rank 4 on query and value, 100
    tasks: the paper's 354 GB against 35 TB (section 4.2)."""
    if tasks < 1:
        raise InputError(f"tasks must be at least 1, not {tasks}")
    return Storage(
        tasks,
        itemsize * (size.parameters + tasks * method.trainable(size)),
        itemsize * tasks * size.parameters,
    )
