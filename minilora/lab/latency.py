"""How long one forward pass takes: the base, LoRA beside its weights, LoRA merged into them, and adapters in the way.

Comes after ``methods``. The claim to look at is the paper's: merged, LoRA adds nothing to inference, because it *is* a plain weight again (section 4.1), while
adapters stand in series with the layers and cost time on every token (section 3 and table 1).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ..models.base import Model


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one call: the median over ``trials``, and the quarter points below and above it."""

    median: float
    low: float
    high: float
    trials: int


def forward_latencies(
    models: Mapping[str, Model], *, tokens: int = 128, trials: int = 30, seed: int = 0
) -> dict[str, Latency]:
    """The latency of logits of one text of ``tokens`` tokens (batch 1, no cache, no tape) for each model by its name.

    tokens is cut to the models' context. The text is random: the work does not depend on what is read.
    """
    vocabulary = min(model.config.vocabulary for model in models.values())
    length = min(tokens, *(model.config.context for model in models.values()))
    ids = np.random.default_rng(seed).integers(0, vocabulary, (1, length))
    return latencies({name: _forward(model, ids) for name, model in models.items()}, trials=trials)


def latencies(
    calls: Mapping[str, Callable[[], object]], *, trials: int = 30, warm_up: int = 3
) -> dict[str, Latency]:
    """The latency of each call. The calls take turns, and each trial begins with another, so that whatever else the machine does meets all alike.

    BLAS is held to one thread: at batch 1 the products are small, and more threads would mostly measure how they wait for each other.
    """
    names = list(calls)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with threadpool_limits(limits=1, user_api="blas"):
        for trial in range(-warm_up, trials):
            start = trial % len(names)
            for name in names[start:] + names[:start]:
                began = time.perf_counter()
                calls[name]()
                if trial >= 0:
                    seconds[name].append(time.perf_counter() - began)
    return {name: _summary(found) for name, found in seconds.items()}


def _forward(model: Model, ids: np.ndarray) -> Callable[[], object]:
    return lambda: model.logits(ids)


def _summary(seconds: list[float]) -> Latency:
    low, median, high = (1000 * float(q) for q in np.quantile(seconds, (0.25, 0.5, 0.75)))
    return Latency(median, low, high, len(seconds))
