"""Named arrays out of a torch file (``.bin``, ``.pt``), without torch and without trusting the file.

Since version 1.6 ``torch.save`` writes a zip archive: ``NAME/data.pkl``, a pickle that describes the tensors, and beside it one uncompressed entry
``NAME/data/KEY`` for each storage, the plain numbers. A pickle is a program: Python's own reader would run whatever it asks for. So here

1. only the instructions that ``torch.save`` writes are let through (``_check_instructions``): none that imports by a computed name, none that reserves
   more memory than the file is long;
2. of all names only those that rebuild a tensor are known (``_Reader.find_class``), and each stands for a function of this file, never for torch's;
3. a storage is known only when the zip's table says that its entry holds exactly the numbers that the pickle claims, uncompressed; a tensor is a
   view that must lie within its storage; and all tensors together may hold no more than a few times the numbers that are there. So no claim in the
   file can reserve more than a small multiple of the file's own length.

Since the numbers lie in the file as they are, they are mapped like those of a safetensors file, not read. ``weights.py`` and ``methods`` come next; ``tensors``
reads the newer safetensors files.
"""

import io
import math
import mmap
import os
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..tensors import StoredArray
from ..tensors.header import SIZES, Entry

Array = np.ndarray[Any, np.dtype[Any]]

STORAGES = MappingProxyType(
    {
        "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
        "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8", "BoolStorage": "BOOL",
    }
)  # fmt: skip
"""torch's names of storages, and the dtype codes of ``tensors`` for the numbers in them."""

MOST_SHARED = 4
"""How many times over the numbers of a file may appear in its tensors. Tied weights appear twice; a file that shows one storage in a thousand tensors wants to fill the memory."""

LOCAL_HEADER = 30
"""Bytes of an entry's own header in a zip archive, before its name and extra field, whose lengths stand in the last four."""

LARGEST_PICKLE = 64 * 2**20
"""Bytes. A tensor takes some 150: that is room for 400,000 of them."""

INSTRUCTIONS = {
    "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE",
    "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS",
    "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "GLOBAL", "REDUCE", "BUILD", "BINPERSID",
}  # fmt: skip
"""What a protocol-2 pickle of tensors, numbers, texts, lists and dicts is made of; ``torch.save`` writes protocol 2."""


class _Storage(NamedTuple):
    """What the pickle says of a storage: which entry, how many numbers, and their dtype code."""

    key: str
    code: str
    numbers: int

    @property
    def width(self) -> int:
        """Bytes of a number."""
        return SIZES[self.code]


class _Tensor(NamedTuple):
    """What the pickle says of a tensor, found to lie within its storage. A tuple, so that no instruction of the pickle can change it afterwards.

    begin, end: where in the file its numbers lie; strides: bytes from one to the next, a side each.
    """

    code: str
    shape: tuple[int, ...]
    begin: int
    end: int
    strides: tuple[int, ...]


def load_torch(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Read the tensors of a torch file: new arrays by name, once the archive's checksums have been found right. bfloat16 arrives as float32.

    Raises InputError as ``map_torch`` does, and for numbers that were damaged.
    """
    path = Path(path)
    found = _opened(path, checksums=True)
    return {name: np.array(one.array()) for name, one in found.items()}


def map_torch(path: str | os.PathLike[str]) -> dict[str, StoredArray]:
    """Map a torch file: its tensors by name, not read yet, as ``tensors.map_tensors`` does it. Tensors that shared memory when they were saved share it here.

    Raises InputError when the file is missing, truncated or in the format from before torch 1.6; when its pickle asks for anything but tensors; when it
    holds something else than one table of named tensors; and when a tensor does not fit the numbers that are there.
    """
    return _opened(Path(path), checksums=False)


def _opened(path: Path, *, checksums: bool) -> dict[str, StoredArray]:
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}; give the path of a file that torch.save wrote")
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            found = _read(archive, buffer, str(path))
            damaged = archive.testzip() if checksums else None
    except InputError:
        raise
    except zipfile.BadZipFile as error:
        raise InputError(
            f"{str(path)!r} is truncated, or not a file of torch 1.6 or newer ({error}); save it again with a present torch"
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except (pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, EOFError,
            OverflowError, NotImplementedError, RuntimeError, struct.error) as error:  # fmt: skip
        # whatever a damaged pickle, or a damaged zip entry, makes the readers of the standard library say
        raise InputError(f"{str(path)!r} is damaged: {error}; fetch or write it again") from error
    if damaged is not None:
        raise InputError(
            f"{str(path)!r} is damaged: the checksum of {damaged} is wrong; fetch or write it again"
        )
    return found


def _read(archive: zipfile.ZipFile, buffer: mmap.mmap, source: str) -> dict[str, StoredArray]:
    entries = {entry.filename: entry for entry in archive.infolist()}
    for entry in archive.infolist():  # what is stored as it is cannot be longer than the file
        plain = entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 1  # 1: encrypted
        if not plain or entry.file_size != entry.compress_size:
            raise InputError(
                f"{source!r}: the entry {entry.filename} is compressed, which torch.save never does"
            )
    pickles = [name for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]
    claimed = sum(entry.file_size for entry in archive.infolist())
    if len(pickles) != 1 or len(entries) != len(archive.infolist()) or claimed > len(buffer):
        raise InputError(f"{source!r} is a zip archive, but not one that torch.save wrote")
    if entries[pickles[0]].file_size > LARGEST_PICKLE:
        raise InputError(
            f"{source!r}: its pickle is longer than {LARGEST_PICKLE} bytes, more than tensors need"
        )
    description = archive.read(pickles[0])
    _check_instructions(description, source)
    folder = pickles[0].removesuffix("data.pkl")
    order = f"{folder}byteorder"  # absent in older files, which are little-endian
    big = order in entries and archive.read(order) == b"big"

    def place(storage: _Storage) -> int:
        name = f"{folder}data/{storage.key}"
        if name not in entries:
            raise InputError(f"{source!r} lacks the entry {name}, which its pickle names")
        entry = entries[name]
        if entry.file_size != storage.numbers * storage.width:
            raise InputError(
                f"{source!r}: the entry {name} holds {entry.file_size} bytes, but its pickle claims {storage.numbers} numbers of {storage.width}"
            )
        return _begin(entry, buffer, source)

    reader = _Reader(description, place, source)
    found = reader.load()
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(one, _Tensor) for name, one in found.items()
    ):
        raise InputError(
            f"{source!r} does not hold one table of named tensors; save model.state_dict(), not the model"
        )
    shown = sum(math.prod(one.shape) for one in found.values())
    there = sum(storage.numbers for storage in reader.places)
    if shown > MOST_SHARED * there:
        raise InputError(
            f"{source!r}: its tensors show {there} numbers more than {MOST_SHARED} times over ({shown} in all); it is not read"
        )
    return {
        name: StoredArray(
            Entry(one.code, one.shape, one.begin, one.end), buffer, one.strides, ">" if big else "<"
        )
        for name, one in found.items()
    }


def _begin(entry: zipfile.ZipInfo, buffer: mmap.mmap, source: str) -> int:
    """Where in the file the bytes of an entry begin: behind its own header, which may be longer than the one in the archive's table."""
    header = buffer[entry.header_offset : entry.header_offset + LOCAL_HEADER]
    name, extra = struct.unpack("<HH", header[26:])
    begin: int = entry.header_offset + LOCAL_HEADER + name + extra
    if not header.startswith(b"PK\x03\x04") or begin + entry.file_size > len(buffer):
        raise InputError(
            f"{source!r} is damaged: the entry {entry.filename} is not where the archive's table says"
        )
    return begin


def _check_instructions(description: bytes, source: str) -> None:
    """Raise InputError for an instruction that a table of tensors does not need, and for a number that reserves memory."""
    for count, (instruction, argument, _) in enumerate(pickletools.genops(description)):
        if instruction.name not in INSTRUCTIONS:
            raise InputError(
                f"{source!r}: its pickle uses {instruction.name}, which no table of tensors needs; it is not read"
            )
        if instruction.name == "LONG_BINPUT" and isinstance(argument, int) and argument > count:
            raise InputError(
                f"{source!r}: its pickle wants to keep {argument} objects after {count} instructions; it is not read"
            )


class _Reader(pickle.Unpickler):
    """A pickle reader that knows the names which rebuild tensors, and nothing else."""

    def __init__(self, description: bytes, place: Callable[[_Storage], int], source: str) -> None:
        """place: where in the file the numbers of a storage begin."""
        super().__init__(io.BytesIO(description))
        self.place, self.source = place, source
        self.places: dict[_Storage, int] = {}
        self.known: Mapping[str, Any] = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": self.rebuild,
            "torch._utils._rebuild_tensor": self.rebuild,
            "torch._utils._rebuild_parameter": self.value_of_parameter,
        }

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for here. Raises InputError for every name that is not needed to rebuild a tensor."""
        if module == "torch" and name.endswith("Storage"):
            if name in STORAGES:
                return STORAGES[name]
            raise InputError(
                f"{self.source!r} holds a {name}; readable are {', '.join(STORAGES)}: save the tensors as float32"
            )
        if f"{module}.{name}" not in self.known:
            raise InputError(
                f"{self.source!r}: its pickle asks for {module}.{name}, and only tensors are read; do not load this file elsewhere unless you trust who made it"
            )
        return self.known[f"{module}.{name}"]

    def persistent_load(self, pid: Any) -> _Storage:
        """A storage: ``("storage", its kind, key, device, how many numbers)``."""
        match pid:
            case ("storage", str(code), str(key), _, int(count)) if code in STORAGES.values() and count >= 0:
                return _Storage(key, code, count)
        raise InputError(
            f"{self.source!r}: its pickle refers to something that is no storage of numbers; only tensors are read"
        )

    def rebuild(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
        """A view of a storage, transposed or cut out where strides say so."""
        if not isinstance(storage, _Storage) or len(shape) != len(strides) or len(shape) > 64:
            raise InputError(f"{self.source!r}: its pickle builds a tensor of something else than a storage")
        if not all(type(size) is int and size >= 0 for size in (*shape, *strides, offset)):
            raise InputError(f"{self.source!r}: a tensor has the shape {shape} and strides {strides}")
        last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        if math.prod(shape) > storage.numbers or (math.prod(shape) and last >= storage.numbers):
            raise InputError(
                f"{self.source!r}: a tensor of shape {tuple(shape)} reaches beyond the {storage.numbers} numbers of its storage"
            )
        if storage not in self.places:
            self.places[storage] = self.place(storage)
        width, begin = storage.width, self.places[storage]
        if not math.prod(shape):  # nothing is looked at, so where it would lie may be any number
            offset, strides = 0, (0,) * len(shape)
        steps = tuple(stride * width if size > 1 else 0 for size, stride in zip(shape, strides, strict=True))
        return _Tensor(
            storage.code, tuple(shape), begin + offset * width, begin + storage.numbers * width, steps
        )

    def value_of_parameter(self, value: Any, *_: Any) -> Any:
        """A parameter is its tensor; whether it was trained, and the hooks on it, are left out."""
        return value
