"""Many arrays laid end to end in one.

Comes before the optimizers and the sharded step. A model has dozens of trainable arrays, a LoRA model dozens of small ones; joined, one norm, one sum over
shards and one optimizer update serve them all, at memory speed and without a Python loop over parameters.
"""

from collections.abc import Sequence

from ..backend import Array, namespace
from ..errors import InputError


class Layout:
    """Where each of some arrays lies in one flat array: ``slices[i]`` for the array of shape ``shapes[i]``; ``size`` elements in all.

    All arrays must be of one dtype and on one device, which the flat arrays share.
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        if not arrays:
            raise InputError("there are no trainable parameters to lay out")
        if len({(namespace(array).__name__, str(array.dtype)) for array in arrays}) > 1:
            raise InputError(
                f"parameters differ in dtype or device: {sorted({str(a.dtype) for a in arrays})}"
            )
        # no view of an array: it would keep one that has moved
        self.like = namespace(arrays[0]).empty(0, dtype=arrays[0].dtype)
        self.shapes = [tuple(array.shape) for array in arrays]
        self.slices: list[slice] = []
        begin = 0
        for array in arrays:
            self.slices.append(slice(begin, begin + array.size))
            begin += array.size
        self.size = begin

    def zeros(self) -> Array:
        """A flat array of zeros: [size]."""
        return namespace(self.like).zeros(self.size, dtype=self.like.dtype)

    def views(self, flat: Array) -> list[Array]:
        """``flat`` seen as the separate arrays, in their shapes; no copies."""
        return [flat[part].reshape(shape) for part, shape in zip(self.slices, self.shapes, strict=True)]

    def join(self, arrays: Sequence[Array | None], out: Array) -> None:
        """Copy the separate arrays into ``out``; None stands for zeros."""
        for view, array in zip(self.views(out), arrays, strict=True):
            view[...] = 0 if array is None else array

    def add(self, arrays: Sequence[Array | None], out: Array) -> None:
        """Add the separate arrays to ``out``, in place; None stands for zeros."""
        for view, array in zip(self.views(out), arrays, strict=True):
            if array is not None:
                view += array
