"""Named arrays out of a torch file (``.bin``, ``.pt``), without torch and without trusting the file.

Since version 1.6 ``torch.save`` writes a zip archive: ``NAME/data.pkl``, a pickle that describes the tensors, and beside it one uncompressed entry
``NAME/data/KEY`` for each storage, the plain numbers. A pickle is a program: Python's own reader would run whatever it asks for. So here

1. only the instructions that ``torch.save`` writes are let through (``_check_instructions``): none that imports by a computed name, none that reserves
   more memory than the file is long;
2. of all names only those that rebuild a tensor are known (``_Reader.find_class``), and each stands for a function of this file, never for torch's;
3. a storage is read only when the zip's table says that its entry holds exactly the numbers that the pickle claims, uncompressed; and a tensor is a
   view that must lie within its storage. So no claim in the file can reserve more than the file's own length.

``checkpoint.py`` and ``methods`` come next; ``tensors.py`` reads the newer safetensors files.
"""

import io
import math
import os
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

STORAGES = MappingProxyType(
    {
        "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "BFloat16Storage": "bfloat16",
        "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
    }
)  # fmt: skip
"""torch's names of storages, and NumPy's of the numbers in them. bfloat16, which NumPy lacks, becomes float32, of which it is the upper half."""

LARGEST_PICKLE = 64 * 2**20
"""Bytes. A tensor takes some 150: that is room for 400,000 of them."""

INSTRUCTIONS = {
    "PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE",
    "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM", "SETITEMS",
    "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "GLOBAL", "REDUCE", "BUILD", "BINPERSID",
}  # fmt: skip
"""What a protocol-2 pickle of tensors, numbers, texts, lists and dicts is made of; ``torch.save`` writes protocol 2."""


class _Storage(NamedTuple):
    """What the pickle says of a storage: which entry, how many numbers of which kind."""

    key: str
    kind: str
    numbers: int


def load_torch(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Read the tensors of a torch file: arrays by name. bfloat16 arrives as float32; tensors that shared memory when they were saved share it here.

    Raises InputError when the file is missing, truncated or in the format from before torch 1.6; when its pickle asks for anything but tensors; when it
    holds something else than one table of named tensors; and when a tensor does not fit the numbers that are there.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}; give the path of a file that torch.save wrote")
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, str(path))
    except InputError:
        raise
    except zipfile.BadZipFile as error:
        raise InputError(
            f"{str(path)!r} is truncated, or not a file of torch 1.6 or newer ({error}); save it again with a present torch"
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except (pickle.UnpicklingError, ValueError, TypeError, LookupError, AttributeError, EOFError,
            OverflowError, NotImplementedError, RuntimeError) as error:  # fmt: skip
        # whatever a damaged pickle, or a damaged zip entry, makes the readers of the standard library say
        raise InputError(f"{str(path)!r} is damaged: {error}; fetch or write it again") from error


def _read(archive: zipfile.ZipFile, source: str) -> dict[str, Array]:
    entries = {entry.filename: entry for entry in archive.infolist()}
    for entry in archive.infolist():  # what is stored as it is cannot be longer than the file
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise InputError(
                f"{source!r}: the entry {entry.filename} is compressed, which torch.save never does"
            )
    pickles = [name for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]
    claimed = sum(entry.file_size for entry in archive.infolist())
    if len(pickles) != 1 or len(entries) != len(archive.infolist()) or claimed > os.path.getsize(source):
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

    def numbers(storage: _Storage) -> Array:
        name = f"{folder}data/{storage.key}"
        if name not in entries:
            raise InputError(f"{source!r} lacks the entry {name}, which its pickle names")
        stored = np.dtype("u2" if storage.kind == "bfloat16" else storage.kind).newbyteorder(
            ">" if big else "<"
        )
        if entries[name].file_size != storage.numbers * stored.itemsize:
            raise InputError(
                f"{source!r}: the entry {name} holds {entries[name].file_size} bytes, but its pickle claims {storage.numbers} numbers of {stored.itemsize}"
            )
        raw = np.frombuffer(bytearray(archive.read(name)), stored)
        native = raw.astype(stored.newbyteorder("="), copy=False)
        return (native.astype(np.uint32) << 16).view(np.float32) if storage.kind == "bfloat16" else native

    found = _Reader(description, numbers, source).load()
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(array, np.ndarray) for name, array in found.items()
    ):
        raise InputError(
            f"{source!r} does not hold one table of named tensors; save model.state_dict(), not the model"
        )
    return dict(found)


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

    def __init__(self, description: bytes, numbers: Callable[[_Storage], Array], source: str) -> None:
        super().__init__(io.BytesIO(description))
        self.numbers, self.source = numbers, source
        self.read: dict[_Storage, Array] = {}
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
            case ("storage", str(kind), str(key), _, int(count)) if kind in STORAGES.values() and count >= 0:
                return _Storage(key, kind, count)
        raise InputError(
            f"{self.source!r}: its pickle refers to something that is no storage of numbers; only tensors are read"
        )

    def rebuild(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Array:
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
        if storage not in self.read:
            self.read[storage] = self.numbers(storage)
        numbers = self.read[storage]
        width = numbers.itemsize
        return np.ndarray(
            tuple(shape), numbers.dtype, numbers, offset * width, [stride * width for stride in strides]
        )

    def value_of_parameter(self, value: Any, *_: Any) -> Any:
        """A parameter is its tensor; whether it was trained, and the hooks on it, are left out."""
        return value
