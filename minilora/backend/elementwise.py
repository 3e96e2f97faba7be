"""Element-wise kernels: written once, in array notation.

NumPy runs a kernel a block of elements at a time, one array operation after another: all that the operations make is then in the processor's cache when the next one reads it. CuPy compiles it
into a single GPU kernel, so that each array is read and written once.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .namespace import Array, namespace

KERNELS: dict[str, Callable[..., None]] = {}
"""Every kernel as it was written (``kernel(xp, *arrays)``), by the name of its module and its own: a test has CUDA's compiler take each."""

BLOCK = 1 << 16
"""Elements a block: in float32, four arrays of 256 KiB, which a core's second-level cache holds."""


def elementwise(kernel: Callable[..., None]) -> Callable[..., None]:
    """Make of ``kernel(xp, *arrays)`` a function of ``arrays``, all of one shape, on either device.

    The kernel returns nothing: it writes into the arrays it is given, by augmented assignments (``t *= 2``) and ``out=``. It may use operators and the ufuncs of ``xp`` (a kernel that is being
    compiled sees stand-ins, which NumPy's own ufuncs don't know), but no reductions and no shapes. Numbers among the arguments stay Python's, which take the arrays' dtype on both; the
    kernel annotates them as ``float``. What overflows is infinite, and no warning tells, as on a GPU.
    """
    compiled: list[Callable[..., None]] = []

    def run(*arguments: Any) -> None:
        xp = namespace(arguments[0])
        if xp is np:
            with np.errstate(over="ignore"):
                for part in in_blocks(arguments):
                    kernel(np, *part)
            return
        if not compiled:
            compiled.append(xp.fuse(lambda *stand_ins: kernel(xp, *stand_ins)))
        compiled[0](*arguments)

    run.__name__, run.__doc__ = kernel.__name__, kernel.__doc__
    KERNELS[f"{kernel.__module__}.{kernel.__qualname__}"] = kernel
    return run


def in_blocks(arguments: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The arguments with every array cut into the same blocks, seen flat; all at once where that would copy an array that is not contiguous."""
    arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
    if arrays[0].size <= BLOCK or not all(array.flags.c_contiguous for array in arrays):
        yield arguments
        return
    flat = [a.reshape(-1) if isinstance(a, np.ndarray) else a for a in arguments]
    for block in blocks(flat[0]):
        yield tuple(a[block] if isinstance(a, np.ndarray) else a for a in flat)


def blocks(flat: Array) -> list[slice]:
    """The whole of a flat array in blocks that fit the cache; in one piece on a GPU, where that would only cost launches."""
    length = BLOCK if namespace(flat) is np else max(1, flat.size)
    return [slice(start, start + length) for start in range(0, flat.size, length)]
