"""Checkpoints of the paper's own code, ``loralib``: a torch file of ``PATH.lora_A`` and ``PATH.lora_B``, and of the classifier's head.

Comes after ``reading.py``, for the same adapters in an older clothing. Three things differ from PEFT's: no ``.weight`` ends the names; there is no configuration, so α must be
given (the rank shows in the shapes); and for GPT-2's fused c_attn the updates of the parts are stacked, A: [n·r, d] and B: [n·d, r] (``MergedLinear``), where
n = 2 means query and value, as in all of the authors' runs.
"""

import math
import os
from pathlib import Path

import numpy as np

from ...backend import Array, to_host
from ...errors import InputError, nearest
from ...models.base import Model
from ...models.layouts import Part
from ...models.torch_file import load_torch
from ..base import number
from ..files import SavedAdapter
from ..layers import base_parameters
from ..weights import is_bias
from .blocks import Update
from .config import PeftConfig
from .places import Places, places
from .reading import assemble, bias_of, check_shape
from .whole import read_whole


def read_loralib(path: str | os.PathLike[str], model: Model, *, alpha: float) -> SavedAdapter:
    """The adapter in a file of the authors' code, under our names, for a ``model`` of the kind that it was made for, which computes what its base computes.

    alpha: the ``--lora_alpha`` it was trained with; the scale is alpha/r. (For the published RoBERTa-base MNLI checkpoint the authors' script says 16, and the paper's table 9
    says 8: the file does not tell.)

    Raises InputError for a file that ``load_torch`` refuses, layers that the model lacks or that have another shape, an A without its B, and numbers that are not finite.
    """
    alpha = number("alpha", alpha, math.ulp(0.0), math.inf, "a number above 0")
    source, there = repr(str(Path(path))), places(model)
    halves: dict[str, dict[str, Array]] = {}
    others: dict[str, Array] = {}
    for name, array in load_torch(path).items():
        layer, mark, half = name.rpartition(".lora_")
        if mark and half in ("A", "B"):
            halves.setdefault(there.full(layer), {})[half] = array
        else:
            others[name] = array
    base = {name: to_host(parameter.data) for name, parameter in base_parameters(model).items()}
    updates: dict[str, Update] = {}
    for layer, pair in halves.items():
        if layer not in there.linear or there.linear[layer].ours[0] in there.head:
            raise InputError(
                f"{source} adapts {layer}, and this model has no such layer{nearest(layer, there.linear)}; is it a {there.model_type} of the same size?"
            )
        if len(pair) < 2 or any(array.ndim != 2 or not array.size for array in pair.values()):
            raise InputError(f"{source}: {layer} needs a matrix lora_A and a matrix lora_B")
        updates |= _parts(there.linear[layer], layer, pair["A"], pair["B"], alpha, base, there, source)
    biases = {
        ours
        for name in others
        if (part := there.parts.get(there.full(name)))
        for ours in part.ours
        if is_bias(ours)
    }
    own = {bias_of(name) for name in updates}
    bias = "none" if not biases else "lora_only" if biases <= own else "all"
    config = PeftConfig(lora_alpha=alpha, bias=bias)
    return assemble(config, updates, read_whole(config, others, there, base, source), base, model)


def _parts(
    part: Part,
    layer: str,
    A: Array,
    B: Array,
    alpha: float,
    base: dict[str, Array],
    there: Places,
    source: str,
) -> dict[str, Update]:
    """The updates of the layers that ``part`` holds, by the parameter's name."""
    rank = B.shape[1]
    scale = alpha / rank
    if len(part.ours) == 1:
        if len(A) != rank:
            raise InputError(
                f"{source}: {layer} has lora_A {A.shape} and lora_B {B.shape}, whose ranks differ"
            )
        check_shape(part, layer, Update(A, B, scale), base, source)
        return {part.ours[0]: Update(A, B, scale)}
    query, _, value = part.ours
    adapted = {2: (query, value), 3: part.ours}.get(len(A) // rank, ())
    if (
        there.model_type != "gpt2"
        or not adapted
        or len(A) % rank
        or len(B) != len(adapted) * len(base[query])
        or A.shape[1] != base[query].shape[1]
    ):
        raise InputError(
            f"{source}: {layer} has lora_A {A.shape} and lora_B {B.shape}; readable are stacked updates of query and value, or of all three, of GPT-2's c_attn"
        )
    stacked = zip(np.split(A, len(adapted)), np.split(B, len(adapted)), strict=True)
    return {
        name: Update(A_part, B_part, scale) for name, (A_part, B_part) in zip(adapted, stacked, strict=True)
    }
