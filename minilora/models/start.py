"""How the weights of a new model begin: Gaussian matrices, biases 0, norms that change nothing.

Comes before the architectures, which draw their layers here.
"""

import numpy as np

from ..backend import Array
from ..nn import Embedding, LayerNorm, Linear


class Start:
    """Draws new layers from ``rng``. Without ``rng`` matrices have a shape but take no memory: for who puts a file's arrays in their place next."""

    def __init__(self, rng: np.random.Generator | None, dtype: np.typing.DTypeLike = np.float32) -> None:
        self.rng, self.dtype = rng, dtype

    def gaussian(self, *shape: int, std: float = 0.02) -> Array:
        """Normal with standard deviation ``std``, drawn in float32: a float64 temporary of a large table would double the peak of memory."""
        if self.rng is None:
            return np.broadcast_to(np.zeros((), self.dtype), shape)
        drawn = self.rng.standard_normal(shape, dtype=np.float32)
        return (drawn * np.float32(std)).astype(self.dtype, copy=False)

    def linear(self, into: int, out: int, *, std: float = 0.02, bias: bool = True) -> Linear:
        """[out, into] and [out]."""
        return Linear(self.gaussian(out, into, std=std), np.zeros(out, self.dtype) if bias else None)

    def embedding(self, rows: int, width: int, *, std: float = 0.02) -> Embedding:
        """[rows, width]."""
        return Embedding(self.gaussian(rows, width, std=std))

    def norm(self, width: int, epsilon: float) -> LayerNorm:
        """Gain 1, bias 0: [width] each."""
        return LayerNorm(width, epsilon, self.dtype)
