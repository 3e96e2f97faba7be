"""Weights that are stored in fewer bytes than they are computed with.

A frozen weight is only read, so it may lie in memory as float16, in half of the bytes, while everything is computed in float32: each op that takes a weight makes it ``wide``
where it uses it, forward and again backward, and lets go of the wide copy at once. What is trained, activations and gradients are never float16, so no gradient is too small for its
type and no loss needs scaling. ``Model.store`` puts a model's weights into half precision.

On the CPU this saves memory and costs time, a conversion a product; arrays whose type needs no widening pass through untouched.
"""

import numpy as np

from ..errors import InputError
from .namespace import Array

HALF = np.dtype(np.float16)
SINGLE = np.dtype(np.float32)

STORED = ("float32", "float16")
"""What the weights of a frozen base can be stored as."""


def wide(array: Array) -> Array:
    """``array`` as it is computed with: a copy in float32, exact, where it is stored as float16; itself where it is anything else."""
    return array.astype(SINGLE) if array.dtype == HALF else array


def wide_dtype(array: Array) -> "np.dtype[np.floating]":
    """The dtype of ``wide(array)``: what belongs beside a weight, such as an adapter's matrices, is made in it."""
    return SINGLE if array.dtype == HALF else array.dtype


def narrow(array: Array, name: str) -> Array:
    """``array`` in float16, rounded to the nearest: 11 bits, spaced 2⁻²⁴ below 2⁻¹⁴. Itself where it is that already. Raises InputError, which names it, for numbers above 65504."""
    if array.dtype == HALF:
        return array
    largest = max(float(array.max()), -float(array.min()))
    if largest > float(np.finfo(HALF).max):
        raise InputError(
            f"{name} holds a weight of {largest:.3g}, which float16 cannot (at most 65504); store float32"
        )
    return array.astype(HALF)


def check_stored(dtype: object) -> str:
    """The name of a dtype that weights can be stored as. Raises InputError for any other."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    if name in STORED:
        return name
    why = (
        "; NumPy has no bfloat16, so weights of a bfloat16 file are read as float32, or rounded to float16"
        if name == "bfloat16"
        else ""
    )
    raise InputError(f"base_dtype must be {' or '.join(STORED)}, not {name!r}{why}")
