"""Several methods at once, as one: the paper's LoRA+PrefixEmbedding and LoRA+PrefixLayer (its table 15), or any others that change different things.

    adapt(model, [LoRA(rank=8), PrefixEmbedding(8, 4)])

Comes after the single methods.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np

from ..backend import Array
from ..errors import InputError
from ..nn import Module
from .base import Installed, LayerReport, Method, Shapes, Size
from .layers import base_parameters
from .low_rank import LoRALinear, LowRankUpdates
from .weights import HEAD, OwnWeights


class Together(Installed):
    """What several methods added to one model under one name: each verb goes to all of them."""

    def __init__(self, parts: Iterable[Installed]) -> None:
        self.parts = list(parts)
        self.parameters = {name: p for part in self.parts for name, p in part.parameters.items()}

    def enable(self) -> None:
        for part in self.parts:
            part.enable()

    def disable(self) -> None:
        for part in self.parts:
            part.disable()

    def check_merge(self) -> None:
        for part in self.parts:
            part.check_merge()

    def merge(self) -> None:
        for part in self.parts:
            part.merge()

    def unmerge(self) -> None:
        for part in self.parts:
            part.unmerge()

    def remove(self) -> None:
        for part in self.parts:
            part.remove()

    def fuse(self) -> None:
        for part in self.parts:
            part.fuse()

    def base_shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: shape for part in self.parts for name, shape in part.base_shapes().items()}

    def arrays(self) -> dict[str, Array]:
        return {name: array for part in self.parts for name, array in part.arrays().items()}

    def load(self, arrays: Mapping[str, Array]) -> None:
        for part in self.parts:
            part.load(arrays)


def low_rank_parts(adapter: Installed) -> dict[str, LoRALinear]:
    """The layers that a low-rank update of ``adapter`` stands in, by plain path; none where it has no such updates."""
    if isinstance(adapter, Together):
        return {path: layer for part in adapter.parts for path, layer in low_rank_parts(part).items()}
    return dict(adapter.wrapped) if isinstance(adapter, LowRankUpdates) else {}


@dataclass(frozen=True)
class Composition(Method):
    """Several methods in one model at once. Raises InputError for fewer than two, and, when installed, where two of them change the same thing.

    Each draws its start in the order given. It can be merged if all of its methods can.
    """

    methods: tuple[Method, ...]

    method: ClassVar[str] = "composition"

    def __post_init__(self) -> None:
        methods = tuple(self.methods) if isinstance(self.methods, Iterable) else (self.methods,)
        for given in methods:
            if not isinstance(given, Method) or isinstance(given, Composition):
                raise InputError(f"a composition is made of single methods, such as LoRA(), not of {given!r}")
        if len(methods) < 2:
            raise InputError(
                f"a composition needs at least two methods, not {len(methods)}; give the method itself"
            )
        object.__setattr__(self, "methods", methods)  # a frozen value is completed here

    @property
    def positions(self) -> int:
        """Theirs together."""
        return sum(method.positions for method in self.methods)

    def install(self, model: Module, name: str, rng: np.random.Generator) -> Together:
        """Install each. Raises InputError for what one of them refuses, and where two change the same thing; nothing is installed then."""
        self.claims(model)
        return Together([method.install(model, name, rng) for method in self.methods])

    def claims(self, model: Module) -> set[str]:
        """What any of them claims."""
        claimed = {method: method.claims(model) for method in self.methods}
        for (first, its), (second, others) in combinations([(m, claimed[m]) for m in self.methods], 2):
            if its & others:
                raise InputError(
                    f"{first} and {second} cannot be composed: both change {min(its & others)}; let them change different weights, or use one alone"
                )
        return set().union(*claimed.values())

    def trainable(self, size: Size) -> int:
        """The sum of theirs."""
        return sum(method.trainable(size) for method in self.methods)

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """Theirs together."""
        return {
            name: shape
            for method in self.methods
            for name, shape in method.weight_shapes(base_shapes).items()
        }

    def report(
        self, name: str, arrays: Mapping[str, Array], base_shapes: Shapes, base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """The rows of each."""
        return [row for method in self.methods for row in method.report(name, arrays, base_shapes, base)]


def as_method(method: Method | Sequence[Method]) -> Method:
    """A list of methods as their composition; a single one, also in a list, as itself. Raises InputError for anything else."""
    if isinstance(method, Method):
        return method
    if isinstance(method, list | tuple):
        return method[0] if len(method) == 1 and isinstance(method[0], Method) else Composition(tuple(method))
    raise InputError(f"a method is a value such as LoRA(rank=8), or a list of such values, not {method!r}")


def with_head(adapter: Installed, model: Module) -> Installed:
    """``adapter`` and, where ``model`` has a task's head that the adapter doesn't own already, a head of the adapter's own: whatever is trained, the head is.

    So each adapter has a head for its task, and it is switched, saved and loaded with the adapter.
    """
    head = vars(model).get("head")
    if not isinstance(head, Module) or not getattr(head, "task", False):
        return adapter
    own = {
        name: parameter
        for name, parameter in base_parameters(model).items()
        if name.startswith(HEAD) and name not in adapter.parameters
    }
    return Together([adapter, OwnWeights(own)]) if own else adapter
