"""Safetensors files made by hand, sound and broken, for the tests of every reader."""

import json
from typing import Any


def file_of(parts: list[tuple[str, str, list[int], bytes]]) -> bytes:
    """A file of (name, dtype code, shape, bytes), one after the other, without padding."""
    header, data = {}, b""
    for name, code, shape, raw in parts:
        header[name] = {"dtype": code, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    return with_header(header, data)


def with_header(header: Any, data: bytes = b"") -> bytes:
    """A file with this header: text as bytes or as it is, or fields."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(begin: Any = 0, end: Any = 8, shape: Any = (2,), dtype: Any = "F32", **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end], **more}


BYTES = bytes(16)

BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "its header would have 0 bytes, the file has 0"),
    "seven bytes": (b"\0" * 7, "the file has 7"),
    "header longer than the file": ((1 << 20).to_bytes(8, "little") + b"{}", "would have 1048576 bytes"),
    "header of 2^64 bytes": (b"\xff" * 8 + b"{}", "would have 18446744073709551615 bytes"),
    "no header": (with_header(b""), "does not begin with {"),
    "blanks first": (with_header(b" {}"), "does not begin with {"),
    "a list": (with_header([]), "does not begin with {"),
    "not JSON": (with_header(b"{nonsense}"), "is not JSON"),
    "two objects": (with_header(b"{}{}"), "is not JSON"),
    "not UTF-8": (with_header(b'{"\xff": 1}'), "byte 2 is not UTF-8"),
    "nested deeply": (with_header(b'{"a":' + b"[" * 100_000), "is not JSON"),
    "a number of many digits": (with_header(b'{"a":' + b"9" * 100_000 + b"}"), "is not JSON"),
    "not a number": (with_header(b'{"a": NaN}'), "NaN is no number"),
    "half of a character": (with_header(b'{"\\ud800": 1}'), "half of a character"),
    "an array twice": (
        with_header(b'{"a":%s,"a":%s}' % ((json.dumps(entry()).encode(),) * 2), bytes(8)),
        "'a' comes twice",
    ),
    "a field twice": (
        with_header(b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8)),
        "'dtype' comes twice",
    ),
    "metadata is a number": (with_header({"__metadata__": 1}), "__metadata__ is not a table"),
    "metadata holds a number": (with_header({"__metadata__": {"a": 1}}), "__metadata__ is not a table"),
    "an entry is a list": (with_header({"a": []}), "array 'a' is not described"),
    "no shape": (with_header({"a": {"dtype": "F32", "data_offsets": [0, 8]}}, bytes(8)), "is not described"),
    "a field too many": (with_header({"a": entry(stride=1)}, bytes(8)), "is not described"),
    "shape is a number": (with_header({"a": entry(shape=2)}, bytes(8)), "has no shape"),
    "shape is negative": (with_header({"a": entry(shape=[-2])}, bytes(8)), "has no shape"),
    "negative twice": (with_header({"a": entry(shape=[-1, -2])}, bytes(8)), "has no shape"),
    "shape of a fraction": (with_header({"a": entry(shape=[2.0])}, bytes(8)), "has no shape"),
    "shape of truth": (with_header({"a": entry(shape=[True, 2])}, bytes(8)), "has no shape"),
    "65 dimensions": (with_header({"a": entry(shape=[1] * 64 + [2])}, bytes(8)), "has no shape"),
    "huge shape": (with_header({"a": entry(shape=[1 << 40, 1 << 40])}, bytes(8)), "does not have 8 bytes"),
    "shape that wraps around": (
        with_header({"a": entry(shape=[1 << 62, 4, 2])}, bytes(8)),
        "does not have 8 bytes",
    ),
    "wrong dtype for the bytes": (with_header({"a": entry(dtype="F64")}, bytes(8)), "does not have 8 bytes"),
    "offsets swapped": (with_header({"a": entry(8, 0)}, bytes(8)), "does not have -8 bytes"),
    "offsets negative": (with_header({"a": entry(-8, 0)}, bytes(8)), "has no data_offsets"),
    "three offsets": (
        with_header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8, 8]}}, bytes(8)),
        "has no data_offsets",
    ),
    "offsets out of range": (with_header({"a": entry(0, 8, [2])}, bytes(4)), "take 8 bytes, and 4 follow"),
    "offsets far out of range": (
        with_header({"a": entry(0, 1 << 62, [1 << 60])}, bytes(8)),
        f"take {1 << 62} bytes, and 8 follow",
    ),
    "overlap": (with_header({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)), "array 'b' overlap"),
    "the same bytes twice": (with_header({"a": entry(), "b": entry()}, bytes(8)), "array 'b' overlap"),
    "a gap": (with_header({"a": entry(), "b": entry(12, 20)}, bytes(20)), "array 'b' leave a gap"),
    "a gap at the start": (with_header({"a": entry(4, 12)}, bytes(12)), "array 'a' leave a gap"),
    "bytes left over": (with_header({"a": entry()}, bytes(9)), "take 8 bytes, and 9 follow"),
    "empty array outside": (
        with_header({"a": entry(), "b": entry(99, 99, [0])}, bytes(8)),
        "'b' leave a gap",
    ),
}
"""What is wrong → the file, and words that say so."""
