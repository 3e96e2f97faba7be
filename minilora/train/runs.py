"""What a run leaves beside its output so that it can be repeated: ``config.toml``, and the rule that nothing is overwritten unasked.

Comes beside ``finetune.py`` and ``pretrain.py``. A configuration is the settings of a run by name, then a table ``[run]`` of what else could decide its digits:
the command, the versions of minilora, Python and NumPy, the BLAS library with the kernel it chose, and the numbers of threads and cores. Reading looks at the settings only.
"""

import dataclasses
import json
import math
import os
import platform
import tomllib
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_info

from ..errors import InputError, nearest
from ..files import create, make_folder, write_atomically
from ..version import VERSION

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")

CONFIG = "config.toml"
Value = str | int | float | bool | list[str] | tuple[str, ...]


def write_config(folder: str | os.PathLike[str], command: str, settings: Any, *, new: bool = False) -> None:
    """Write a run's settings (a dataclass; fields that are None are left out) and its circumstances to ``folder/config.toml``.

    With ``new`` it takes no other's place: raises InputError where one is there.
    """
    values = {name: value for name, value in dataclasses.asdict(settings).items() if value is not None}
    lines = [
        f"# minilora {command} --config THIS_FILE repeats this run.",
        *(f"{name} = {toml(value)}" for name, value in values.items()),
        "",
        "[run]",
        *(f"{name} = {toml(value)}" for name, value in {"command": command, **circumstances()}.items()),
    ]
    path, text = Path(folder) / CONFIG, "\n".join(lines) + "\n"
    if not new:
        write_atomically(path, text)
        return
    try:
        create(path, text)
    except FileExistsError as error:
        raise InputError(
            f"{str(path.parent)!r} already holds {path.name}, of a run that was begun there meanwhile; give another folder"
        ) from error


def circumstances() -> dict[str, Value]:
    """What decides the last digits of a run beside its settings."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    kernels = [f"{b['internal_api']} {b['version']} {b.get('architecture', '')}".strip() for b in blas]
    return {
        "minilora": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": ", ".join(kernels) or "unknown",
        "blas_threads": max((int(library["num_threads"]) for library in blas), default=1),
        "cores": os.cpu_count() or 1,
        "machine": f"{platform.system()} {platform.machine()}",
    }


def toml(value: Value) -> str:
    """A value as TOML writes it. Floats keep all their digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):  # JSON's escapes are TOML's too, but for one character
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return str(value)
    return f"[{', '.join(map(toml, value))}]"


def read_config(
    path: str | os.PathLike[str],
    kind: type,
    command: str,
    *,
    spellings: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The settings in a TOML file, as arguments of the dataclass ``kind``: a file that a run wrote, or one written by hand.

    spellings: other names of fields, such as ``lr``; dashes and underscores are one. Raises InputError for a file that is missing or no TOML, that was written by another
    command, an unknown name (with the nearest ones), a name given twice, and a value of the wrong type.
    """
    path = Path(path)
    table = read_toml(path)
    run = table.pop("run", {})
    if isinstance(run, dict) and run.get("command", command) != command:
        raise InputError(f"{str(path)!r} was written by minilora {run['command']}, not by minilora {command}")
    hints = {
        field: typing.get_type_hints(kind)[field] for field in (f.name for f in dataclasses.fields(kind))
    }
    names = {field: field for field in hints} | dict(spellings or {})
    settings: dict[str, Any] = {}
    for key, value in table.items():
        name = names.get(key.replace("-", "_"))
        if name is None:
            near = nearest(key.replace("-", "_"), names) or f"; there are {', '.join(hints)}"
            raise InputError(f"{str(path)!r}: minilora {command} has no setting {key!r}{near}")
        if name in settings:
            raise InputError(f"{str(path)!r} sets {name} twice, the second time as {key!r}; leave one out")
        settings[name] = _checked(value, hints[name], f"{str(path)!r}: {key}")
    return settings


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a table; raises InputError when it is missing or cannot be read."""
    if not path.is_file():
        raise InputError(
            f"no configuration file {str(path)!r}; give a TOML file, such as the {CONFIG} beside a run"
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise InputError(f"{str(path)!r} is not TOML that can be read: {error}") from error


def _checked(value: Any, hint: Any, where: str) -> Any:
    """``value`` as the type that a field has; raises InputError for another."""
    kinds = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if bool in kinds:
        wanted, fits = "true or false", isinstance(value, bool)
    elif int in kinds:
        wanted, fits = "a whole number", isinstance(value, int) and not isinstance(value, bool)
    elif float in kinds:
        wanted, fits = "a number", isinstance(value, int | float) and not isinstance(value, bool)
        value = float(value) if fits else value
    elif str in kinds:
        wanted, fits = "a text", isinstance(value, str)
    else:
        value = [value] if isinstance(value, str) else value
        wanted = "a list of texts"
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        value = tuple(value) if fits else value
    if not fits:
        raise InputError(f"{where} must be {wanted}, not {value!r}")
    return value


def refuse_existing(
    folder: str | os.PathLike[str], names: Iterable[str], *, resume: bool = False, force: bool = False
) -> None:
    """Raise InputError when ``folder`` holds one of ``names``, which a run would overwrite, unless ``force``, or ``resume`` and a run's configuration is there."""
    folder = Path(folder)
    if resume and force:
        raise InputError(
            "resume and force exclude each other: go on with the run in the folder, or begin it anew"
        )
    found = [name for name in names if (folder / name).exists()]
    if found and not force and not (resume and (folder / CONFIG).exists()):
        ways = "give another folder, or overwrite with --force"
        known = f"go on with --resume, {ways}" if (folder / CONFIG).exists() else ways
        raise InputError(f"{str(folder)!r} already holds {', '.join(found)}; {known}")


def begin_folder(
    folder: str | os.PathLike[str],
    names: Iterable[str],
    command: str,
    settings: Any,
    *,
    resume: bool,
    force: bool,
) -> None:
    """Make the folder of a run and write its configuration. With ``force`` the files ``names`` go first, so that a run which stops half-way leaves none of an older one beside its own.

    Raises InputError where the folder holds a configuration, and the run neither goes on nor is forced: two runs that begin at once both find it empty, and one may have it.
    """
    folder = make_folder(folder)
    for name in names if force else ():
        if (folder / name).is_file():
            (folder / name).unlink()
    write_config(folder, command, settings, new=not (resume or force))


def check_same(
    folder: str | os.PathLike[str],
    settings: Settings,
    command: str,
    *,
    free: Iterable[str] = (),
    settled: Callable[[Settings], Settings] = lambda begun: begun,
) -> None:
    """Raise InputError, naming the first setting that differs and both values, when ``folder`` holds a run of other settings (a dataclass). ``free`` ones may differ.

    settled: what fills in the fields that the configuration leaves open, as those are that came into the program after the run.
    """
    path = Path(folder) / CONFIG
    if not path.exists():
        return
    kind = type(settings)
    begun = settled(kind(**read_config(path, kind, command)))
    for name in (field.name for field in dataclasses.fields(settings) if field.name not in free):
        then, now = getattr(begun, name), getattr(settings, name)
        if then != now:
            raise InputError(
                f"cannot resume: {name} is {now!r}, but the run in {str(folder)!r} was begun with {name} {then!r}; "
                "give the same value, or another folder"
            )


def free_folder(wanted: str | os.PathLike[str]) -> Path:
    """``wanted``, or, when it exists, the first of ``wanted-2``, ``wanted-3`` … that does not."""
    wanted, number = Path(wanted), 2
    folder = wanted
    while folder.exists():
        folder = wanted.with_name(f"{wanted.name}-{number}")
        number += 1
    return folder
