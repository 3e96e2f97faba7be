"""Where the weights of a model stand in the model of Hugging Face that it was read from or can be saved as.

The names come from the layout alone (``models/layouts``), which also reads and writes whole checkpoints. Comes before ``whole.py``, ``reading.py`` and ``writing.py``.
"""

from dataclasses import dataclass

from ...errors import InputError
from ...models.base import Model
from ...models.layouts import Part, layout_of
from ..layers import base_parameters, linear_layers
from ..weights import HEAD
from .config import TARGETS

ROOT = "base_model.model."
"""What PEFT puts before every name in its files."""


@dataclass(frozen=True)
class Places:
    """The names of one model's weights in Hugging Face's files, without ``base_model.model.``.

    parts: each foreign weight by its name. linear: of these, the weights of linear layers by the layer's path, such as ``transformer.h.0.attn.c_attn``.
    head: our names of the weights of the task's head, which an adapter owns a copy of. copies: foreign names of weights that repeat another one.
    """

    model_type: str
    prefix: str
    parts: dict[str, Part]
    linear: dict[str, Part]
    head: frozenset[str]
    copies: frozenset[str]

    def full(self, name: str) -> str:
        """``name`` with the prefix of a model that has a head; names in files of a bare model lack it."""
        known = self.parts.keys() | self.linear.keys()
        return name if name in known or self.prefix + name not in known else self.prefix + name


def places(model: Model) -> Places:
    """The places of the weights of ``model``, wrapped or not. Raises InputError for a model that has no counterpart there."""
    layout, kind = layout_of(model.config), model.head.describe()
    if layout.model_type not in TARGETS:
        raise InputError(
            f"PEFT has no model of the kind {layout.model_type!r}, so an adapter of one has no place in its format; use minilora's own"
        )
    own, layers = base_parameters(model), linear_layers(model).keys()
    parts = {
        part.theirs if part.bare else layout.prefix + part.theirs: part
        for part in layout.parts(model.config, kind)
    }
    strange = own.keys() - {name for part in parts.values() for name in part.ours}
    if strange:
        raise InputError(
            f"this model has weights that Hugging Face's {layout.model_type} lacks: {', '.join(sorted(strange)[:3])}"
        )
    head = frozenset(name for name in own if name.startswith(HEAD) and model.head.task)
    linear = {
        name.removesuffix(".weight"): part
        for name, part in parts.items()
        if name.endswith(".weight")
        and all(
            ours.removesuffix(".weight") in layers or (ours.startswith(HEAD) and own[ours].ndim == 2)
            for ours in part.ours
        )
    }
    return Places(
        layout.model_type, layout.prefix, parts, linear, head, frozenset(layout.copies(model.config))
    )
