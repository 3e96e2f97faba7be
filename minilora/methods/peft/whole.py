"""Weights that PEFT trains whole beside the updates: biases, and the head of a task (``modules_to_save``).

Comes after ``places.py``; ``reading.py`` and ``writing.py`` use it. Files hold the trained values themselves, not their differences from the base.
"""

from collections.abc import Collection, Mapping

import numpy as np

from ...backend import Array
from ...errors import InputError
from ..weights import HEAD, is_bias
from .config import PeftConfig
from .places import Places

DOUBLES = (".modules_to_save.", ".original_module.")
"""Under ``bias="all"`` PEFT writes the head's biases three times; these are the copies."""


def read_whole(
    config: PeftConfig, stored: Mapping[str, Array], there: Places, base: Mapping[str, Array], source: str
) -> dict[str, Array]:
    """Trained biases, and all of the task's head, under our names. What the file does not hold of the head is the base's own.

    Raises InputError for a weight that the model lacks or that has another shape, for one that is neither a bias nor the head's, and where a module that the
    configuration says was saved is not there.
    """
    found: dict[str, Array] = {}
    for name, array in stored.items():
        full = there.full(name)
        if any(double in name for double in DOUBLES) or full in there.copies:
            continue
        if full not in there.parts:
            raise InputError(
                f"{source} holds {name}, which this model lacks; if it belongs to the head of a task, give the model such a head first (set_classifier)"
            )
        part = there.parts[full]
        expected = part.write({ours: base[ours] for ours in part.ours}).shape
        if array.shape != expected:
            raise InputError(
                f"{source} was made for another base: {name} is {array.shape} there, and {expected} in this model"
            )
        pieces = part.read(array)
        if all(ours in there.head for ours in pieces) or (
            config.bias != "none" and all(map(is_bias, pieces))
        ):
            found |= pieces
        elif all(np.array_equal(piece, base[ours]) for ours, piece in pieces.items()):
            continue
        elif any(ours.startswith(HEAD) for ours in pieces):
            raise InputError(
                f"{source}: {name} was trained, and it belongs to the head that pretraining left, which stays as it is here"
            )
        else:
            raise InputError(
                f"{source}: {name} was trained whole (modules_to_save, or a new token), and beside LoRA only biases and the head of a task can be"
            )
    absent = sorted(
        name
        for name in there.parts
        if _saved(config, there, name) and not found.keys() >= set(there.parts[name].ours)
    )
    if absent:
        raise InputError(
            f"{source}: modules_to_save names {', '.join(absent)}, for which there are no weights"
        )
    return {name: np.array(base[name]) for name in there.head} | _nameless(config, there, base) | found


def _nameless(config: PeftConfig, there: Places, base: Mapping[str, Array]) -> dict[str, Array]:
    """Biases that PEFT does not know for such by their names (q_bias and v_bias of DeBERTa v1), and thus leaves as they are: the base's own, where biases are trained."""
    parts = [
        part for name, part in there.parts.items() if config.bias != "none" and not name.endswith(".bias")
    ]
    return {ours: np.array(base[ours]) for part in parts for ours in part.ours if is_bias(ours)}


def _saved(config: PeftConfig, there: Places, name: str) -> bool:
    """Whether the configuration says that this weight of the head was saved."""
    within = any(f".{module}." in f".{name}" for module in config.modules_to_save or ())
    return within and all(ours in there.head for ours in there.parts[name].ours)


def write_whole(
    trained: Mapping[str, Array], there: Places, base: Mapping[str, Array], adapted: Collection[str]
) -> dict[str, Array]:
    """Tensors, by PEFT's names, of the biases and the head among ``trained``. What is fused with a trained bias, and not trained itself, is the base's own.

    adapted: the paths of the layers that have an update, whose biases stand in ``base_layer``.
    """
    tensors = {}
    for name, part in there.parts.items():
        if any(ours in trained for ours in part.ours):
            layer, _, kind = name.rpartition(".")
            stored = f"{layer}.base_layer.{kind}" if layer in adapted else name
            tensors[stored] = part.write({ours: trained.get(ours, base[ours]) for ours in part.ours})
    return tensors


def saved_modules(there: Places) -> list[str] | None:
    """What ``modules_to_save`` names so that the task's head is saved whole: ``classifier``, ``score``, ``pooler``; None without a task's head."""
    names = [
        name.removeprefix(there.prefix) for name, part in there.parts.items() if part.ours[0] in there.head
    ]
    return sorted({name.split(".")[0] for name in names}) or None
