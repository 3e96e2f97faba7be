"""Element-wise kernels: written once, in array notation.

NumPy runs a kernel as it stands, one array operation after another (blocking it for the cache gains 1%: not worth a line). CuPy compiles it into a
single GPU kernel, so that the array is read and written once.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .namespace import Array, namespace


def elementwise(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``kernel(*arrays)`` run on either device. It may use operators and NumPy's ufuncs, but no reductions and no shapes.

    Augmented assignments (``t *= 2``) to arrays the kernel has made itself are welcome: they spare NumPy a temporary.
    """
    compiled: list[Callable[..., Any]] = []

    def run(*arrays: Array) -> Any:
        xp = namespace(arrays[0])
        if xp is np:
            return kernel(*arrays)
        if not compiled:
            compiled.append(xp.fuse(kernel))
        return compiled[0](*arrays)

    run.__name__, run.__doc__ = kernel.__name__, kernel.__doc__
    return run
