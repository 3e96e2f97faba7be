"""The stored weights of a model's folder, in one file or in several with an index, mapped and not read yet.

Comes after ``tensors`` and ``torch_file.py``, before ``checkpoint.py``. Large models are cut into shards, and ``model.safetensors.index.json`` says which tensor lies in which. The index may
come from anywhere: it may name files of its own folder only, and it and the shards must tell the same story. Folders from before safetensors hold torch files (``pytorch_model.bin``), which are
read where there is nothing newer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..errors import InputError
from ..files import read_json
from ..tensors import StoredArray, map_tensors
from .torch_file import map_torch

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"


@dataclass(frozen=True)
class Format:
    """One way in which folders keep weights. weights: the one file; index: the file beside shards; shards: how these are called; suffix: how they end; map: what maps one."""

    weights: str
    index: str
    shards: str
    suffix: str
    map: Callable[[Path], Mapping[str, StoredArray]]


FORMATS = (
    Format(WEIGHTS, INDEX, "model-*-of-*.safetensors", ".safetensors", lambda path: map_tensors(path)[0]),
    Format(
        "pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin", ".bin", map_torch
    ),
)
"""The formats, the one that is preferred first."""


def map_weights(folder: Path) -> tuple[Mapping[str, StoredArray], Path]:
    """Every tensor of a model's folder by its name, and the file to name in messages: the weights, or their index.

    Raises InputError, in one sentence, when there are no weights, a shard is missing, the index is not what it should be or names a file elsewhere, a tensor is in
    two shards or in another than the index says, and for files that are no safetensors (or torch) files, or ask for more than tensors.
    """
    for format in FORMATS:
        if (folder / format.weights).is_file():
            return MappingProxyType(format.map(folder / format.weights)), folder / format.weights
        if (folder / format.index).is_file():
            return MappingProxyType(_map_shards(folder, format)), folder / format.index
    others = sorted(path.name for path in folder.glob("*") if path.suffix in (".safetensors", ".bin", ".pt"))
    found = f"; it holds {', '.join(others)}" if others else ""
    wanted = " or ".join(format.weights for format in FORMATS)
    raise InputError(f"the model folder {str(folder)!r} has no {wanted}{found}")


def _map_shards(folder: Path, format: Format) -> dict[str, StoredArray]:
    source = f"{str(folder / format.index)!r}"
    places = read_json(folder / format.index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        raise InputError(f"{source} has no weight_map that says which file each tensor is in")
    files = sorted(set(places.values()))
    strange = [file for file in files if not _plain(file, format.suffix)]
    if strange:
        raise InputError(
            f"{source} names {strange[0]!r}; a shard must be a {format.suffix} file of the same folder"
        )
    missing = [file for file in files if not (folder / file).is_file()]
    if missing:
        raise InputError(
            f"{source} needs {len(files)} files, of which these are missing: {', '.join(missing[:6])}"
        )
    tensors: dict[str, StoredArray] = {}
    for file in files:
        for name, stored in format.map(folder / file).items():
            if places.get(name) != file:
                told = f"in {places[name]}" if name in places else "nowhere"
                raise InputError(f"{source} has {name!r} {told}, but it is in {file}")
            tensors[name] = stored
    absent = sorted(places.keys() - tensors.keys())
    if absent:
        raise InputError(f"{source} has {absent[0]!r} in {places[absent[0]]}, but it is not there")
    return tensors


def _plain(file: str, suffix: str) -> bool:
    """Whether a name is a file's own, without a way to another folder."""
    return file.endswith(suffix) and not any(sign in file for sign in "/\\\0:") and len(file) < 256
