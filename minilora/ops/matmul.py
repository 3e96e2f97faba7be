"""The matrix product, batched and broadcast as NumPy does it."""

from typing import Any

from ..autograd import op
from ..backend import Array
from .broadcast import unbroadcast


@op(check=[(2, 1, 3, 4), (5, 4, 2)])
def matmul(x: Array, y: Array) -> tuple[Array, tuple[Any, ...]]:
    """x y over the last two axes (both inputs have at least two): ∂x = g yᵀ, ∂y = xᵀ g."""
    of_x, of_y = x.shape, y.shape
    return x @ y, (
        lambda g: unbroadcast(g @ y.swapaxes(-1, -2), of_x),
        lambda g: unbroadcast(x.swapaxes(-1, -2) @ g, of_y),
    )
