"""Named arrays in one file: the safetensors format, written atomically and read with care.

Every room that keeps arrays on disk (base models, adapters, checkpoints of a training run) goes through the two functions here.

The format is plain enough to read with a hex editor: eight bytes that hold the header's length, a JSON header (for each name: dtype, shape, where its
bytes begin and end; under ``__metadata__`` a table of texts), then the bytes of the arrays, one after the other, little-endian and row by row.
Writing is done here and not by the safetensors library, for two reasons: the library writes arrays that are not contiguous (``W.T``, ``W[:, ::2]``) with their
elements in the wrong order, and it orders the metadata at random, so that two equal files would differ in bytes. Reading lets the library check the header first.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from .errors import InputError
from .files import write_atomically

Array = np.ndarray[Any, np.dtype[Any]]

DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
CODES = {name: code for code, name in DTYPES.items()}


def save_tensors(
    path: str | os.PathLike[str], arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> None:
    """Write named arrays, and a table of texts about them, to one safetensors file at ``path``.

    The same arrays and metadata always give the same bytes. The file appears at once or not at all (``write_atomically``).
    Arrays keep their dtype and shape; views that are not contiguous are written as what they show.

    Raises InputError for a dtype that the format lacks, and when the folder cannot be written.
    """
    for name, array in arrays.items():
        if array.dtype.name not in CODES:
            raise InputError(
                f"array {name!r} has dtype {array.dtype}; a safetensors file holds {', '.join(CODES)}"
            )
    # Wide dtypes first, then by name: each array then begins at a multiple of its own item size.
    names = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header: dict[str, object] = {}
    if metadata:
        header["__metadata__"] = dict(sorted(metadata.items()))
    offset = 0
    for name in names:
        array = arrays[name]
        end = offset + array.nbytes
        header[name] = {
            "dtype": CODES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)  # the data begins at a multiple of 8
    parts = [len(text).to_bytes(8, "little"), text]
    for name in names:
        array = arrays[name]
        # tobytes() writes elements in row order whatever the strides; a byte order that is not the file's is turned first.
        parts.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    write_atomically(path, b"".join(parts))


def load_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a safetensors file: its arrays by name, and its metadata (an empty table when there is none).

    Each array is new and may be written to. bfloat16, which NumPy lacks, arrives as float32: its 16 bits are float32's upper half.

    Raises InputError when the file is missing, truncated, not a safetensors file, or holds a dtype that NumPy lacks.
    """
    path = Path(path)
    header = read_header(path)
    metadata = header.pop("__metadata__", {})
    arrays: dict[str, Array] = {}
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        for name, entry in header.items():
            code = entry["dtype"]
            if code not in DTYPES and code != "BF16":
                raise InputError(
                    f"array {name!r} of {str(path)!r} has dtype {code}; readable are {', '.join(DTYPES)} and BF16"
                )
            begin, end = entry["data_offsets"]
            stored = np.dtype(DTYPES.get(code, "uint16")).newbyteorder("<")
            file.seek(start + begin)
            array = np.fromfile(file, dtype=stored, count=(end - begin) // stored.itemsize)
            if sys.byteorder == "big":
                array = array.astype(stored.newbyteorder("="))
            if code == "BF16":
                array = (array.astype(np.uint32) << 16).view(np.float32)
            arrays[name] = array.reshape(entry["shape"])
    return arrays, metadata


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The header of a safetensors file as a table, without reading its arrays; the safetensors library has checked it.

    Raises InputError when the file is missing, truncated or not a safetensors file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}; give the path of a .safetensors file")
    try:
        with safe_open(
            path, framework="numpy"
        ):  # checks the header, and that it accounts for every byte of the file
            pass
        with path.open("rb") as file:
            header: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    except SafetensorError as error:
        raise InputError(
            f"{str(path)!r} is truncated, corrupted or not a safetensors file ({error}); fetch or write it again"
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    return header
