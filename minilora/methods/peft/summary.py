"""What a PEFT folder says without its base model: the layers by PEFT's own names, the base it was made for, and the classes its head tells apart.

Comes after ``reading.py``; ``minilora inspect`` and whoever must choose a model before loading an adapter use it.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...backend import Array
from ..base import LayerReport, by_number, norm
from .config import FILE, PeftConfig, read_config
from .reading import read_weights, sort_out

OUTPUTS = ("classifier.out_proj.weight", "classifier.weight", "score.weight")
"""The last layer of a classification head, [labels, width], in RoBERTa, in BERT and DeBERTa, and in GPT-2."""


class Summary(NamedTuple):
    """config: what the adapter asks for. layers: one row a layer. numbers: how many are stored. labels: of the classification head that comes with it, 0 without one."""

    config: PeftConfig
    layers: list[LayerReport]
    numbers: int
    labels: int


def summarize(folder: str | os.PathLike[str]) -> Summary:
    """Read the adapter in ``folder`` as far as that is possible without its base. Raises InputError for what ``read_config``, ``read_weights`` and ``sort_out`` refuse."""
    folder = Path(folder)
    config = read_config(folder / FILE)
    stored = read_weights(folder)
    contents = sort_out(config, stored, repr(str(folder)))
    rows = []
    for path, update in contents.updates.items():
        A, B = update.A.astype(np.float64), update.B.astype(np.float64)
        change = update.scale * norm(B @ A)
        rows.append(LayerReport("default", path, update.rank, update.scale, norm(B), change, change > 0))
    outputs: list[Array] = [contents.whole[name] for name in OUTPUTS if name in contents.whole]
    return Summary(
        config,
        sorted(rows, key=by_number),
        sum(array.size for array in stored.values()),
        len(outputs[0]) if outputs else 0,
    )
