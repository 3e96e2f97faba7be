"""A PEFT adapter out of its folder: ``adapter_config.json`` and ``adapter_model.safetensors`` (or the older ``adapter_model.bin``).

Comes after ``config.py``, ``places.py`` and ``blocks.py``; ``Tuned.load`` installs what is read here. Strict: the weights in the file must be those that the configuration
asks for, no more and no fewer (PEFT itself passes over both).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...backend import Array, to_host
from ...errors import InputError, nearest, some
from ...models.base import Model
from ...models.layouts import Part
from ...models.torch_file import load_torch
from ...tensors import load_tensors
from ..files import CONFIGURATION, SavedAdapter
from ..layers import base_parameters, linear_layers
from ..weights import HEAD, is_bias
from .blocks import Update, split
from .config import FILE, PeftConfig, read_config
from .places import ROOT, Places, places
from .values import to_lora
from .whole import read_whole

WEIGHTS, LEGACY = "adapter_model.safetensors", "adapter_model.bin"

REFUSED_TENSORS = {
    ".lora_magnitude_vector": "DoRA, which learns the length of each row of the weight",
    ".lora_embedding_A": "LoRA on an embedding",
    ".lora_embedding_B": "LoRA on an embedding",
    ".lora_B.bias": "a bias of B",
}


class Contents(NamedTuple):
    """What a file holds: updates by the layer's full path in the foreign model, and whole weights by their full names."""

    updates: dict[str, Update]
    whole: dict[str, Array]


def is_peft(folder: str | os.PathLike[str]) -> bool:
    """Whether there is a PEFT adapter in ``folder``."""
    return (Path(folder) / FILE).is_file()


def refuse_peft(folder: str | os.PathLike[str]) -> None:
    """Raise InputError where there is a PEFT adapter in ``folder``, so that an adapter in our own format has no place there: whoever loads the folder would get the other one."""
    if is_peft(folder):
        raise InputError(f"{os.fspath(folder)!r} holds an adapter in PEFT's format; give another folder")


def refuse_parent(folder: str | os.PathLike[str]) -> None:
    """Raise InputError for a folder whose adapters lie in folders of their names, as PEFT writes all but the one named ``default``, and that holds none itself."""
    inside = sorted(path.parent.name for path in Path(folder).glob(f"*/{FILE}"))
    if inside and not is_peft(folder) and not (Path(folder) / CONFIGURATION).is_file():
        raise InputError(
            f"{str(folder)!r} holds adapters in folders of their own, {some(inside, 4)}; give one of these"
        )


def read_weights(folder: Path) -> dict[str, Array]:
    """The tensors of the adapter by their names, without ``base_model.model.``. Raises InputError where there are none, and for a damaged file."""
    if (folder / WEIGHTS).is_file():
        stored, _ = load_tensors(folder / WEIGHTS)
    elif (folder / LEGACY).is_file():
        stored = load_torch(folder / LEGACY)
    else:
        raise InputError(f"{str(folder)!r} has {FILE}, but neither {WEIGHTS} nor {LEGACY}")
    return {name.removeprefix(ROOT): array for name, array in stored.items()}


def sort_out(config: PeftConfig, stored: Mapping[str, Array], source: str) -> Contents:
    """Pairs of A and B as updates by the layer's path, and the other tensors, under the names that the file has.

    Raises InputError for a feature that is not known here, an A without its B, and a pair whose shapes, or rank, do not fit.
    """
    halves: dict[str, dict[str, Array]] = {}
    whole: dict[str, Array] = {}
    for name, array in stored.items():
        for ending, feature in REFUSED_TENSORS.items():
            if name.endswith(ending):
                raise InputError(f"{source}: {name} belongs to {feature}, which is not supported")
        path, mark, half = name.removesuffix(".weight").rpartition(".lora_")
        if mark and half in ("A", "B") and name.endswith(".weight"):
            halves.setdefault(path, {})[half] = array
        else:
            whole[name.replace(".base_layer.", ".")] = array
    updates = {}
    for path, pair in halves.items():
        if len(pair) < 2:
            raise InputError(f"{source}: {path} has lora_{next(iter(pair))}, but not its other half")
        A, B, rank = pair["A"], pair["B"], config.rank_at(path)
        if A.ndim != 2 or B.ndim != 2 or not len(A) == B.shape[1] == rank:
            raise InputError(
                f"{source}: {path} has lora_A {A.shape} and lora_B {B.shape}, but the configuration's rank there is {rank}"
            )
        updates[path] = Update(A, B, config.scale_at(path))
    return Contents(updates, whole)


def read_peft(folder: str | os.PathLike[str], model: Model) -> SavedAdapter:
    """The adapter in ``folder`` under our names, for a ``model`` of the kind that it was made for, which computes what its base computes. It is named ``default``.

    A layer of ours that is a part of a fused one there (GPT-2's c_attn) gets its own A and rows of B (``blocks.split``). An update of a layer of the task's head, which is
    trained whole here, goes into the head's weight. Raises InputError for what ``read_config`` and ``sort_out`` refuse, for layers that the model lacks or that
    have another shape, and where weights and configuration do not belong together.
    """
    folder, there = Path(folder), places(model)
    source = repr(str(folder))
    config = read_config(folder / FILE)
    contents = sort_out(config, read_weights(folder), source)
    _check_selection(config, contents.updates, there, source)
    base = {name: to_host(parameter.data) for name, parameter in base_parameters(model).items()}
    whole = read_whole(config, contents.whole, there, base, source)
    own_biases = config.bias == "lora_only"
    updates: dict[str, Update] = {}  # by the names of our weights
    for path, update in contents.updates.items():
        part = there.linear[there.full(path)]
        if part.ours[0].startswith(HEAD) and part.ours[0] not in there.head:
            raise InputError(
                f"{source} adapts {path}, a layer of the head that pretraining left; only a task's head can be changed"
            )
        check_shape(part, path, update, base, source)
        if part.ours[0] in there.head:
            (name,) = part.ours
            whole[name] = whole[name] + base[name].dtype.type(update.scale) * (update.B @ update.A)
        else:
            biases = {name: bias_of(name) for name in part.ours if own_biases and bias_of(name) in whole}
            trained = {name for name, bias in biases.items() if not np.array_equal(whole[bias], base[bias])}
            updates |= split(part, update, kept=frozenset(trained))
    return assemble(config, updates, whole, base, model)


def assemble(
    config: PeftConfig,
    updates: Mapping[str, Update],
    whole: Mapping[str, Array],
    base: Mapping[str, Array],
    model: Model,
) -> SavedAdapter:
    """The adapter of these updates, by the name of our weight, and these weights that are trained whole. Raises InputError for numbers that are not finite."""
    layers = {layer_of(name): update for name, update in updates.items()}
    if config.bias == "lora_only":  # of a fused bias, the parts without an update are the base's
        whole = {
            name: array for name, array in whole.items() if not is_bias(name) or layer_of(name) in layers
        }
    arrays = {f"{layer}.A": update.A for layer, update in layers.items()}
    arrays |= {f"{layer}.B": update.B for layer, update in layers.items()}
    method = to_lora(config, layers, linear_layers(model))
    shapes = {name: base[name].shape for name in (*updates, *whole)}
    adapter = SavedAdapter("default", method, {**arrays, **whole}, shapes)
    adapter.check_weights()
    return adapter


def bias_of(weight: str) -> str:
    """The name of the bias beside a weight."""
    return weight.removesuffix(".weight") + ".bias"


def layer_of(name: str) -> str:
    """The path of the layer that a parameter belongs to."""
    return name.rpartition(".")[0]


def _check_selection(config: PeftConfig, updates: Mapping[str, Update], there: Places, source: str) -> None:
    """Raise InputError unless the file has updates for exactly the layers that the configuration selects."""
    bare = any(path not in there.linear and there.full(path) in there.linear for path in updates)
    known = [path.removeprefix(there.prefix) if bare else path for path in there.linear]
    for path in updates:
        if path not in known:
            raise InputError(
                f"{source} adapts {path}, and this model has no such layer{nearest(path, known)}; is it a {there.model_type} of the same size?"
            )
    selected = {path for path in known if config.selects(path, linear=known, model_type=there.model_type)}
    missing, extra = sorted(selected - updates.keys()), sorted(updates.keys() - selected)
    troubles = [
        *([f"it selects {some(missing, 4)}, for which there are no weights"] if missing else []),
        *([f"there are weights of {some(extra, 4)}, which it does not select"] if extra else []),
    ]
    if troubles:
        raise InputError(f"{source}: weights and {FILE} do not belong together: {'; '.join(troubles)}")


def check_shape(part: Part, path: str, update: Update, base: Mapping[str, Array], source: str) -> None:
    """Raise InputError unless the update has the shape of the layer at ``path``."""
    out, into = sum(len(base[name]) for name in part.ours), base[part.ours[0]].shape[1]
    if update.B.shape[0] != out or update.A.shape[1] != into:
        raise InputError(
            f"{source} was made for another base: {path} has lora_A {update.A.shape} and lora_B {update.B.shape}, but this model's layer takes {into} and gives {out} numbers"
        )
