"""The stored weights of a model's folder, in one file or in several with an index, mapped and not read yet.

Comes after ``tensors``, before ``checkpoint.py``. Large models are cut into shards, and ``model.safetensors.index.json`` says which tensor lies in which. The index may come from anywhere:
it may name files of its own folder only, and it and the shards must tell the same story.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ..errors import InputError
from ..files import read_json
from ..tensors import StoredArray, map_tensors

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"


def map_weights(folder: Path) -> tuple[Mapping[str, StoredArray], Path]:
    """Every tensor of a model's folder by its name, and the file to name in messages: the weights, or their index.

    Raises InputError, in one sentence, when there are no weights, a shard is missing, the index is not what it should be or names a file elsewhere, a tensor is in
    two shards or in another than the index says, and for files that are no safetensors files.
    """
    if (folder / WEIGHTS).is_file():
        return MappingProxyType(map_tensors(folder / WEIGHTS)[0]), folder / WEIGHTS
    if (folder / INDEX).is_file():
        return MappingProxyType(_map_shards(folder)), folder / INDEX
    others = sorted(path.name for path in folder.glob("*") if path.suffix in (".safetensors", ".bin", ".pt"))
    found = f"; it holds {', '.join(others)}" if others else ""
    raise InputError(f"the model folder {str(folder)!r} has no {WEIGHTS}{found}")


def _map_shards(folder: Path) -> dict[str, StoredArray]:
    source = f"{str(folder / INDEX)!r}"
    places = read_json(folder / INDEX).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        raise InputError(f"{source} has no weight_map that says which file each tensor is in")
    files = sorted(set(places.values()))
    strange = [file for file in files if not _plain(file)]
    if strange:
        raise InputError(
            f"{source} names {strange[0]!r}; a shard must be a .safetensors file of the same folder"
        )
    missing = [file for file in files if not (folder / file).is_file()]
    if missing:
        raise InputError(
            f"{source} needs {len(files)} files, of which these are missing: {', '.join(missing[:6])}"
        )
    tensors: dict[str, StoredArray] = {}
    for file in files:
        for name, stored in map_tensors(folder / file)[0].items():
            if places.get(name) != file:
                told = f"in {places[name]}" if name in places else "nowhere"
                raise InputError(f"{source} has {name!r} {told}, but it is in {file}")
            tensors[name] = stored
    absent = sorted(places.keys() - tensors.keys())
    if absent:
        raise InputError(f"{source} has {absent[0]!r} in {places[absent[0]]}, but it is not there")
    return tensors


def _plain(file: str) -> bool:
    """Whether a name is a file's own, without a way to another folder."""
    return file.endswith(".safetensors") and not any(sign in file for sign in "/\\\0:") and len(file) < 256
