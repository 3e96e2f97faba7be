"""Torch files written by hand, so that tests can write damaged and hostile ones, and need no torch."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

KINDS = {"float64": "DoubleStorage", "float32": "FloatStorage", "float16": "HalfStorage", "int64": "LongStorage",
         "int32": "IntStorage", "int16": "ShortStorage", "int8": "CharStorage", "uint8": "ByteStorage", "bool": "BoolStorage"}  # fmt: skip


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + len(raw).to_bytes(4, "little") + raw


def whole(value: int) -> bytes:
    return b"\x8a" + bytes([9]) + value.to_bytes(9, "little", signed=True)  # LONG1


def row(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(whole, values)) + b"t"


def tensor(
    key: str, kind: str, count: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> bytes:
    """The instructions that rebuild one tensor."""
    storage = (
        b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + whole(count) + b"tQ"
    )
    arguments = (
        b"(" + storage + whole(offset) + row(shape) + row(strides) + b"\x89ccollections\nOrderedDict\n)Rt"
    )
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"


def table(values: Mapping[str, bytes]) -> bytes:
    """A pickle of one dict, whose values are given as instructions."""
    pairs = b"".join(text(name) + value for name, value in values.items())
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + pairs + b"u."


def write_zip(
    path: Path, pickle: bytes, storages: Mapping[str, bytes], *, compress: bool = False, byteorder: str = ""
) -> None:
    """An archive as torch lays it out: the numbers of each storage begin at a multiple of 64 bytes, behind padding in the entry's extra field."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickle)
        if byteorder:
            archive.writestr("archive/byteorder", byteorder)
        for key, raw in storages.items():
            entry = zipfile.ZipInfo(f"archive/data/{key}")
            entry.compress_type = archive.compression
            padding = -(archive.fp.tell() + 30 + len(entry.filename) + 4) % 64
            entry.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
            archive.writestr(entry, raw)
        archive.writestr("archive/version", "3\n")


def write_torch(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """A torch file of these arrays, each contiguous in a storage of its own."""
    values, storages = {}, {}
    for number, (name, array) in enumerate(arrays.items()):
        array = np.ascontiguousarray(array)
        strides = tuple(stride // array.itemsize for stride in array.strides)
        values[name] = tensor(str(number), KINDS[array.dtype.name], array.size, 0, array.shape, strides)
        storages[str(number)] = array.tobytes()
    write_zip(path, table(values), storages)
