"""Named arrays written to a safetensors file.

Comes beside ``reading.py``. Written here and not by the safetensors library for two reasons: the library writes arrays that are not contiguous (``W.T``, ``W[:, ::2]``)
with their elements in the wrong order, and it orders the metadata at random, so that two equal files would differ in bytes.
"""

import json
import os
from collections.abc import Mapping

import numpy as np

from ..errors import InputError, nearest
from ..files import open_atomically
from .header import DTYPES, METADATA, SIZES
from .reading import Array

CODES = {name: code for code, name in DTYPES.items()} | {"bfloat16": "BF16"}
FLOATS = ("float32", "float16", "bfloat16")
"""What numbers in floating point can be written as."""


def save_tensors(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Array],
    metadata: Mapping[str, str] | None = None,
    *,
    floats: str | None = None,
) -> None:
    """Write named arrays, and a table of texts about them, to one safetensors file at ``path``.

    The same arrays and metadata always give the same bytes. The file appears at once or not at all (``open_atomically``), and at no time is there a second copy of more
    than one array. Arrays keep their dtype and shape; views that are not contiguous are written as what they show. floats: write arrays of floating-point
    numbers as "float32", "float16" or "bfloat16" instead of as they are, rounded to the nearest (of two as near, to the even one).

    Raises InputError for a dtype that the format lacks, and when the folder cannot be written.
    """
    if floats is not None and floats not in FLOATS:
        raise InputError(
            f"floats must be {', '.join(FLOATS)} or None, not {floats!r}{nearest(floats, FLOATS)}"
        )
    codes = {name: _code(name, array, floats) for name, array in arrays.items()}
    # Wide dtypes first, then by name: each array then begins at a multiple of its own item size.
    names = sorted(arrays, key=lambda name: (-SIZES[codes[name]], name))
    header: dict[str, object] = {}
    if metadata:
        header[METADATA] = dict(sorted(metadata.items()))
    offset = 0
    for name in names:
        end = offset + arrays[name].size * SIZES[codes[name]]
        header[name] = {
            "dtype": codes[name],
            "shape": list(arrays[name].shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)  # the data begins at a multiple of 8
    with open_atomically(path) as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for name in names:
            file.write(_bytes(arrays[name], codes[name]))


def _code(name: str, array: Array, floats: str | None) -> str:
    dtype = floats if floats is not None and array.dtype.kind == "f" else array.dtype.name
    if dtype not in CODES:
        raise InputError(
            f"array {name!r} has dtype {array.dtype}; a safetensors file holds {', '.join(CODES)}"
        )
    return CODES[dtype]


def _bytes(array: Array, code: str) -> memoryview:
    """The elements in row order, whatever the strides, little-endian."""
    if code == "BF16":
        array = _upper_half(array)
    else:
        array = array.astype(np.dtype(DTYPES[code]).newbyteorder("<"), copy=False)
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _upper_half(array: Array) -> Array:
    """float32 rounded to bfloat16: uint16. Adding half of the last kept bit, less one where that bit is 0, rounds to the nearest and ties to even; NaN stays NaN."""
    single = np.ascontiguousarray(array, np.float32)
    bits = single.view(np.uint32)
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1))) >> 16
    return np.where(np.isnan(single), (bits >> 16) | 0x40, rounded).astype("<u2")
