"""Where a run begins: at the base, under a fresh adapter, or at an adapter that was saved before.

Comes before ``recipe.py``, whose settings name the adapter, and ``finetune.py``, which trains what is begun here. The paper itself goes on from adapters: those for MRPC, RTE and STS-B begin
at the one for MNLI (section 5.1). There the task is another, and so is its head: what has no place in the new run begins anew.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import to_host
from ..errors import InputError
from ..methods import SavedAdapter, Tuned
from ..methods.base import Method
from ..methods.layers import base_parameters
from ..methods.stored import CLASSIFIER, prepare_head, read_for
from ..methods.weights import HEAD
from ..models.base import Model
from ..models.checkpoint import load
from .choices import name_of, settings_of, settle_method


def read_start(model: str, adapter: str) -> SavedAdapter:
    """The adapter in the folder ``adapter``, in minilora's or PEFT's format, read for the model that is called so, with the classification head it has. Raises InputError where it can't be read, and for another base's."""
    base = load(model)
    prepare_head(base, adapter)
    return read_for(base, adapter)


def adopt(method: Method, given: Any, adapter: str) -> dict[str, Any]:
    """The settings of a run that goes on with an adapter of this method: its name, and all that is its own. Raises InputError where ``given`` (a run's settings) asks for another.

    What decides an adapter's shape, and what it computes with, cannot be changed while its weights are kept.
    """
    name, own = name_of(method), settings_of(method)
    if given.method not in (None, name):
        raise InputError(
            f"method is {given.method!r}, but the adapter in {adapter!r} that the run starts from is {name!r}; leave method out, or start without an adapter"
        )
    beside = {setting for setting in own if getattr(given, setting) is not None}
    asked = settle_method(name, replace(given, **{s: own[s] for s in own.keys() - beside}))
    for setting in sorted(beside):
        if asked[setting] != own[setting]:
            raise InputError(
                f"{setting} is {asked[setting]!r}, but the adapter in {adapter!r} that the run starts from has {own[setting]!r}; leave {setting} out, or start without an adapter"
            )
    return {"method": name, **own}


def begin_at(model: Model, saved: SavedAdapter, *, name: str) -> Tuned:
    """Install a saved adapter in ``model``, active and trainable. Raises InputError where it was made for another base, of other shapes or other values."""
    tuned = Tuned(model)
    tuned.use(tuned.install(saved, name=name))
    return tuned


def fit_head(saved: SavedAdapter, model: Model) -> tuple[SavedAdapter, str | None]:
    """The adapter with a head for what ``model``'s head answers, and whether that is ``"kept"`` from the adapter or ``"new"``, the model's as it stands; None where the task has no head.

    A head is kept where its shapes are those that the task needs: with as many classes. An adapter of another task may have had one of others, or none.
    """
    task = model.head.task
    if not task and CLASSIFIER not in saved.base_shapes:  # answered in words, before and now
        return saved, None
    parameters = base_parameters(model).items() if task else ()
    wanted = {name: parameter for name, parameter in parameters if name.startswith(HEAD)}
    own = {name: shape for name, shape in saved.base_shapes.items() if name.startswith(HEAD)}
    if own == {name: parameter.shape for name, parameter in wanted.items()}:
        return saved, "kept"
    arrays = {name: array for name, array in saved.arrays.items() if not name.startswith(HEAD)}
    shapes = {name: shape for name, shape in saved.base_shapes.items() if not name.startswith(HEAD)}
    for name, parameter in wanted.items():
        arrays[name], shapes[name] = np.array(to_host(parameter.data)), parameter.shape
    return replace(saved, arrays=arrays, base_shapes=shapes), "new" if task else None


def check_apart(out: Path, adapter: str) -> None:
    """Raise InputError where a run would write over the adapter that it starts from."""
    if out.resolve() == Path(adapter).resolve():
        raise InputError(
            f"out is {str(out)!r}, the folder of the adapter that the run starts from; give another, so that the start is kept"
        )
