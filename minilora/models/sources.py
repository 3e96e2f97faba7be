"""Where a model is: a name or a path in, its folder out.

Comes before ``checkpoint.py``. What is meant is decided by how it is written, never by what happens to lie in the present folder:

    "tiny-gpt"                a model that comes with the package, if there is one of that name; otherwise the folder of that name
    "./tiny-gpt", Path(...)   a folder: whatever has a separator in it, or is a Path
    "package:name"            a model that an installed Python package carries
    "hf:owner/name"           a model of the Hugging Face hub, also "hf:owner/name@revision"
"""

import importlib.util
import os
from collections.abc import Collection
from pathlib import Path

from ..errors import InputError, nearest
from .hub import download
from .weights import CONFIG

ASSETS = Path(__file__).resolve().parents[1] / "assets"
HUB, PACKAGE = "hf:", "package:"


def shipped() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(path.parent.name for path in ASSETS.glob(f"*/{CONFIG}"))


def find(model: str | os.PathLike[str], known: Collection[str]) -> Path:
    """The folder of ``model``. known: the ``model_type`` values that can be loaded (what else is on the hub is not fetched).

    Raises InputError, in one sentence, when there is no such model.
    """
    name = os.fspath(model)
    if isinstance(model, str):
        if name.startswith(HUB):
            return download(name.removeprefix(HUB), known)
        if name.startswith(PACKAGE):
            return _in_package(name.removeprefix(PACKAGE))
        if name in shipped():
            return ASSETS / name
    folder = Path(name)
    try:
        if folder.is_dir():
            return folder
        if folder.exists():
            raise InputError(f"{name!r} is a file; give the folder that holds {CONFIG} and the weights")
    except (OSError, ValueError) as error:  # a name too long, a zero byte
        raise InputError(f"{name[:80]!r} is no name of a folder ({error})") from error
    there = ", ".join(shipped())
    known_names = (
        f"the models that come with the package are {there}" if there else "no model comes with the package"
    )
    hint = (
        f"; a model of the hub is loaded as {HUB + name!r}"
        if name.count("/") == 1 and name[0] not in "./"
        else ""
    )
    raise InputError(
        f"no model folder or shipped model {name!r}{nearest(name, shipped())}; {known_names}{hint}"
    )


def _in_package(name: str) -> Path:
    """The folder with a ``config.json`` in an installed package, which is not imported: only its files are looked at."""
    try:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise InputError(
            f"no installed package {name!r}; {PACKAGE}NAME takes the name that Python would import"
        )
    for place in spec.submodule_search_locations or ():
        for config in sorted(Path(place).rglob(CONFIG), key=lambda path: (len(path.parts), path)):
            if any(config.parent.glob("*.safetensors")):
                return config.parent
    raise InputError(f"the package {name!r} holds no {CONFIG} with weights beside it")
