"""LoRA: the weight stays, and a product of two thin matrices is learned beside it (the paper, section 4.1).

    h = W₀x + b + s·B(Ax),   s = α/r,   A: [r, in],  B: [out, r],  B = 0 at the start

Comes after ``layers.py`` (how a layer is wrapped). ``adapt.py`` installs it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace, to_host
from ..errors import InputError
from ..nn import Linear, Module, Parameter
from ..ops import dropout, linear, lora_linear
from .base import LayerReport, Method, Shapes, Size, like, norm, number, uniform, whole
from .layers import WrappedLayers, Wrapper, as_targets, linear_layers, linear_shapes, select, wrap


class LowRank(Module):
    """One update of a weight: ΔW = scale · B A, with A: [rank, in] and B: [out, rank]."""

    def __init__(self, A: Array, B: Array, *, scale: float, dropout: float) -> None:
        self.A = Parameter(A, trainable=False)
        self.B = Parameter(B, trainable=False)
        self.scale = scale
        self.dropout = dropout

    def update(self) -> Array:
        """ΔW: [out, in]."""
        return self.scale * (self.B.data @ self.A.data)  # [out, rank] @ [rank, in] -> [out, in]

    def extra_repr(self) -> str:
        return f"rank {len(self.A.data)}, scale {self.scale:g}" + (
            f", dropout {self.dropout:g}" if self.dropout else ""
        )


class LoRALinear(Wrapper[LowRank]):
    """A linear layer and its low-rank updates by adapter name.

    Active and not merged, it computes ``x Wᵀ + b + s·(x Aᵀ)Bᵀ``; ΔW itself is never formed. Merged, it is its base, whose weight then is W + sBA.
    """

    base: Linear

    def __init__(self, base: Linear) -> None:
        super().__init__(base)
        self._kept: Array | None = None  # W, while W + sBA is in its place

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        """x: [..., in] -> [..., out]. Dropout falls on the input of A alone, and only where ``rng`` is given (as in the authors' code)."""
        if self.active is None or self._kept is not None:
            return self.base(x, rng)
        update = self.adapters[self.active]
        if rng is not None and update.dropout > 0:
            reduced = linear(dropout(x, rate=update.dropout, rng=rng), update.A, None)  # [..., rank]
            return self.base(x, rng) + linear(reduced, update.B, None) * update.scale  # [..., out]
        return lora_linear(x, self.base.weight, self.base.bias, update.A, update.B, scale=update.scale)

    def merge(self) -> None:
        """W := W + sBA. The old array is kept, because adding and then subtracting sBA would not give back the same bits."""
        assert self.active is not None
        assert self._kept is None
        self._kept = self.base.weight.data
        self.base.weight.data = self._kept + self.adapters[self.active].update()

    def unmerge(self) -> None:
        """W := the array that ``merge`` kept."""
        assert self._kept is not None
        self.base.weight.data = like(self._kept, self.base.weight.data)
        self._kept = None

    def forget(self) -> None:
        self._kept = None

    def extra_repr(self) -> str:
        return super().extra_repr() + (", merged" if self._kept is not None else "")


@dataclass(frozen=True)
class LoRA(Method):
    """Low-rank adaptation of the linear layers that ``targets`` name: ΔW = (alpha/rank)·BA (the paper, section 4.1).

    rank: r, at least 1 and at most the smaller side of each matrix. alpha: α, above 0; the update is scaled by α/r. targets: names of layers, see
    ``layers.select``; the paper adapts query and value. dropout: share of the inputs of A that is set to zero in training, in [0, 1).

    At the start B = 0, so the model computes what its base computes. A is drawn from U(−1/√in, 1/√in), as in the authors' code (kaiming-uniform with
    a = √5); the paper's text says Gaussian.
    """

    rank: int = 8
    alpha: float = 16.0
    targets: tuple[str, ...] = ("query", "value")
    dropout: float = 0.0

    method: ClassVar[str] = "lora"

    def __post_init__(self) -> None:
        for name, value in (
            ("rank", whole("rank", self.rank)),
            ("alpha", number("alpha", self.alpha, math.ulp(0.0), math.inf, "a number above 0")),
            ("targets", as_targets(self.targets)),
            ("dropout", number("dropout", self.dropout, 0, 1, "at least 0 and below 1")),
        ):
            object.__setattr__(self, name, value)  # a frozen value is completed once, here

    @property
    def scale(self) -> float:
        """s = α/r."""
        return self.alpha / self.rank

    def install(self, model: Module, name: str, rng: np.random.Generator) -> WrappedLayers:
        """Wrap every layer that a target names. Raises InputError for a target that names none, or a rank above a matrix."""
        layers = linear_layers(model)
        chosen = select(layers, self.targets)
        for path in chosen:
            if self.rank > min(layers[path].weight.shape):
                raise InputError(
                    f"rank is {self.rank}, but the weight of {path} is {layers[path].weight.shape}; "
                    f"give a rank of at most {min(layers[path].weight.shape)}"
                )
        wrapped = wrap(model, {path: layers[path] for path in chosen}, LoRALinear, outermost=False)
        for path, wrapper in wrapped.items():
            wrapper.adapters[name] = self._start(layers[path].weight.data, rng)
        return WrappedLayers(model, name, wrapped)

    def _start(self, W: Array, rng: np.random.Generator) -> LowRank:
        out, k = W.shape
        A = uniform(rng, (self.rank, k), 1 / math.sqrt(k), W)
        B = namespace(W).zeros((out, self.rank), dtype=W.dtype)
        return LowRank(A, B, scale=self.scale, dropout=self.dropout)

    def trainable(self, size: Size) -> int:
        """Σ r·(in + out) over the adapted matrices; for square ones the paper's 2·L̂_LoRA·d·r."""
        shapes = linear_shapes(size)
        return sum(self.rank * sum(shapes[path]) for path in select(shapes, self.targets))

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """A: [rank, in] and B: [out, rank] for each W: [out, in]."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (out, k) in base_shapes.items():
            layer = name.removesuffix(".weight")
            shapes |= {f"{layer}.A": (self.rank, k), f"{layer}.B": (out, self.rank)}
        return shapes

    def report(
        self, name: str, arrays: Mapping[str, Array], base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """One row a layer, with ‖B‖ and ‖sBA‖ (Frobenius)."""
        rows = []
        for key in arrays:
            if key.endswith(".A"):
                layer = key.removesuffix(".A")
                A, B = (to_host(arrays[f"{layer}.{part}"]).astype(np.float64) for part in "AB")
                change = self.scale * norm(B @ A)
                rows.append(LayerReport(name, layer, self.rank, self.scale, norm(B), change, change > 0))
        return rows
