"""Bottleneck adapters as a value: a small network with a nonlinearity, in series with the layers (the paper's Adapter baselines, section 5.1).

Comes after ``bottleneck.py``, the modules themselves. ``adapt.py`` installs it. What is added stands in the way of every token: it costs time at inference, and
no weight can take it up (the paper, section 3).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from ..backend import Array
from ..errors import InputError, nearest
from ..nn import Linear, Module
from .base import LayerReport, Method, Shapes, Size, brief, norm, uniform, whole
from .bottleneck import (
    Bottleneck,
    BottleneckBlock,
    BottleneckLayer,
    BottleneckNorm,
    BottleneckWrapper,
    NormAroundBottleneck,
    NormedBottleneck,
    ReluBottleneck,
)
from .layers import Additions, Wrapper, innermost, linear_layers, wrap


@dataclass(frozen=True)
class Kind:
    """Where a kind of adapter stands in each block, and what it is made of.

    after: the linear layers that it follows, each with one of its own; none where it stands at the end of the block. at_norm: how it joins the norm of
    a block that ends with one.
    """

    bottleneck: type[Bottleneck]
    after: tuple[str, ...] = ()
    at_norm: type[BottleneckWrapper] = BottleneckNorm

    @property
    def outputs(self) -> tuple[str, ...]:
        """The linear layers of a block whose width it has."""
        return self.after or ("mlp.down",)

    def label(self, layer: str) -> str:
        """How the parameters of the adapter that goes with ``layer`` (``blocks.0.mlp.down``) begin in a file."""
        return layer if self.after else f"{layer.removesuffix('.mlp.down')}.adapter"


KINDS = MappingProxyType(
    {
        "houlsby": Kind(Bottleneck, after=("attention.output", "mlp.down")),
        "lin": Kind(NormedBottleneck),
        "pfeiffer": Kind(ReluBottleneck, at_norm=NormAroundBottleneck),
    }
)
"""Houlsby et al. 2019 (the paper's AdapterH), Lin et al. 2020 (AdapterL) and Pfeiffer et al. 2021 (AdapterP)."""

UNMERGEABLE = (
    "a bottleneck adapter cannot be merged: its nonlinearity stands between its two matrices, so no single weight computes the same; "
    "adapt with LoRA if merging is needed"
)


@dataclass(frozen=True)
class Adapter(Method):
    """Bottleneck adapters of a width, h + W_up·σ(W_down h + b_down) + b_up, of one of three kinds.

    ``houlsby``: two a block, after the attention's output projection and after the MLP, each before its sum; σ is swish.
    ``lin``: one at the end of each block, with a layer norm before W_down; σ is relu. ``pfeiffer``: one at the end of each block; σ is relu. In a block that
    ends with a norm, u being what the norm is given, it is y = LN(u + W_up·relu(W_down LN(u) + b_down) + b_up), with the block's own norm both times; in a
    decoder's block, which ends with the sum u, it is y = u + W_up·relu(W_down u + b_down) + b_up.

    layers: the numbers of the blocks that have adapters; None for all. Leaving out some is AdapterDrop (Rücklé et al. 2021; the paper's AdapterD).

    W_down: [width, d] is drawn from U(−1/√d, 1/√d); W_up and the biases are zero: the model starts by computing exactly what its base computes.
    Raises InputError for an unknown kind, a width below 1, layers that are no numbers, and, when installed, for a block that the model lacks.
    """

    kind: str = "houlsby"
    width: int = 16
    layers: tuple[int, ...] | None = field(default=None, repr=False)

    method: ClassVar[str] = "adapter"
    __repr__ = brief

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            known = ", ".join(map(repr, KINDS))
            raise InputError(
                f"kind must be one of {known}, not {self.kind!r}{nearest(str(self.kind), KINDS)}"
            )
        object.__setattr__(self, "width", whole("width", self.width))  # a frozen value is completed here
        if self.layers is not None:
            object.__setattr__(self, "layers", _block_numbers(self.layers))

    def install(self, model: Module, name: str, rng: np.random.Generator) -> Additions:
        """Put the bottlenecks in their places. Raises InputError where the model lacks one of the blocks."""
        kind, layers = KINDS[self.kind], self._layers(model)
        wrapped: dict[str, Wrapper[Any]] = {}
        for path, layer in layers.items():
            W = layer.weight.data
            d = W.shape[0]
            wrapper = self._wrapper(model, path, layer)
            wrapper.adapters[name] = kind.bottleneck(uniform(rng, (self.width, d), 1 / math.sqrt(d), W))
            wrapped[kind.label(path)] = wrapper
            wrapper.adapters[name].freeze()
        shapes = {f"{path}.weight": layer.weight.shape for path, layer in layers.items()}
        return Additions(model, name, wrapped, shapes, UNMERGEABLE)

    def _layers(self, model: Module) -> dict[str, Linear]:
        """The linear layers whose width the adapters have, by plain path. Raises InputError where the model lacks a block of ``layers``."""
        outputs = KINDS[self.kind].outputs
        found = {
            path: layer
            for path, layer in linear_layers(model).items()
            if path.startswith("blocks.") and path.endswith(tuple(f".{output}" for output in outputs))
        }
        count = len(found) // len(outputs)
        if absent := [number for number in self.layers or () if number >= count]:
            raise InputError(
                f"layers names block {absent[0]}, but the model has {count} blocks, numbered from 0 to {count - 1}"
            )
        return {path: layer for path, layer in found.items() if self._takes(path)}

    def _takes(self, path: str) -> bool:
        return self.layers is None or int(path.split(".")[1]) in self.layers

    def _wrapper(self, model: Module, path: str, layer: Linear) -> BottleneckWrapper:
        """The wrapper that holds the adapter which goes with the linear layer at ``path``."""
        kind = KINDS[self.kind]
        if kind.after:
            return wrap(model, {path: layer}, BottleneckLayer, outermost=True)[path]
        block: Any = innermost(model.get_module(".".join(path.split(".")[:2])))
        if block.post_norm:
            return wrap(model, {path: innermost(block.norm_2)}, kind.at_norm, outermost=True)[path]
        return wrap(model, {path: block}, BottleneckBlock, outermost=True)[path]

    def claims(self, model: Module) -> set[str]:
        """The outputs that the adapters follow."""
        kind = KINDS[self.kind]
        return {
            f"the output of {path if kind.after else path.removesuffix('.mlp.down')}"
            for path in self._layers(model)
        }

    def trainable(self, size: Size) -> int:
        """L̂·(2·d·r + r + d), with L̂ = 2 adapters a block (houlsby) or 1, and 2·d more for each norm of lin's: the paper's L̂_Adpt and L̂_LN."""
        kind, d, r = KINDS[self.kind], size.width, self.width
        blocks = size.layers if self.layers is None else len(self.layers)
        norms = 2 * d if kind.bottleneck is NormedBottleneck else 0
        return blocks * len(kind.outputs) * (2 * d * r + r + d + norms)

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """Down: [width, d] and [width]; up: [d, width] and [d]; a norm's gain and bias: [d] each; for each layer that puts out d numbers."""
        kind = KINDS[self.kind]
        shapes: dict[str, tuple[int, ...]] = {}
        for name, shape in base_shapes.items():
            path = name.removesuffix(".weight")
            if (
                name == path
                or not path.startswith("blocks.")
                or not path.endswith(kind.outputs)
                or not self._takes(path)
            ):
                continue
            label, d = kind.label(path), shape[0]
            shapes |= {f"{label}.down.weight": (self.width, d), f"{label}.down.bias": (self.width,)}
            shapes |= {f"{label}.up.weight": (d, self.width), f"{label}.up.bias": (d,)}
            if kind.bottleneck is NormedBottleneck:
                shapes |= {f"{label}.norm.gain": (d,), f"{label}.norm.bias": (d,)}
        return shapes

    def report(
        self, name: str, arrays: Mapping[str, Array], base_shapes: Shapes, base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """One row a bottleneck; ``norm_B`` is that of W_up, the matrix that starts at zero. There is no update of a weight."""
        rows = []
        for key in self.weight_shapes(base_shapes):
            if key.endswith(".up.weight"):
                label = key.removesuffix(".up.weight")
                up, bias = norm(arrays[key]), norm(arrays[f"{label}.up.bias"])
                rows.append(LayerReport(name, label, self.width, None, up, None, up > 0 or bias > 0))
        return rows


def _block_numbers(layers: object) -> tuple[int, ...]:
    """``layers`` as ascending numbers of blocks. Raises InputError for anything else."""
    numbers = tuple(layers) if isinstance(layers, Iterable) and not isinstance(layers, str) else ()
    if not numbers or any(
        isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0 for n in numbers
    ):
        raise InputError(
            f"layers must be numbers of blocks from 0, such as (4, 5), or None for all, not {layers!r}"
        )
    return tuple(sorted({int(n) for n in numbers}))
