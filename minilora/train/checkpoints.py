"""A run on disk: everything it needs to go on, in one file.

Comes beside the loop. ``checkpoint.safetensors`` holds the trained parameters, the optimizer's moments and the best parameters so far; its header holds the
step, the best validation and the settings of the run. One file, replaced in one step: there is no moment at which a reader, or a run killed and taken up again, could
find two parts that disagree. Frozen weights are not in it; their digest is.
"""

import dataclasses
import json
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace, to_host
from ..errors import InputError
from ..tensors import load_tensors, save_tensors
from .settings import Training
from .shards import Learner

NAME = "checkpoint.safetensors"

Setting = str | int | float | bool | None


@dataclass
class Progress:
    """How far a run has come: steps taken; the best validation, its step and its parameters; and validations since without a better one."""

    step: int = 0
    best: float | None = None
    best_step: int | None = None
    worse: int = 0
    best_parameters: dict[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds: how far the run came, the trained parameters and the optimizer's moments by name, on the host."""

    progress: Progress
    parameters: dict[str, Array]
    moments: dict[str, Array]


def fingerprint(settings: Training, model: Learner, identity: Mapping[str, Setting]) -> dict[str, Setting]:
    """Everything that decides the numbers of a run, by name: its settings, its weights' names, dtype and frozen values, and what the caller adds."""
    trainable = dict(model.trainable_parameters())
    frozen = [(name, parameter) for name, parameter in model.named_parameters() if name not in trainable]
    # These two decide when the run is written down and read back, not what it computes.
    decisive: dict[str, Setting] = {
        k: v for k, v in dataclasses.asdict(settings).items() if k not in ("save_every", "log_every")
    }
    decisive |= {
        "dtype": ", ".join(sorted({str(parameter.dtype) for parameter in trainable.values()})),
        "trained parameters": describe(
            (name, f"{parameter.shape}".encode()) for name, parameter in trainable.items()
        ),
        "frozen weights": describe((name, to_host(parameter.data)) for name, parameter in frozen),
    }
    # A name that the settings have too is kept beside theirs, not in its place.
    added = {f"identity's {name}" if name in decisive else name: value for name, value in identity.items()}
    return decisive | added


def describe(parts: Iterable[tuple[str, Array | bytes]]) -> str:
    """How many named parts there are, and a digest of their names and contents."""
    digest, count = 0, 0
    for name, content in parts:
        data = content if isinstance(content, bytes) else np.ascontiguousarray(content).tobytes()
        digest = zlib.crc32(data, zlib.crc32(name.encode(), digest))
        count += 1
    return f"{count} arrays ({digest:08x})"


def save_checkpoint(
    folder: str | os.PathLike[str],
    parameters: Mapping[str, Tensor],
    moments: Mapping[str, Array],
    progress: Progress,
    settings: Mapping[str, Setting],
) -> None:
    """Write the checkpoint of a run to ``folder``, in place of an earlier one."""
    arrays = {f"parameters/{name}": to_host(parameter.data) for name, parameter in parameters.items()}
    arrays |= {f"optimizer/{name}": to_host(array) for name, array in moments.items()}
    arrays |= {f"best/{name}": to_host(array) for name, array in progress.best_parameters.items()}
    reached = {
        "step": progress.step,
        "best": progress.best,
        "best_step": progress.best_step,
        "worse": progress.worse,
    }
    metadata = {"progress": json.dumps(reached), "settings": json.dumps(settings)}
    save_tensors(Path(folder) / NAME, arrays, metadata)


def load_checkpoint(
    folder: str | os.PathLike[str], names: Iterable[str], settings: Mapping[str, Setting]
) -> Saved | None:
    """The checkpoint in ``folder`` of a run that trains the parameters ``names``; None when there is none.

    Raises InputError for a checkpoint of other settings, naming the first that differs, and for a file that is truncated or no checkpoint.
    """
    path = Path(folder) / NAME
    if not path.exists():
        return None
    arrays, metadata = load_tensors(path)
    if "progress" not in metadata or "settings" not in metadata:
        raise InputError(
            f"{str(path)!r} is no checkpoint of a training run: its header names no progress and no settings"
        )
    compare_settings(path, json.loads(metadata["settings"]), settings)
    groups: dict[str, dict[str, Array]] = {"parameters": {}, "optimizer": {}, "best": {}}
    for name, array in arrays.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = array
    if groups["parameters"].keys() != {*names}:
        raise InputError(f"{str(path)!r} holds other parameters than the model trains")
    progress = Progress(**json.loads(metadata["progress"]), best_parameters=groups["best"])
    return Saved(progress, groups["parameters"], groups["optimizer"])


def put_parameters(parameters: Mapping[str, Tensor], arrays: Mapping[str, Array]) -> None:
    """Copy ``arrays`` into the parameters of the same names, in place."""
    for name, parameter in parameters.items():
        parameter.data[...] = namespace(parameter.data).asarray(arrays[name])


def compare_settings(path: Path, saved: Mapping[str, Setting], given: Mapping[str, Setting]) -> None:
    """Raise InputError when a setting differs from the checkpoint's, naming it and both values."""
    for name in [*given, *(name for name in saved if name not in given)]:
        before, now = saved.get(name), given.get(name)
        if before != now:
            raise InputError(
                f"cannot resume: {name} is {now!r}, but the checkpoint {str(path)!r} was trained with {name} {before!r}; "
                f"give the same value, or another folder"
            )
