"""Functions that read or write some of a batch's positions, each row at places of its own: what special tokens in a text need."""

from typing import Any

import numpy as np

from ..autograd import op
from ..backend import Array, namespace

Result = tuple[Array, tuple[Any, ...]]


@op(check=lambda rng: ([rng.standard_normal((2, 4, 3))], {"places": np.array([[0, 3], [2, 1]])}))
def pick(x: Array, *, places: Array) -> Result:
    """y[row, i] = x[row, places[row, i]]. x: [rows, tokens, width]; places: int [rows, n], distinct in a row; y: [rows, n, width]. ∂x is g there and 0 elsewhere."""
    rows = _rows(x)
    shape, dtype = x.shape, x.dtype

    def dx(g: Array) -> Array:
        spread = namespace(g).zeros(shape, dtype=dtype)
        spread[rows, places] = g
        return spread

    return x[rows, places], (dx,)


@op(
    check=lambda rng: (
        [rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 3))],
        {"places": np.array([[0, 3], [2, 1]])},
    )
)
def place(x: Array, v: Array, *, places: Array) -> Result:
    """x with the vectors v in the same order in every row: y[row, places[row, i]] = v[i].

    x: [rows, tokens, width]; v: [n, width]; places: int [rows, n], distinct in a row. ∂x is g but 0 at the places, ∂v the sum of g there over the rows.
    """
    rows = _rows(x)
    y = x.copy()
    y[rows, places] = v

    def dx(g: Array) -> Array:
        kept = g.copy()
        kept[rows, places] = 0
        return kept

    return y, (dx, lambda g: g[rows, places].sum(axis=0))


def _rows(x: Array) -> Array:
    """The numbers of the rows, to be paired with places in each: int [rows, 1]."""
    return namespace(x).arange(len(x))[:, None]
