"""How time and memory of a LoRA step grow: with tokens, layers, width, rank and the number of adapters; and attention alone, with the length of a text.

Comes after ``shapes.py`` and beside ``run.py``; one thing is varied at a time, from one small model. Times are measured; bytes are counted (``lab.memory``), so they are the same every time.
"""

import dataclasses
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...autograd import Tensor, gradients
from ...backend import tune_malloc
from ...data.batches import IGNORED, Batch
from ...methods import LoRA, Tuned, adapt
from ...models.gpt import GPT, GPTConfig
from ...ops import attention, sum
from ...train import Training
from ...train.settings import require
from ..memory import step_memory
from .own import LEARNING_RATE, step_calls
from .run import record_of


@dataclasses.dataclass(frozen=True)
class Point:
    """A step to measure: the model, the row it learns from, and its adapters."""

    tokens: int = 128
    layers: int = 4
    width: int = 256
    rank: int = 8
    adapters: int = 1

    def tuned(self) -> Tuned:
        """The adapted model; the adapter added last is active."""
        config = GPTConfig(
            4096, max(512, self.tokens), self.width, self.layers, self.width // 32, dropout=0.0
        )
        model = GPT(config, np.random.default_rng(0))
        method = LoRA(rank=self.rank, targets=("query", "value"))
        tuned = adapt(model, method, name="0")
        for number in range(1, self.adapters):
            tuned.add(str(number), method)
            tuned.use(str(number))
        return tuned

    def batch(self) -> Batch:
        """Two rows of random tokens, one for each thread."""
        ids = np.random.default_rng(1).integers(0, 4096, (2, self.tokens))
        targets = np.roll(ids, -1, axis=1)
        targets[:, -1] = IGNORED
        return Batch(ids, targets, np.ones(ids.shape, np.bool_))


GROWTH = {
    "tokens": (64, 128, 256, 512, 1024, 2048),
    "layers": (1, 2, 4, 8, 16),
    "width": (64, 128, 256, 512, 1024),
    "rank": (1, 4, 16, 64, 256),
    "adapters": (1, 4, 16, 64),
}
LENGTHS = (256, 512, 1024, 2048, 4096, 8192)
STARTS = {
    "python": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import minilora": ["-c", "import minilora"],
    "minilora --version": ["-m", "minilora.cli", "--version"],
    "minilora --help": ["-m", "minilora.cli", "--help"],
}


def growth(
    *, repeats: int = 5, threads: int = 2, progress: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Rows ``{"varied", "value", "ms", "step_mib", "weights_mib"}`` for every value of ``GROWTH``; of attention over ``LENGTHS``; and of ``STARTS``, without memory.

    ms: the median of ``repeats`` steps (starts of a process). step_mib: what a step allocates beside the weights at its peak. Raises InputError for repeats and threads below 1.
    """
    require("repeats", repeats, repeats >= 1, "at least 1")
    require("threads", threads, threads >= 1, "at least 1")
    tune_malloc()
    progress("counting bytes")
    points = [(name, v, dataclasses.replace(Point(), **{name: v})) for name, vs in GROWTH.items() for v in vs]
    rows: list[dict[str, Any]] = []
    calls: list[Callable[[], object]] = []
    for varied, value, point in points:
        model, batch = point.tuned().model, point.batch()
        assert isinstance(model, GPT)
        memory = step_memory(model, batch, Training(1, LEARNING_RATE, dropout=False))
        rows.append({"varied": varied, "value": value, **_mib(step=memory.step, weights=memory.weights)})
        calls.append(step_calls(model, dict(model.trainable_parameters()), {"step": batch}, threads)["step"])
    for length in LENGTHS:
        rows.append({"varied": "attention", "value": length, **_mib(step=attention_peak(length))})
        calls.append(partial(attend, length))
    for name, words in STARTS.items():
        rows.append({"varied": "start", "value": name})
        calls.append(partial(subprocess.run, [sys.executable, *words], check=True, capture_output=True))
    for row, ms in zip(rows, _medians(calls, repeats, progress), strict=True):
        row["ms"] = ms
    return record_of(rows, {}, {"repeats": repeats, "threads": threads})


def _medians(
    calls: Sequence[Callable[[], object]], repeats: int, progress: Callable[[str], None]
) -> list[float]:
    """Milliseconds of the median of each call. They take turns, so that whatever else the machine does meets all alike; the first turn is not counted."""
    seconds: list[list[float]] = [[] for _ in calls]
    for number in range(repeats + 1):
        progress(f"round {number} of {repeats}" if number else "warming up")
        for call, found in zip(calls, seconds, strict=True):
            began = time.perf_counter()
            call()
            found.append(time.perf_counter() - began)
    return [1000 * float(np.median(found[1:])) for found in seconds]


def _mib(**counted: int) -> dict[str, float]:
    return {f"{name}_mib": size / 2**20 for name, size in counted.items()}


def attend(length: int) -> list[Any]:
    """Causal attention of one text and its three gradients."""
    rng = np.random.default_rng(0)
    q, k, v = (
        Tensor(rng.standard_normal((1, length, 128), dtype=np.float32), trainable=True) for _ in range(3)
    )
    return gradients(sum(attention(q, k, v, heads=4, causal=True)), [q, k, v])


def attention_peak(length: int) -> int:
    """The most bytes of arrays that exist at any moment of ``attend``."""
    tracemalloc.start()
    try:
        attend(length)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
