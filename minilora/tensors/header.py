"""The header of a safetensors file, checked before anything else is read.

Comes before ``reading.py``. A file from elsewhere may claim anything. So whatever it claims is held against what is certain, the file's own size, before memory is
asked for: after these checks the arrays lie within the file, side by side, without a gap or an overlap, each as long as its shape and dtype say.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import InputError
from ..files import parse_json

DTYPES = MappingProxyType({
    "F64": "float64", "F32": "float32", "F16": "float16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
})  # fmt: skip
"""NumPy's name of each dtype code. BF16, which NumPy lacks, is read and written as float32's upper 16 bits."""

SIZES = MappingProxyType({
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
})  # fmt: skip
"""Bytes of one element."""

LONGEST_HEADER = 100_000_000
"""Bytes: the format's own limit."""

MOST_DIMENSIONS = 64
"""NumPy's limit."""

METADATA = "__metadata__"


@dataclass(frozen=True)
class Entry:
    """What the header says of one array: dtype code, shape, and where in the file its bytes begin and end."""

    code: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """A checked header: the arrays by name, in the order of the file's bytes, and the table of texts."""

    arrays: dict[str, Entry]
    metadata: dict[str, str]


def read_header(path: str | os.PathLike[str]) -> Header:
    """The header of a safetensors file, without reading its arrays.

    Raises InputError, naming what is wrong, when the file is missing, truncated, or not a safetensors file: a header longer than the file, no JSON or no UTF-8, a
    name that comes twice, an unknown dtype, a shape that does not fit the bytes, bytes that overlap, leave a gap or lie outside of the file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}; give the path of a .safetensors file")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > size - 8:
                raise _Wrong(f"its header would have {length} bytes, the file has {size}")
            if length > LONGEST_HEADER:
                raise _Wrong(f"its header has {length} bytes, more than the format's {LONGEST_HEADER}")
            text = file.read(length)
        arrays, metadata = _parse(text)
        _check_layout(arrays, size - 8 - length)
    except _Unreadable as unreadable:
        raise InputError(f"{str(path)!r} cannot be read: {unreadable}") from unreadable
    except _Wrong as wrong:
        raise InputError(
            f"{str(path)!r} is truncated, corrupted or not a safetensors file ({wrong}); fetch or write it again"
        ) from wrong
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    start = 8 + length
    moved = {
        name: Entry(entry.code, entry.shape, start + entry.begin, start + entry.end)
        for name, entry in arrays.items()
    }
    return Header(moved, metadata)


class _Wrong(Exception):
    """What is wrong with a header, in a few words."""


class _Unreadable(Exception):
    """What is in order, but not known here."""


def _parse(text: bytes) -> tuple[dict[str, Entry], dict[str, str]]:
    """The header's JSON as entries (offsets counted from the end of the header) and metadata."""
    if not text.startswith(b"{"):
        raise _Wrong("its header does not begin with {")
    try:
        fields = parse_json(text)
    except ValueError as error:
        raise _Wrong(f"its header is not JSON: {error}") from error
    metadata = fields.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _Wrong(f"its {METADATA} is not a table of texts")
    return {name: _entry(name, value) for name, value in fields.items()}, metadata


def _entry(name: str, value: Any) -> Entry:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise _Wrong(f"array {name!r} is not described by dtype, shape and data_offsets")
    code, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(code, str) or code not in SIZES:
        raise _Unreadable(f"array {name!r} has dtype {code!r}; readable are {', '.join(SIZES)}")
    if not _whole_numbers(shape) or len(shape) > MOST_DIMENSIONS:
        raise _Wrong(f"array {name!r} has no shape")
    if not _whole_numbers(offsets) or len(offsets) != 2:
        raise _Wrong(f"array {name!r} has no data_offsets")
    begin, end = offsets
    if math.prod(shape) * SIZES[code] != end - begin:
        raise _Wrong(
            f"array {name!r} of shape {tuple(shape)} and dtype {code} does not have {end - begin} bytes"
        )
    return Entry(code, tuple(shape), begin, end)


def _check_layout(arrays: dict[str, Entry], size: int) -> None:
    """The arrays' bytes fill the file from the header's end to the file's: none twice, none outside, none left over."""
    reached = 0
    for name, entry in sorted(arrays.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != reached:
            kind = "overlap those of another array" if entry.begin < reached else "leave a gap before them"
            raise _Wrong(f"the bytes of array {name!r} {kind}")
        reached = entry.end
    if reached != size:
        raise _Wrong(f"its arrays take {reached} bytes, and {size} follow the header")


def _whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)
