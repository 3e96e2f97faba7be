"""What a model answers to batches, in order: class logits, scores or embeddings.

Comes after the model, beside ``evaluate.py``, which lets a model write. Batches run side by side on threads, each with a single-threaded BLAS, and without a tape.
"""

from collections.abc import Sequence

import numpy as np

from ..backend import Array, to_host
from ..data.batches import Batch
from ..errors import InputError
from ..models.base import Model
from .parallel import Workers


def predict(model: Model, batches: Sequence[Batch], *, workers: int = 2) -> Array:
    """The head's answer to every row of ``batches``, in order: [examples, outputs]. Raises InputError when there is no batch, and for a head that answers once a token."""
    if not batches:
        raise InputError("there is nothing to predict: the list of batches is empty")

    def answer(batch: Batch) -> Array:
        return to_host(model.logits(batch.ids, batch.mask, batch.types))

    with Workers(workers) as pool, pool.single_threaded_blas():
        found = list(pool.map(answer, batches))
    if found[0].ndim != 2:
        raise InputError(
            f"the model's head ({model.head.kind}) answers once a token; predictions need one that answers once a row: set a classifier or an embedding"
        )
    return np.concatenate(found)
