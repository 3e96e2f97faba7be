"""Undoing NumPy's broadcasting in a backward pass; used by every op that broadcasts its inputs."""

from ..backend import Array


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum ``g`` over the axes along which an input of ``shape`` was repeated, so that the result has that shape.

    An input that was used n times has the sum of the n gradients as its own.
    """
    if g.shape == shape:
        return g
    added = g.ndim - len(shape)
    repeated = [added + axis for axis, size in enumerate(shape) if size == 1 and g.shape[added + axis] != 1]
    return g.sum(axis=(*range(added), *repeated), keepdims=True).reshape(shape)
