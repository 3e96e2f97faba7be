"""Full fine-tuning: every weight of the model is trained. What the paper compares LoRA with.

There is no update beside the weights; the weights themselves become others. So that the base is not lost, its arrays are laid aside: ``disabled()``, ``use`` of
another adapter and ``remove`` put these very arrays back. This costs one more copy of the model's weights, for as long as the adapter is installed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..backend import Array, namespace
from ..nn import Module, Parameter
from .base import Installed, LayerReport, Method, Shapes, Size, like, norm
from .layers import base_parameters


class WholeWeights(Installed):
    """Two sets of arrays for the same parameters, the base's and the trained: one is in the model, the other is laid aside."""

    def __init__(self, parameters: dict[str, Parameter]) -> None:
        self.parameters = parameters
        self.aside = {name: namespace(p.data).array(p.data) for name, p in parameters.items()}
        self.enabled = False

    def _swap(self) -> None:
        for name, parameter in self.parameters.items():
            laid_aside = self.aside[name]
            self.aside[name] = parameter.data
            parameter.data = like(laid_aside, parameter.data)
        self.enabled = not self.enabled

    def enable(self) -> None:
        if not self.enabled:
            self._swap()

    def disable(self) -> None:
        if self.enabled:
            self._swap()

    def merge(self) -> None:
        """Nothing to do: the trained weights are the model's weights."""

    def unmerge(self) -> None:
        """Nothing to do: what ``merge`` did not change need not be put back."""

    def remove(self) -> None:
        self.disable()
        self.aside.clear()

    def fuse(self) -> None:
        self.enable()
        self.aside.clear()

    def base_shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: parameter.shape for name, parameter in self.parameters.items()}

    def arrays(self) -> dict[str, Array]:
        return {name: p.data if self.enabled else self.aside[name] for name, p in self.parameters.items()}

    def load(self, arrays: Mapping[str, Array]) -> None:
        for name, parameter in self.parameters.items():
            loaded = like(arrays[name], parameter.data)
            if self.enabled:
                parameter.data = loaded
            else:
                self.aside[name] = loaded


@dataclass(frozen=True)
class FullFineTuning(Method):
    """Train every parameter of the model (the paper's FT, section 5.1).

    ``merge`` and ``unmerge`` compute nothing, because the trained weights already stand in the model's place: merging only ends training, unmerging lets it go on.
    A file holds all the weights: it is as large as the model.
    """

    method: ClassVar[str] = "full"

    def install(self, model: Module, name: str, rng: np.random.Generator) -> WholeWeights:
        """Lay a second set of weights beside the base's. Draws nothing from ``rng``."""
        return WholeWeights(base_parameters(model))

    def trainable(self, size: Size) -> int:
        """(V + C)·d + L·(12d² + 13d) + 2d: embeddings of V tokens and C positions, L blocks, the last norm; the output head is the embedding (GPT-2)."""
        d = size.width
        block = (
            4 * (d * d + d) + (4 * d * d + 4 * d) + (4 * d * d + d) + 4 * d
        )  # attention, up, down, two norms
        return (size.vocabulary + size.context) * d + size.layers * block + 2 * d

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """The base's own."""
        return dict(base_shapes)

    def report(
        self, name: str, arrays: Mapping[str, Array], base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """One row a parameter; whether it acts is known only beside the base."""
        rows = []
        for parameter, array in arrays.items():
            change = None if base is None else norm(array - base[parameter])
            acts = None if change is None else change > 0
            rows.append(LayerReport(name, parameter, None, None, None, change, acts))
        return rows
