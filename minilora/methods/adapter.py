"""Bottleneck adapters: a small network with a nonlinearity, in series with the layers (the paper's Adapter baselines, section 5.1).

Comes after ``layers.py`` (how a layer is wrapped). ``adapt.py`` installs it. What is added stands in the way of every token: it costs time at inference, and
no weight can take it up (the paper, section 3).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace
from ..errors import InputError, nearest
from ..nn import Linear, Module
from ..ops import silu
from .base import LayerReport, Method, Shapes, Size, norm, uniform, whole
from .layers import WrappedLayers, Wrapper, linear_layers, select, wrap

KINDS = MappingProxyType({"houlsby": ("attention.output", "mlp.down")})
"""Where each kind of adapter stands: after which layers."""


class Bottleneck(Module):
    """h + W_up · silu(W_down h + b_down) + b_up, from d numbers to r and back. Only W_down is not zero at the start."""

    def __init__(self, W_down: Array) -> None:
        xp, (r, d) = namespace(W_down), W_down.shape
        self.down = Linear(W_down, xp.zeros(r, dtype=W_down.dtype))
        self.up = Linear(xp.zeros((d, r), dtype=W_down.dtype), xp.zeros(d, dtype=W_down.dtype))

    def __call__(self, h: Tensor) -> Tensor:
        """h: [..., d] -> [..., d]."""
        narrow = silu(self.down(h))  # [..., r]
        return h + self.up(narrow)  # [..., d]


class BottleneckLayer(Wrapper[Bottleneck]):
    """A linear layer followed by the active bottleneck: ``y = bottleneck(base(x))``."""

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        """x: [..., in] -> [..., out]."""
        h = self.base(x, rng)
        return h if self.active is None else self.adapters[self.active](h)

    def merge(self) -> None:
        raise InputError(
            "a bottleneck adapter cannot be merged: its nonlinearity stands between its two matrices, so no single weight computes the same; "
            "adapt with LoRA if merging is needed"
        )

    unmerge = merge
    forget = merge


@dataclass(frozen=True)
class Adapter(Method):
    """Bottleneck adapters of a width. ``houlsby``: after the attention's output projection and after the MLP, each before its residual sum.

    h + W_up·silu(W_down h + b_down) + b_up, with W_down: [width, d] drawn from U(−1/√d, 1/√d), and W_up, b_down and b_up zero: the model starts by
    computing exactly what its base computes. Raises InputError for an unknown kind or a width below 1.
    """

    kind: str = "houlsby"
    width: int = 16

    method: ClassVar[str] = "adapter"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            known = ", ".join(map(repr, KINDS))
            raise InputError(
                f"kind must be one of {known}, not {self.kind!r}{nearest(str(self.kind), KINDS)}"
            )
        object.__setattr__(self, "width", whole("width", self.width))  # a frozen value is completed here

    def install(self, model: Module, name: str, rng: np.random.Generator) -> WrappedLayers:
        """Put a bottleneck after each layer of the kind. Raises InputError where the model has no such layers."""
        layers = linear_layers(model)
        chosen = {path: layers[path] for path in select(layers, KINDS[self.kind])}
        wrapped = wrap(model, chosen, BottleneckLayer, outermost=True)
        for path, wrapper in wrapped.items():
            W = chosen[path].weight.data
            d = W.shape[0]
            wrapper.adapters[name] = Bottleneck(uniform(rng, (self.width, d), 1 / math.sqrt(d), W)).freeze()
        return WrappedLayers(model, name, wrapped)

    def trainable(self, size: Size) -> int:
        """L̂·(2·d·r + r + d), with L̂ = 2 adapters a block (AdapterH)."""
        return len(KINDS[self.kind]) * size.layers * (2 * size.width * self.width + self.width + size.width)

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """Down: [width, d] and [width]; up: [d, width] and [d]; for each layer that puts out d numbers."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (d, _) in base_shapes.items():
            layer = name.removesuffix(".weight")
            shapes |= {f"{layer}.down.weight": (self.width, d), f"{layer}.down.bias": (self.width,)}
            shapes |= {f"{layer}.up.weight": (d, self.width), f"{layer}.up.bias": (d,)}
        return shapes

    def report(
        self, name: str, arrays: Mapping[str, Array], base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """One row a bottleneck; ``norm_B`` is that of W_up, the matrix that starts at zero. There is no update of a weight."""
        rows = []
        for key in arrays:
            if key.endswith(".up.weight"):
                layer = key.removesuffix(".up.weight")
                up, bias = norm(arrays[key]), norm(arrays[f"{layer}.up.bias"])
                rows.append(LayerReport(name, layer, self.width, None, up, None, up > 0 or bias > 0))
        return rows
