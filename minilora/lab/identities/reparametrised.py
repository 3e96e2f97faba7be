"""Later methods that make a weight of other numbers, and what their gradients are in terms of G = ∂L/∂W at the weight they make.

Comes after ``finding.py``. A layer's weight is a function of parameters, on the tape; the parameters' own gradients are compared with formulas in G, which is measured on a plain model that
has the finished weights. DoRA 2402.09353, VeRA 2310.11454, AdaLoRA 2303.10512.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ...autograd import Tensor, gradients, largest
from ...backend import Array
from ...data.batches import Batch
from ...methods.layers import linear_layers, select
from ...models.base import Model
from ...nn import Linear, Module, Parameter
from ...ops import linear, matmul, sqrt
from ...ops import sum as summed
from ..layer_gradients import copy_of
from .finding import Finding, relative, worst

TARGETS = ("query", "value")
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Form:
    """How a weight is made: parameters for a layer, and the weight they make, on the tape. Both are given W₀."""

    start: Callable[[Array], dict[str, Array]]
    weight: Callable[[Mapping[str, Parameter], Array], Tensor]


class Made(Module):
    """y = x W(θ)ᵀ + b."""

    def __init__(self, base: Linear, form: Form) -> None:
        self.bias, self.form, self.W = base.bias, form, base.weight.data
        self.parts = {name: Parameter(array) for name, array in form.start(self.W).items()}

    def made(self) -> Tensor:
        """W(θ): [out, in]."""
        return self.form.weight(self.parts, self.W)

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        y = linear(x, self.made(), None)
        return y if self.bias is None else y + self.bias


@dataclass(frozen=True)
class Layer:
    """A layer as measured: the parameters, their gradients, the weight they make, W₀, and G."""

    parts: Arrays
    gradients: Arrays
    W: Array
    base: Array
    G: Array


def measured(model: Model, batch: Batch, form: Form) -> dict[str, Layer]:
    """Both gradients at the same point, for every layer that ``TARGETS`` names."""
    copied = copy_of(model, np.float64)
    copied.freeze()
    plain = copy_of(model, np.float64)
    paths = select(linear_layers(copied), TARGETS)
    layers = {path: Made(linear_layers(copied)[path], form) for path in paths}
    for path, layer in layers.items():
        copied.set_module(path, layer)
        linear_layers(plain)[path].weight.data = layer.made().data
    named = [(path, name, p) for path, layer in layers.items() for name, p in layer.parts.items()]
    found = gradients(copied.loss(batch), [p for _, _, p in named])
    own: dict[str, dict[str, Array]] = {path: {} for path in paths}
    for (path, name, _), g in zip(named, found, strict=True):
        assert g is not None
        own[path][name] = g
    weights = [linear_layers(plain)[path].weight for path in paths]
    result = {}
    for path, weight, G in zip(paths, weights, gradients(plain.loss(batch), weights), strict=True):
        assert G is not None
        parts = {name: p.data for name, p in layers[path].parts.items()}
        result[path] = Layer(parts, own[path], weight.data, layers[path].W, G)
    return result


def check(model: Model, batch: Batch, *, rank: int, seed: int) -> list[Finding]:
    """Every statement of this file."""
    rng = np.random.default_rng(seed)

    def gaussian(*shape: int) -> Array:
        return 0.3 * rng.standard_normal(shape)

    start = Form(lambda W: {"m": np.linalg.norm(W, axis=1, keepdims=True), "V": W.copy()}, dora)
    moved = Form(
        lambda W: {
            "m": 1.3 * np.linalg.norm(W, axis=1, keepdims=True),
            "V": W + 0.1 * gaussian(len(W), rank) @ gaussian(rank, W.shape[1]),
        },
        dora,
    )
    vera = Form(
        lambda W: {
            "b": gaussian(len(W), 1),
            "d": gaussian(rank, 1),
            "B": gaussian(len(W), rank),
            "A": gaussian(rank, W.shape[1]),
        },
        lambda p, W: matmul(p["b"] * p["B"], p["d"] * p["A"]) + W,
    )
    adalora = Form(
        lambda W: {"P": gaussian(len(W), rank), "Λ": gaussian(rank, 1), "Q": gaussian(rank, W.shape[1])},
        lambda p, W: matmul(p["P"], p["Λ"] * p["Q"]) + W,
    )
    return [
        worst("DoRA starts as the base", "m·V/‖V‖ = W₀", "m = ‖W₀‖ by row, V = W₀", {p: relative(x.W, x.base) for p, x in measured(model, batch, start).items()}),
        worst("DoRA turns and does not stretch", "⟨∂V, V⟩ = 0 in every row", "the full gradient, through the norm too", {p: stretched(x) for p, x in measured(model, batch, moved).items()}),
        worst("VeRA's gradients", "∂b = rowsum(G⊙(B diag(d) A)), ∂d = diag(Bᵀdiag(b) G Aᵀ)", "ΔW = diag(b) B diag(d) A", {p: vera_gradients(x) for p, x in measured(model, batch, vera).items()}),
        worst("AdaLoRA's gradient", "∂Λ = diag(PᵀG Qᵀ)", "ΔW = P Λ Q", {p: adalora_gradient(x) for p, x in measured(model, batch, adalora).items()}),
    ]  # fmt: skip


def dora(parts: Mapping[str, Parameter], W: Array) -> Tensor:
    """m · V/‖V‖, row by row."""
    V = parts["V"]
    return parts["m"] * V / sqrt(summed(V * V, axis=1, keepdims=True))


def stretched(at: Layer) -> float:
    """The largest |⟨∂V, V⟩| / (‖∂V‖‖V‖) over the rows."""
    V, dV = at.parts["V"], at.gradients["V"]
    along = np.abs((V * dV).sum(axis=1))
    return float((along / (np.linalg.norm(V, axis=1) * np.linalg.norm(dV, axis=1) + 1e-300)).max())


def vera_gradients(at: Layer) -> float:
    """The larger of the errors of ∂b and ∂d."""
    b, d, B, A = (at.parts[name] for name in "bdBA")
    of_b = (at.G * (B @ (d * A))).sum(axis=1, keepdims=True)
    of_d = np.diag(B.T @ (b * at.G) @ A.T)[:, None]
    return largest([relative(at.gradients["b"], of_b), relative(at.gradients["d"], of_d)])


def adalora_gradient(at: Layer) -> float:
    """The error of ∂Λ."""
    return relative(at.gradients["Λ"], np.diag(at.parts["P"].T @ at.G @ at.parts["Q"].T)[:, None])
