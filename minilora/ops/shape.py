"""Functions that rearrange elements and compute nothing."""

import math
from typing import Any

from ..autograd import op
from ..backend import Array, namespace


@op(check=lambda rng: ([rng.standard_normal((2, 6))], {"shape": (3, -1)}))
def reshape(x: Array, *, shape: tuple[int, ...]) -> tuple[Array, tuple[Any, ...]]:
    """The elements of x in another shape; one entry of ``shape`` may be −1."""
    before = x.shape
    return x.reshape(shape), (lambda g: g.reshape(before),)


@op(check=lambda rng: ([rng.standard_normal((2, 3, 4))], {"axes": (2, 0, 1)}))
def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> tuple[Array, tuple[Any, ...]]:
    """Axes in another order; reversed where ``axes`` is None. Axis i of the result is axis ``axes[i]`` of x."""
    axes = tuple(reversed(range(x.ndim))) if axes is None else axes
    back = tuple(sorted(range(len(axes)), key=lambda i: axes[i] % x.ndim))
    return x.transpose(axes), (lambda g: g.transpose(back),)


@op(check=lambda rng: ([rng.standard_normal((2, n, 3)) for n in (1, 4, 2)], {"axis": 1}))
def concatenate(*xs: Array, axis: int) -> tuple[Array, tuple[Any, ...]]:
    """The inputs one after another along ``axis``; each gets its own slice of the gradient."""
    pullbacks, start = [], 0
    for x in xs:
        part = [slice(None)] * x.ndim
        part[axis] = slice(start, start + x.shape[axis])
        pullbacks.append(lambda g, part=tuple(part): g[part])
        start += x.shape[axis]
    return namespace(xs[0]).concatenate(xs, axis=axis), tuple(pullbacks)


def element_count(shape: tuple[int, ...], axes: tuple[int, ...] | None) -> int:
    """How many elements a reduction over ``axes`` of an array of ``shape`` takes together."""
    return math.prod(shape if axes is None else [shape[axis] for axis in axes])
