"""Why an adapter does nothing: the usual causes, each looked for, with what to do about it.

    for finding in doctor(tuned, batch):
        print(finding)

Comes after ``tuned.py``. Each check is one function that yields what it finds.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..autograd import gradients
from ..backend import Array, to_host
from ..errors import InputError
from ..models.base import TrainingBatch
from .base import norm
from .files import read_adapter
from .layers import base_parameters
from .peft import is_peft, read_peft
from .together import low_rank_parts
from .tuned import Tuned
from .weights import HEAD

SMALL = 1e-6
"""An update of less than this share of its weight is lost in the rounding of float32."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or will be. cause: a short name for it; text: what was found, in one sentence; remedy: what to do."""

    cause: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.text} {self.remedy}"


def doctor(
    tuned: Tuned, batch: TrainingBatch | None = None, *, folder: str | os.PathLike[str] | None = None
) -> list[Finding]:
    """What keeps the active adapter of ``tuned`` from working; an empty list where nothing was found.

    batch: run forward and backward on it, to see which parameters get no gradient. folder: compare what was saved there with what the model has. The model is not
    changed. Raises InputError for a folder that holds no adapter.
    """
    found = [*_state(tuned)]
    if folder is not None:
        found += _keys(tuned, folder)
    if tuned.active is None:
        return found
    arrays = tuned.arrays(tuned.active)
    found += [*_finite(arrays), *_updates(tuned), *_trainable(tuned)]
    if batch is not None and not tuned.merged:
        found += _gradients(tuned, batch)
    return found


def _state(tuned: Tuned) -> Iterator[Finding]:
    if tuned.active is None:
        yield Finding(
            "no adapter is active",
            f"No adapter is active; installed are {sorted(tuned.methods) or 'none'}.",
            "Call tuned.use(name), or adapt the model first.",
        )
    elif tuned.merged:
        yield Finding(
            "merged",
            f"The adapter {tuned.active!r} is merged, so it is not trained.",
            "Call tuned.unmerge() before training.",
        )


def _keys(tuned: Tuned, folder: str | os.PathLike[str]) -> Iterator[Finding]:
    if is_peft(folder):
        yield from _keys_of_peft(tuned, folder)
        return
    saved = read_adapter(folder)
    shapes = {name: parameter.shape for name, parameter in base_parameters(tuned.model).items()}
    absent = [name for name in saved.base_shapes if name not in shapes]
    other = [name for name, shape in saved.base_shapes.items() if shapes.get(name, shape) != shape]
    if absent or other:
        kind = "no" if len(absent) == len(saved.base_shapes) else f"{len(absent)} of {len(saved.base_shapes)}"
        matching = (
            "no layer of this model has the name of one of its layers"
            if kind == "no"
            else f"{kind} layers are absent here"
        )
        yield Finding(
            "no matching keys",
            f"The adapter in {str(folder)!r} was made for another model: {matching}, {len(other)} are of another shape; the first is {(absent + other)[0]}.",
            "Load the model that it was made for; minilora inspect says which layers an adapter has.",
        )


def _keys_of_peft(tuned: Tuned, folder: str | os.PathLike[str]) -> Iterator[Finding]:
    try:
        with tuned.disabled() as base:
            read_peft(folder, base)
    except InputError as error:
        remedy = "Load the model that it was made for; minilora inspect says which layers an adapter has."
        yield Finding("no matching keys", f"The adapter does not fit this model: {error}.", remedy)


def _finite(arrays: dict[str, Array]) -> Iterator[Finding]:
    spoilt = [name for name, array in arrays.items() if not np.isfinite(to_host(array)).all()]
    if spoilt:
        yield Finding(
            "not finite",
            f"{len(spoilt)} arrays of the adapter hold NaN or infinity, the first is {spoilt[0]}.",
            "Training diverged: begin anew with a lower learning rate, a warm-up or a smaller clip.",
        )


def _updates(tuned: Tuned) -> Iterator[Finding]:
    name = str(tuned.active)
    layers = [
        (path, layer.base.weight.data, layer.adapters[name])
        for path, layer in low_rank_parts(tuned.installed[name]).items()
    ]
    if not layers:
        return
    if not any(to_host(update.B.data).any() for _, _, update in layers):
        yield Finding(
            "B is zero",
            "B is all zero at every layer, so the model computes exactly what its base does.",
            "This is how training starts; after training it means that no step reached the adapter, or that other weights were loaded.",
        )
        return
    shares = {path: norm(update.update()) / max(norm(W), 1e-30) for path, W, update in layers}
    if max(shares.values()) < SMALL:
        path = max(shares, key=lambda key: shares[key])
        scale = max(update.scale for _, _, update in layers)
        yield Finding(
            "tiny scale",
            f"The update is at most {shares[path]:.0e} of the weight's norm (at {path}), which float32 cannot show; the scale is {scale:g}.",
            "Raise alpha, lower the rank, or train longer or at a higher learning rate: scale and learning rate act alike at first.",
        )


def _trainable(tuned: Tuned) -> Iterator[Finding]:
    if tuned.merged:
        return
    own = tuned.parameters
    all_frozen = [name for name, parameter in own.items() if not parameter.trainable]
    heads = [name for name in all_frozen if name.startswith(HEAD)]
    frozen = [name for name in all_frozen if not name.startswith(HEAD)]
    if heads:
        yield Finding(
            "frozen head",
            f"The task's head is frozen ({heads[0]}), so it stays as random as it began.",
            "Call tuned.use(name) again, or set parameter.trainable = True for the head's parameters.",
        )
    if frozen:
        yield Finding(
            "frozen adapter",
            f"{len(frozen)} parameters of the adapter are frozen, the first is {frozen[0]}.",
            "Call tuned.use(name) again, which makes all of them trainable.",
        )
    ids = {id(parameter) for parameter in own.values()}
    loose = [name for name, parameter in tuned.model.trainable_parameters() if id(parameter) not in ids]
    if loose:
        yield Finding(
            "trainable base",
            f"{len(loose)} parameters that are not the adapter's are trainable, the first is {loose[0]}; they will not be saved with it.",
            "Call freeze() on what should stay, and tuned.use(name) again.",
        )


def _gradients(tuned: Tuned, batch: TrainingBatch) -> Iterator[Finding]:
    own = {name: parameter for name, parameter in tuned.parameters.items() if parameter.trainable}
    found = dict(zip(own, gradients(tuned.loss(batch), list(own.values())), strict=True))
    missing = [name for name, g in found.items() if g is None or not to_host(g).any()]
    at_rest = [
        name
        for name in missing
        if name.endswith(".A") and not to_host(own[f"{name.removesuffix('.A')}.B"].data).any()
    ]
    missing = [name for name in missing if name not in at_rest]  # ∂A = sBᵀG is 0 while B is
    if missing:
        all_of = (
            "No parameter" if len(missing) == len(found) else f"{len(missing)} of {len(found)} parameters"
        )
        verb = "gets a gradient" if len(missing) == len(found) else "get no gradient"
        yield Finding(
            "no gradient",
            f"{all_of} {verb} from this batch; the first without is {missing[0]}.",
            "Look whether any target of the batch counts, and whether the layer is part of what the loss reads.",
        )
