"""Put the functions of this room in the places of Python's operators, so that ``x @ W + b`` reads as it should."""

from typing import Any

from ..autograd import Tensor
from .elementwise import add, divide, multiply, negative, subtract
from .index import getitem
from .matmul import matmul
from .reduce import Axes, mean, sum
from .shape import reshape, transpose


def install_operators() -> None:
    """Called once, when ``ops`` is imported."""
    Tensor.__add__ = lambda self, other: add(self, other)
    Tensor.__radd__ = lambda self, other: add(other, self)
    Tensor.__sub__ = lambda self, other: subtract(self, other)
    Tensor.__rsub__ = lambda self, other: subtract(other, self)
    Tensor.__mul__ = lambda self, other: multiply(self, other)
    Tensor.__rmul__ = lambda self, other: multiply(other, self)
    Tensor.__truediv__ = lambda self, other: divide(self, other)
    Tensor.__rtruediv__ = lambda self, other: divide(other, self)
    Tensor.__neg__ = lambda self: negative(self)
    Tensor.__matmul__ = lambda self, other: matmul(self, other)
    Tensor.__getitem__ = lambda self, index: getitem(self, index=index)
    Tensor.reshape = lambda self, *shape: reshape(self, shape=_flat(shape))
    Tensor.transpose = lambda self, *axes: transpose(self, axes=_flat(axes) or None)
    Tensor.sum = _sum
    Tensor.mean = _mean


def _flat(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """``f(2, 3)`` and ``f((2, 3))`` mean the same."""
    return (
        tuple(arguments[0]) if len(arguments) == 1 and isinstance(arguments[0], tuple | list) else arguments
    )


def _sum(x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    return sum(x, axis=axis, keepdims=keepdims)


def _mean(x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    return mean(x, axis=axis, keepdims=keepdims)
