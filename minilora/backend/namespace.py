"""The array decides: which module made it, and how it moves between devices.

There is no current device and no switch: ``namespace(x)`` looks at ``x``. CuPy is looked up among the modules already imported, because where it was never
imported no array of it can exist; so NumPy users never pay for it.
"""

import sys
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import InputError

Array = Any
"""A numpy.ndarray or a cupy.ndarray. (The two share no base class that a type checker could name.)"""


def namespace(array: Array) -> ModuleType:
    """The module whose functions fit ``array``: ``numpy``, or ``cupy`` for an array on a GPU."""
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(array, cupy.ndarray):
        return cupy
    return np


def to_host(array: Array) -> np.ndarray:
    """``array`` as a NumPy array: itself when it is one, a copy from the device otherwise (which waits for the device).

    NumPy's numbers, which its reductions give, come back as arrays without axes.
    """
    return np.asarray(array) if isinstance(array, np.ndarray | np.generic) else array.get()


def to_device(array: Array, device: str) -> Array:
    """``array`` on ``device``: ``"cpu"`` or ``"cuda"``; itself when it is there already.

    Raises InputError for another device, or for ``"cuda"`` where CuPy cannot be imported.
    """
    if device == "cpu":
        return to_host(array)
    if device == "cuda":
        try:
            import cupy  # heavy and optional: only who asks for a GPU pays for it
        except ImportError as error:
            raise InputError(
                'device "cuda" needs CuPy, which is not installed: pip install "minilora[cuda12]" or "minilora[cuda13]"'
            ) from error
        return cupy.asarray(array)
    raise InputError(f'device must be "cpu" or "cuda", not {device!r}')
