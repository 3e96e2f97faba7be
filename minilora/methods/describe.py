"""What an adapter holds and whether it does anything, layer by layer: the data behind ``minilora inspect``."""

import os
from collections.abc import Mapping

from ..backend import Array
from ..models.base import Model
from .base import LayerReport, Method, Shapes, by_number
from .files import read_adapter
from .layers import base_parameters
from .peft import is_peft, summarize
from .stored import read_for
from .tuned import Tuned
from .weights import HEAD, report_weights


def describe(source: Tuned | str | os.PathLike[str], *, base: Model | None = None) -> list[LayerReport]:
    """One row for each adapter and layer: rank, scale, norm of B, norm of the update, and whether the layer differs from its base.

    source: a tuned model (all of its adapters), or a folder that an adapter was saved to. base: for a folder, the model it was made for, which
    full fine-tuning's weights must be compared with; a folder of PEFT's is described without one under PEFT's own names. Raises InputError for a folder that holds no adapter, or a damaged one.
    """
    if isinstance(source, Tuned):
        with source.disabled() as model:
            own = _weights(model)
            reports = [
                _rows(method, name, source.arrays(name), source.installed[name].base_shapes(), own)
                for name, method in source.methods.items()
            ]
        return [row for report in reports for row in report]
    if base is None and is_peft(source):
        return summarize(source).layers
    saved = read_adapter(source) if base is None else read_for(base, source)
    own_or_none = None if base is None else _weights(base)
    return _rows(saved.method, saved.name, saved.arrays, saved.base_shapes, own_or_none)


def _rows(
    method: Method,
    name: str,
    arrays: Mapping[str, Array],
    base_shapes: Shapes,
    base: Mapping[str, Array] | None,
) -> list[LayerReport]:
    """What the method says of the adapter, and a row for each weight of a head that it has beside."""
    rows = method.report(name, arrays, base_shapes, base)
    told = {row.layer for row in rows}
    heads = {key: arrays[key].shape for key in arrays if key.startswith(HEAD) and key not in told}
    return sorted(rows + report_weights(name, arrays, base, heads), key=by_number)


def _weights(model: Model) -> dict[str, Array]:
    return {name: parameter.data for name, parameter in base_parameters(model).items()}
