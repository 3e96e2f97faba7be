"""The order in which a loader visits examples: a fresh one each epoch, with rows of like length together.

Before it: the lengths of encoded examples. After it: ``batches.py`` and ``labelled.py`` pad the examples of each batch.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError


def check_loader(examples: Sequence[object], rows: int) -> None:
    """Raise InputError when there is no example, or ``rows`` is below 1."""
    if not examples:
        raise InputError("there is no example to learn from; the examples given are an empty list")
    if rows < 1:
        raise InputError(f"rows is {rows}; a batch needs at least one row")


class Order:
    """Which examples stand in the batch of a step, epoch after epoch: a function of the seed and the step alone.

    lengths: tokens of each example, at least one; rows: of a batch; window, seed: see `draw_epoch`.
    """

    def __init__(self, lengths: Sequence[int], *, rows: int, window: int, seed: int) -> None:
        self.rows, self.window, self.seed = rows, window, seed
        self._lengths = np.array(lengths)
        # kept since it is asked for step after step
        self._last_epoch: tuple[int, list[NDArray[np.int64]]] = (-1, [])

    @property
    def steps_per_epoch(self) -> int:
        """Batches that visit every example once."""
        return -(-len(self._lengths) // self.rows)

    def at(self, step: int) -> NDArray[np.int64]:
        """The numbers of the examples in the batch of a step (counted from 0)."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if self._last_epoch[0] != epoch:
            drawn = draw_epoch(self._lengths, rows=self.rows, window=self.window, seed=self.seed, epoch=epoch)
            self._last_epoch = (epoch, drawn)
        return self._last_epoch[1][position]


def draw_epoch(
    lengths: NDArray[np.int64], *, rows: int, window: int, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """The example numbers of each batch of an epoch, drawn from (seed, epoch).

    All examples in random order; within windows of ``window`` batches they are sorted by length and cut into batches of ``rows``; then the batches are
    shuffled. Every example comes once; where they do not come out even, one batch is smaller.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    size = rows * window
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        chosen = chosen[np.argsort(lengths[chosen], kind="stable")]
        batches += [chosen[i : i + rows] for i in range(0, len(chosen), rows)]
    return [batches[i] for i in rng.permutation(len(batches))]
