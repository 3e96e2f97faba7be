"""Linear, Embedding, LayerNorm and Dropout: one function of ``ops`` each, with its weights.

Every call takes ``rng``; a layer that draws nothing ignores it, so that whatever takes a layer's place (a LoRA layer with dropout on its input) can draw.
"""

import numpy as np

from ..autograd import Tensor
from ..backend import Array
from ..ops import dropout, embedding, layer_norm, linear
from .module import Module, Parameter


class Linear(Module):
    """y = x Wᵀ + b. weight: [out, in]; bias: [out] or None."""

    def __init__(self, weight: Array, bias: Array | None) -> None:
        self.weight = Parameter(weight)
        self.bias = None if bias is None else Parameter(bias)

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        """x: [..., in] → [..., out]."""
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        out, into = self.weight.shape
        return f"{into} → {out}{'' if self.bias is not None else ', no bias'}"


class Embedding(Module):
    """Rows of a table. weight: [rows, width]."""

    def __init__(self, weight: Array) -> None:
        self.weight = Parameter(weight)

    def __call__(self, ids: Array) -> Tensor:
        """ids: int [...] in [0, rows) → [..., width]."""
        return embedding(self.weight, ids=ids)

    def extra_repr(self) -> str:
        rows, width = self.weight.shape
        return f"{rows} × {width}"


class LayerNorm(Module):
    """(x − mean) / √(variance + ε) · gain + bias over the last axis. gain starts at 1, bias at 0: [width] each."""

    def __init__(self, width: int, epsilon: float = 1e-5, dtype: np.typing.DTypeLike = np.float32) -> None:
        self.gain = Parameter(np.ones(width, dtype))
        self.bias = Parameter(np.zeros(width, dtype))
        self.epsilon = epsilon

    def __call__(self, x: Tensor) -> Tensor:
        return layer_norm(x, self.gain, self.bias, epsilon=self.epsilon)

    def extra_repr(self) -> str:
        return f"{self.gain.size}"


class Dropout(Module):
    """Sets elements to 0 with probability ``rate`` when a generator is given; does nothing without."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        return x if rng is None or self.rate == 0 else dropout(x, rate=self.rate, rng=rng)

    def extra_repr(self) -> str:
        return f"{self.rate}"
