"""Training some of a model's own weights, without losing what they were: two arrays for each, of which one is in the model.

Comes before ``full.py`` and ``partial.py``, whose methods differ only in which weights they name. There is no update beside the weights; the weights themselves become
others. So that the base is not lost, its arrays are laid aside: ``disabled()``, ``use`` of another adapter and ``remove`` put these very arrays back. This costs
one more copy of the named weights, for as long as the adapter is installed.
"""

from collections.abc import Mapping

from ..backend import Array, namespace, to_host, wide_dtype
from ..errors import InputError
from ..nn import Module, Parameter
from .base import Installed, LayerReport, Shapes, like, norm
from .layers import base_parameters

HEAD = "head."
"""How the names of a head's parameters begin."""


class OwnWeights(Installed):
    """Two sets of arrays for the same parameters, the base's and the trained: one is in the model, the other is laid aside."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        check_precision(parameters)
        self.parameters = dict(parameters)
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

    def check_merge(self) -> None:
        """The trained weights are the model's weights."""

    def merge(self) -> None:
        """Nothing to do: the trained weights stand in the model's place already."""

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


def check_precision(parameters: Mapping[str, Parameter]) -> None:
    """Raise InputError, which names the first, where one of these weights, about to be trained, is stored as float16."""
    for name, parameter in parameters.items():
        if parameter.dtype != wide_dtype(parameter.data):
            raise InputError(
                f"{name} would be trained, but is stored as {parameter.dtype}, and trained weights must be float32 or float64; "
                "load the model without base_dtype, or adapt it by LoRA, adapters, prefixes or biases, which leave its matrices frozen"
            )


def is_bias(name: str) -> bool:
    """Whether this is the name of a bias, of a linear layer or a norm, outside of the head."""
    return name.endswith(".bias") and not name.startswith(HEAD)


def biases(model: Module) -> dict[str, Parameter]:
    """Every bias of the model's own, but the head's."""
    return {name: parameter for name, parameter in base_parameters(model).items() if is_bias(name)}


def report_weights(
    name: str, arrays: Mapping[str, Array], base: Mapping[str, Array] | None, own: Shapes
) -> list[LayerReport]:
    """One row for each of the weights that ``own`` names; whether it acts is known only beside the base."""
    rows = []
    for weight in own:
        change = None if base is None else norm(to_host(arrays[weight]) - to_host(base[weight]))
        rows.append(
            LayerReport(name, weight, None, None, None, change, None if change is None else change > 0)
        )
    return rows
