"""Functions that pick elements."""

from typing import Any

import numpy as np

from ..autograd import op
from ..backend import Array, namespace, scatter_add, wide


@op(check=lambda rng: ([rng.standard_normal((4, 3))], {"index": (np.array([0, 2, 0]), slice(1, 3))}))
def getitem(x: Array, *, index: Any) -> tuple[Array, tuple[Any, ...]]:
    """x[index], for any index of NumPy's; an element picked twice gets both gradients."""

    shape = x.shape

    def dx(g: Array) -> Array:
        xp = namespace(g)
        spread = xp.zeros(shape, dtype=g.dtype)
        xp.add.at(spread, index, g)
        return spread

    return x[index], (dx,)


@op(check=lambda rng: ([rng.standard_normal((5, 3))], {"ids": np.array([[0, 4, 4], [1, 0, 4]])}))
def embedding(W: Array, *, ids: Array) -> tuple[Array, tuple[Any, ...]]:
    """Row ids[…] of the table W: [*ids.shape, width].

    ids: integers in [0, rows of W). NumPy would take −1 for the last row and CuPy would wrap any id silently, so whoever reads ids from outside checks them
    first (the models do). Of a table that is stored as float16 only the rows that are read are made wide.
    """
    shape, dtype = W.shape, W.dtype

    def dW(g: Array) -> Array:
        spread = namespace(g).zeros(shape, dtype=dtype)
        scatter_add(spread, ids.ravel(), g.reshape(-1, shape[-1]))
        return spread

    return wide(W[ids]), (dW,)
