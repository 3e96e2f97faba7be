"""The layers that LoRA puts in a model: a weight that stays, and low-rank updates beside it (the paper, section 4.1).

    h = W₀x + b + s·B(Ax),   A: [r, in],  B: [out, r]

Comes before ``lora.py``, the method that says where they go.
"""

from collections.abc import Mapping

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace, wide_dtype
from ..errors import InputError
from ..nn import Linear, Module, Parameter
from ..ops import dropout, linear, lora_linear
from .base import Shapes, like
from .layers import Additions, Wrapper


class LowRank(Module):
    """One update of a weight: ΔW = scale · B A, with A: [rank, in] and B: [out, rank]."""

    def __init__(self, A: Array, B: Array, *, scale: float, dropout: float) -> None:
        self.A = Parameter(A, trainable=False)
        self.B = Parameter(B, trainable=False)
        self.scale = scale
        self.dropout = dropout

    def reduce(self, x: Tensor, rng: np.random.Generator | None) -> Tensor:
        """x Aᵀ: [..., in] → [..., rank]. Dropout falls on x, and only where ``rng`` is given (as in the authors' code)."""
        dropped = x if rng is None or self.dropout == 0 else dropout(x, rate=self.dropout, rng=rng)
        return linear(dropped, self.A, None)

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
        """x: [..., in] → [..., out]."""
        if self.rows is not None:
            return self._by_rows(x, self.rows, rng)
        if self.active is None or self._kept is not None:
            return self.base(x, rng)
        update = self.adapters[self.active]
        if rng is not None and update.dropout > 0:
            # lora_linear reads one x for W and for A; with dropout A reads another, so the update is a product of its own
            reduced = update.reduce(x, rng) * update.scale  # [..., rank]
            return self.base(x, rng) + linear(reduced, update.B, None)  # [..., out]
        return lora_linear(x, self.base.weight, self.base.bias, update.A, update.B, scale=update.scale)

    def _by_rows(self, x: Tensor, rows: tuple[str | None, ...], rng: np.random.Generator | None) -> Tensor:
        """Each row with its own update: x Wᵀ + b + Σ gate·(x Aᵀ)Bᵀ, where an adapter's gate is s in its own rows and 0 in the others. x: [rows, tokens, in]."""
        if x.ndim != 3 or x.shape[0] != len(rows):
            raise InputError(
                f"{len(rows)} rows were given an adapter each, but a layer computes {x.shape[:-1]} rows and tokens at once; give as many names as the batch has "
                "rows, and do not mix adapters of layers that read something else than the rows, such as DeBERTa's shared position projections"
            )
        y = self.base(x, rng)
        for name, update in self.adapters.items():
            if name in rows:
                gate = namespace(x.data).asarray(
                    [update.scale if row == name else 0.0 for row in rows], x.dtype
                )
                y = y + linear(
                    update.reduce(x, rng) * gate[:, None, None], update.B, None
                )  # [rows, tokens, out]
        return y

    def merge(self) -> None:
        """W := W + sBA. The old array is kept, because adding and then subtracting sBA would not give back the same bits.

        Where W is stored as float16, W + sBA is float32 for as long as it is merged: rounding it to W's 11 bits could lose an update that is small beside W.
        """
        assert self.active is not None
        assert self._kept is None
        self._kept = self.base.weight.data
        self.base.weight.data = self._kept + self.adapters[self.active].update()

    def unmerge(self) -> None:
        """W := the array that ``merge`` kept, stored as it was unless the model has been converted to another precision meanwhile."""
        assert self._kept is not None
        merged = self.base.weight.data
        dtype = self._kept.dtype if wide_dtype(self._kept) == merged.dtype else merged.dtype
        self.base.weight.data = like(self._kept, merged).astype(dtype, copy=False)
        self._kept = None

    def forget(self) -> None:
        """Drop the array that ``merge`` kept, so that what was merged stays."""
        self._kept = None

    def extra_repr(self) -> str:
        return super().extra_repr() + (", merged" if self._kept is not None else "")


class LowRankUpdates(Additions):
    """One low-rank update in each of several layers: the addition that weights can take up."""

    wrapped: dict[str, LoRALinear]  # type: ignore[assignment]

    def __init__(
        self, model: Module, name: str, wrapped: Mapping[str, LoRALinear], base_shapes: Shapes
    ) -> None:
        super().__init__(model, name, wrapped, base_shapes)

    def merge(self) -> None:
        for layer in self.wrapped.values():
            layer.merge()

    def unmerge(self) -> None:
        for layer in self.wrapped.values():
            layer.unmerge()

    def fuse(self) -> None:
        self.merge()
        for layer in self.wrapped.values():
            layer.forget()
        self.remove()
