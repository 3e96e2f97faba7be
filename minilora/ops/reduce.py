"""Functions that take the elements along some axes together."""

from typing import Any

from ..autograd import op
from ..backend import Array, namespace
from .shape import element_count

Axes = int | tuple[int, ...] | None


@op(check=lambda rng: ([rng.standard_normal((2, 3, 4))], {"axis": (0, 2)}))
def sum(x: Array, *, axis: Axes = None, keepdims: bool = False) -> tuple[Array, tuple[Any, ...]]:
    """Σ x over ``axis`` (all axes where None): every element gets the gradient of its sum."""
    shape = x.shape  # not x, which need not live until the backward pass
    return x.sum(axis=axis, keepdims=keepdims), (lambda g: _spread(g, shape, axis, keepdims),)


@op(check=lambda rng: ([rng.standard_normal((2, 3, 4))], {"axis": -1, "keepdims": True}))
def mean(x: Array, *, axis: Axes = None, keepdims: bool = False) -> tuple[Array, tuple[Any, ...]]:
    """The mean of x over ``axis`` (all axes where None)."""
    shape, count = x.shape, element_count(x.shape, _as_axes(axis))
    return x.mean(axis=axis, keepdims=keepdims), (lambda g: _spread(g, shape, axis, keepdims) / count,)


def _as_axes(axis: Axes) -> tuple[int, ...] | None:
    return (axis,) if isinstance(axis, int) else axis


def _spread(g: Array, shape: tuple[int, ...], axis: Axes, keepdims: bool) -> Array:
    """g, repeated along the axes that were summed away, in the shape of the input."""
    xp = namespace(g)
    axes = _as_axes(axis)
    if axes is not None and not keepdims:
        g = xp.expand_dims(g, tuple(a % len(shape) for a in axes))
    return xp.broadcast_to(g, shape)
