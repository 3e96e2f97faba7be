"""Training a few of the model's own weights: its top layers, its biases, or nothing but the task's head.

Comes after ``weights.py``, which keeps the base's arrays meanwhile. Each method here is a rule that says which names are trained.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..nn import Module
from .base import LayerReport, Method, Shapes, Size, whole
from .layers import base_parameters
from .weights import HEAD, OwnWeights, check_precision, is_bias, report_weights


class PartialFineTuning(Method):
    """A method that trains those of the model's own weights that a rule picks by name."""

    @abstractmethod
    def pick(self, names: Iterable[str]) -> list[str]:
        """The weights that are trained, in the order of ``names``, out of all of a model's."""

    def install(self, model: Module, name: str, rng: np.random.Generator) -> OwnWeights:
        """Lay a second array beside each of the picked weights. Draws nothing from ``rng``. Raises InputError where the model has none to train, or stores one as float16."""
        own = base_parameters(model)
        return OwnWeights({name: own[name] for name in self._checked(own)})

    def claims(self, model: Module) -> set[str]:
        """The picked weights."""
        own = base_parameters(model)
        check_precision({name: own[name] for name in self._checked(own)})
        return set(self._checked(own))

    def _checked(self, names: Iterable[str]) -> list[str]:
        picked = self.pick(names)
        if not picked:
            raise InputError(f"{self} has nothing to train in this model: no weight of it fits")
        return picked

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """The picked ones."""
        return {name: base_shapes[name] for name in self.pick(base_shapes)}

    def report(
        self, name: str, arrays: Mapping[str, Array], base_shapes: Shapes, base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """One row a weight; whether it acts is known only beside the base."""
        return report_weights(name, arrays, base, self.weight_shapes(base_shapes))


def block_of(name: str) -> int | None:
    """The number of the block that ``name`` belongs to, as in ``blocks.3.mlp.up.weight``; None outside of blocks."""
    first, *rest = name.split(".")
    return int(rest[0]) if first == "blocks" and rest and rest[0].isdigit() else None


@dataclass(frozen=True)
class TopLayers(PartialFineTuning):
    """Train the last ``layers`` blocks, whole, and nothing below or above them (the paper's FTTop2 is 2; section 5.1, from Li & Liang 2021).

    Raises InputError for a number below 1, and, when installed, above the model's.
    """

    layers: int = 2

    method: ClassVar[str] = "top-layers"

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", whole("layers", self.layers))  # a frozen value is completed here

    def pick(self, names: Iterable[str]) -> list[str]:
        """All weights of the last blocks."""
        names = list(names)
        count = 1 + max((number for name in names if (number := block_of(name)) is not None), default=-1)
        return [
            name for name in names if (number := block_of(name)) is not None and number >= count - self.layers
        ]

    def install(self, model: Module, name: str, rng: np.random.Generator) -> OwnWeights:
        """Lay second arrays beside the blocks' own. Raises InputError where the model has fewer blocks."""
        self._check(model)
        return super().install(model, name, rng)

    def claims(self, model: Module) -> set[str]:
        """The weights of the last blocks."""
        self._check(model)
        return super().claims(model)

    def _check(self, model: Module) -> None:
        count = len({number for name in base_parameters(model) if (number := block_of(name)) is not None})
        if self.layers > count:
            raise InputError(
                f"layers is {self.layers}, but the model has {count} blocks; give at most {count}, or use FullFineTuning"
            )

    def trainable(self, size: Size) -> int:
        """n blocks; one has 4d² + 2dm + 9d + m: four attention matrices, an MLP m wide, two norms. (DeBERTa v1's have two matrices more.)"""
        return self.layers * size.block_parameters


@dataclass(frozen=True)
class BitFit(PartialFineTuning):
    """Train every bias, of linear layers and norms, and no matrix (Zaken et al. 2021; the paper, section 5.1)."""

    method: ClassVar[str] = "bitfit"

    def pick(self, names: Iterable[str]) -> list[str]:
        """All biases but the head's."""
        return [name for name in names if is_bias(name)]

    def trainable(self, size: Size) -> int:
        """All biases; 11·d in a standard block."""
        return size.biases


@dataclass(frozen=True)
class HeadOnly(PartialFineTuning):
    """Train the task's head and leave everything below it as it is: a linear probe, the least one can do. Every other method trains the head too."""

    method: ClassVar[str] = "head"

    def pick(self, names: Iterable[str]) -> list[str]:
        """What belongs to the head."""
        return [name for name in names if name.startswith(HEAD)]

    def trainable(self, size: Size) -> int:
        """0: closed forms count what is trained beside the head."""
        return 0
