"""Element-wise kernels: written once, in array notation.

NumPy runs a kernel as it stands, one array operation after another (blocking it for the cache gains 1%: not worth a line). CuPy compiles it into a
single GPU kernel, so that the array is read and written once.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .namespace import Array, namespace

KERNELS: dict[str, Callable[..., Any]] = {}
"""Every kernel as it was written (``kernel(xp, *arrays)``), by the name of its module and its own: a test has CUDA's compiler take each."""


def elementwise(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Make of ``kernel(xp, *arrays)`` a function of ``arrays`` on either device, whose result has the dtype of the first.

    The kernel may use operators and the ufuncs of ``xp`` (a kernel that is being compiled sees stand-ins, which NumPy's own ufuncs don't know), but no reductions and no
    shapes. Augmented assignments (``t *= 2``) to arrays the kernel has made itself are welcome: they spare NumPy a temporary. To the arrays it is given they change these; a kernel that does
    only that returns nothing. Numbers among the arguments stay Python's, which take the arrays' dtype on both; the kernel annotates them as ``float``.
    """
    compiled: list[Callable[..., Any]] = []

    def run(*arrays: Array) -> Any:
        xp = namespace(arrays[0])
        if xp is np:
            return kernel(np, *arrays)
        if not compiled:
            compiled.append(xp.fuse(lambda *stand_ins: kernel(xp, *stand_ins)))
        found = compiled[0](*arrays)
        if found is None:
            return None
        return found.astype(arrays[0].dtype, copy=False)  # CuPy 14.2 does so by itself

    run.__name__, run.__doc__ = kernel.__name__, kernel.__doc__
    KERNELS[f"{kernel.__module__}.{kernel.__qualname__}"] = kernel
    return run
