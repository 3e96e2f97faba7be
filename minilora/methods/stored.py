"""An adapter on its way between a model and a folder, in either format: minilora's own (``files.py``) or PEFT's (``peft``).

Comes before ``tuned.py``, which installs what is read here and hands over what is written.
"""

import os

import numpy as np

from ..errors import InputError, nearest
from ..models.base import Model
from ..models.heads import HeadKind
from .base import Installed, Method
from .files import SavedAdapter, read_adapter, read_shapes, write_adapter
from .fingerprint import base_fingerprint
from .layers import base_parameters
from .peft import is_peft, read_peft, refuse_parent, refuse_peft, summarize, write_peft

FORMATS = ("minilora", "peft")
"""The formats that an adapter can be saved in."""

CLASSIFIER = "head.output.weight"
"""The weight of a classification head, [labels, width], as our own format names it."""


def read_for(base: Model, folder: str | os.PathLike[str]) -> SavedAdapter:
    """The adapter in ``folder``, for the model ``base``, in which none is active: PEFT's names depend on the model, and what a file leaves out is the base's own.

    Raises InputError for one that works on weights that ``base`` does not have.
    """
    refuse_parent(folder)
    saved = read_peft(folder, base) if is_peft(folder) else read_adapter(folder)
    saved.check_base({name: parameter.shape for name, parameter in base_parameters(base).items()})
    return saved


def labels_in(folder: str | os.PathLike[str]) -> int:
    """How many classes the head that was saved with the adapter in ``folder`` tells apart; 0 without such a head. Raises InputError for what cannot be read."""
    if is_peft(folder):
        return summarize(folder).labels
    outputs, *_ = read_shapes(folder).get(CLASSIFIER, (0,))
    return outputs


def prepare_head(model: Model, folder: str | os.PathLike[str]) -> None:
    """Give ``model`` a classification head like the one that was saved with the adapter in ``folder``, where there is one and the model has none such. Raises InputError for what cannot be read."""
    labels = labels_in(folder)
    if labels and model.head.describe() != HeadKind("classifier", labels):
        model.set_classifier(labels, np.random.default_rng(0))  # the adapter brings its weights


def same_base(saved: SavedAdapter, base: Model) -> bool | None:
    """Whether ``base`` has the values of the model that the adapter was made for; None where the file doesn't say."""
    return None if saved.base_fingerprint is None else saved.base_fingerprint == _fingerprint(base)


def check_fit(saved: SavedAdapter, adapter: Installed, base: Model, *, other_base: bool) -> None:
    """Raise InputError unless ``adapter``, just installed in ``base`` by the method that was saved, works on the same layers, and, without ``other_base``, the base is the same."""
    differing = sorted(adapter.base_shapes().keys() ^ saved.base_shapes.keys())
    if differing:
        raise InputError(
            f"the adapter {saved.name!r} was made for another base: its layers and this model's differ by {', '.join(differing)}"
        )
    if not other_base:
        saved.check_fingerprint(_fingerprint(base))


def write_from(
    base: Model,
    folder: str | os.PathLike[str],
    name: str,
    method: Method,
    adapter: Installed,
    *,
    format: str,
    base_name: str | None,
    force: bool,
) -> None:
    """Write ``adapter``, which ``method`` installed in ``base`` and which is not active there. Raises InputError as ``Tuned.save`` says."""
    if format not in FORMATS:
        raise InputError(
            f"format must be {' or '.join(map(repr, FORMATS))}, not {format!r}{nearest(format, FORMATS)}"
        )
    saved = SavedAdapter(name, method, adapter.arrays(), adapter.base_shapes(), _fingerprint(base))
    if format == "peft":
        write_peft(folder, saved, base, base_name=base_name, force=force)
    else:
        refuse_peft(folder)
        write_adapter(folder, saved, force=force)


def _fingerprint(base: Model) -> str:
    return base_fingerprint({name: parameter.data for name, parameter in base_parameters(base).items()})
