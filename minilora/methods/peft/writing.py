"""An adapter of ours as a folder that PEFT loads: ``adapter_config.json`` and ``adapter_model.safetensors``.

Comes after ``blocks.py``, ``values.py`` and ``whole.py``; ``Tuned.save(folder, format="peft")`` calls it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...backend import Array, to_host
from ...errors import InputError
from ...files import remove, write_atomically
from ...models.base import Model
from ...tensors import save_tensors
from ..files import CONFIGURATION, SavedAdapter
from ..layers import base_parameters
from ..lora import LoRA
from .blocks import Update, join
from .config import FILE
from .places import ROOT, Places, places
from .reading import LEGACY, WEIGHTS
from .values import to_fields
from .whole import write_whole


def write_peft(
    folder: str | os.PathLike[str],
    adapter: SavedAdapter,
    model: Model,
    *,
    base_name: str | None = None,
    force: bool = False,
) -> None:
    """Write ``adapter`` into ``folder``, as PEFT does.

    model: that the adapter was made in, computing what its base computes (``Tuned.disabled``), since a fused bias is written whole. base_name: the name of the base model,
    for PEFT to note. Query, key and value of GPT-2 become one update of c_attn (``blocks.join``). Each of the two files appears whole or not at all, the configuration last.

    Raises InputError for a method other than LoRA, a model that Hugging Face lacks, a folder that holds an adapter already unless ``force``, and one that cannot be written.
    """
    folder = Path(folder)
    method = adapter.method
    if not isinstance(method, LoRA):
        raise InputError(f"PEFT's format has no place for {method}; only LoRA can be written to it")
    if (folder / CONFIGURATION).exists():
        raise InputError(
            f"the folder {str(folder)!r} holds an adapter in the other format ({CONFIGURATION}); choose another folder"
        )
    present = [name for name in (FILE, WEIGHTS, LEGACY) if (folder / name).exists()]
    if present and not force:
        raise InputError(
            f"the folder {str(folder)!r} already holds an adapter ({present[0]}); choose another folder, or overwrite it with force"
        )
    there = places(model)
    arrays = {name: to_host(array) for name, array in adapter.arrays.items()}
    weights = {name: to_host(parameter.data) for name, parameter in base_parameters(model).items()}
    updates = _updates(method, arrays, there, weights)
    tensors = write_whole(arrays, there, weights, updates)
    for path, update in updates.items():
        tensors |= {f"{path}.lora_A.weight": update.A, f"{path}.lora_B.weight": update.B}
    fields = to_fields(method, updates, there, model.head.kind, base_name)
    for name in present:  # a crash from here on leaves no adapter rather than a mixture of two
        remove(folder / name)
    contiguous = {ROOT + name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_tensors(folder / WEIGHTS, contiguous, {"format": "pt"})
    write_atomically(folder / FILE, json.dumps(fields, indent=2, sort_keys=True))


def _updates(
    method: LoRA, arrays: Mapping[str, Array], there: Places, weights: Mapping[str, Array]
) -> dict[str, Update]:
    """The updates by the foreign layer's path, those of parts of a fused layer joined."""
    updates = {}
    for path, part in there.linear.items():
        layers = {name: name.removesuffix(".weight") for name in part.ours}
        found = {
            name: Update(arrays[f"{layer}.A"], arrays[f"{layer}.B"], method.scale_at(layer))
            for name, layer in layers.items()
            if f"{layer}.A" in arrays
        }
        if found:
            updates[path] = join(part, found, {name: len(weights[name]) for name in part.ours})
    return updates
