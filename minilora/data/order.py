"""The order in which a loader visits examples: a fresh one each epoch, with rows of like length together.

Before it: the lengths of encoded examples. After it: ``batches.py`` and ``labelled.py`` pad the examples of each batch.
"""

import numpy as np
from numpy.typing import NDArray


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
