"""The arrays of a safetensors file, read into memory or mapped.

Comes after ``header.py``, which has checked where they lie. A mapped array is the file itself, seen as an array: nothing is read until an element is looked at, the
operating system keeps one copy for all programs that map the same file, and writing to the array copies the touched page into this program alone and never changes the file.
"""

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import InputError
from .header import DTYPES, Entry, read_header

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class StoredArray:
    """One array of a mapped file. Its shape and dtype code are known; its elements are not looked at before ``array`` is called.

    strides, byteorder: how the elements lie where they do not lie row by row and little-endian, as a torch file may have them; bytes, and ``"<"`` or ``">"``.
    """

    entry: Entry
    buffer: mmap.mmap
    strides: tuple[int, ...] | None = None
    byteorder: Literal["<", ">"] = "<"

    @property
    def code(self) -> str:
        """The dtype as the file names it: F32, F16, BF16, …"""
        return self.entry.code

    @property
    def shape(self) -> tuple[int, ...]:
        return self.entry.shape

    def array(self) -> Array:
        """The elements: a copy-on-write view of the file, which may be written to.

        A new array instead where the file's bytes are not what NumPy computes with: bfloat16 arrives as float32 (its 16 bits are float32's upper half), and an array that
        begins at an address no processor likes is moved.
        """
        stored = np.dtype(DTYPES.get(self.code, "uint16")).newbyteorder(self.byteorder)
        view = np.ndarray(self.shape, stored, self.buffer, self.entry.begin, self.strides)
        if self.code == "BF16":
            wide = view.astype(np.uint32)
            wide <<= 16
            return wide.view(np.float32)
        native = stored.newbyteorder("=")
        if not view.flags.aligned or stored != native:
            return view.astype(native)
        return view


def map_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, StoredArray], dict[str, str]]:
    """Map a safetensors file: its arrays by name, not read yet, and its metadata (an empty table when there is none).

    The map lives as long as one of the arrays does. The file may be replaced meanwhile (as ``save_tensors`` does, by renaming), but must not be shortened in place.

    Raises InputError when the file is missing, truncated, or not a safetensors file (see ``read_header``).
    """
    path = Path(path)
    header = read_header(path)
    try:
        with path.open("rb") as file:
            buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    if any(entry.end > len(buffer) for entry in header.arrays.values()):
        raise InputError(f"{str(path)!r} became shorter while it was read; read it again")
    return {name: StoredArray(entry, buffer) for name, entry in header.arrays.items()}, header.metadata


def load_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a safetensors file: its arrays by name, and its metadata (an empty table when there is none).

    Each array is new and may be written to; bfloat16 arrives as float32. Raises InputError as ``map_tensors`` does.
    """
    stored, metadata = map_tensors(path)
    return {name: np.array(one.array()) for name, one in stored.items()}, metadata
