"""Full fine-tuning: every weight of the model is trained. What the paper compares LoRA with.

Comes after ``weights.py``, which keeps the base's arrays meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..backend import Array
from ..nn import Module
from .base import LayerReport, Method, Shapes, Size
from .layers import base_parameters
from .weights import OwnWeights, check_precision, report_weights


@dataclass(frozen=True)
class FullFineTuning(Method):
    """Train every parameter of the model (the paper's FT, section 5.1).

    ``merge`` and ``unmerge`` compute nothing, because the trained weights already stand in the model's place: merging only ends training, unmerging lets it go on.
    A file holds all the weights: it is as large as the model.
    """

    method: ClassVar[str] = "full"

    def install(self, model: Module, name: str, rng: np.random.Generator) -> OwnWeights:
        """Lay a second set of weights beside the base's. Draws nothing from ``rng``. Raises InputError where the base is stored as float16."""
        return OwnWeights(base_parameters(model))

    def claims(self, model: Module) -> set[str]:
        """Every weight. Raises InputError where they are stored as float16."""
        own = base_parameters(model)
        check_precision(own)
        return set(own)

    def trainable(self, size: Size) -> int:
        """All weights of the model; a head that has weights of its own is not counted."""
        return size.parameters

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """The base's own."""
        return dict(base_shapes)

    def report(
        self, name: str, arrays: Mapping[str, Array], base_shapes: Shapes, base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """One row a parameter; whether it acts is known only beside the base."""
        return report_weights(name, arrays, base, self.weight_shapes(base_shapes))
