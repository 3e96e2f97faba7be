"""What an adapter holds and whether it does anything, layer by layer: the data behind ``minilora inspect``."""

import os

from ..backend import Array
from ..models.gpt import GPT
from .base import LayerReport
from .files import read_adapter
from .layers import base_parameters
from .tuned import Tuned


def describe(source: Tuned | str | os.PathLike[str], *, base: GPT | None = None) -> list[LayerReport]:
    """One row for each adapter and layer: rank, scale, norm of B, norm of the update, and whether the layer differs from its base.

    source: a tuned model (all of its adapters), or a folder that an adapter was saved to. base: for a folder, the model it was made for, which
    full fine-tuning's weights must be compared with. Raises InputError for a folder that holds no adapter, or a damaged one.
    """
    if isinstance(source, Tuned):
        with source.disabled() as model:
            own = _weights(model)
            reports = [
                method.report(name, source.arrays(name), own) for name, method in source.methods.items()
            ]
        return [row for rows in reports for row in rows]
    saved = read_adapter(source)
    return saved.method.report(saved.name, saved.arrays, None if base is None else _weights(base))


def _weights(model: GPT) -> dict[str, Array]:
    return {name: parameter.data for name, parameter in base_parameters(model).items()}
