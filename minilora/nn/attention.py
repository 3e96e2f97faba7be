"""Multi-head attention: four linear layers around the fused function, and the keys and values that generation keeps."""

from dataclasses import dataclass

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace
from ..ops import attention
from .layers import Linear
from .module import Module


@dataclass
class LayerCache:
    """The keys and values of the positions a layer has seen, in arrays with room for more.

    keys, values: [rows, room, width]; length: how many positions are filled.
    """

    keys: Array
    values: Array
    length: int = 0

    def append(self, keys: Array, values: Array) -> tuple[Array, Array]:
        """Add keys and values ([rows, new, width]) after those there; return all: [rows, length, width] each."""
        end = self.length + keys.shape[1]
        self.keys[:, self.length : end] = keys
        self.values[:, self.length : end] = values
        self.length = end
        return self.keys[:, :end], self.values[:, :end]

    def select(self, rows: Array, *, start: int = 0) -> None:
        """Put row ``rows[i]`` in place i: int [n], in any order, repeats allowed, as beam search and finished rows ask for.

        start: what lies before this position stays where it is, because the rows hold the same there (beams of one prompt); n is then the number of rows.
        """
        self.keys = _select(self.keys, rows, start, self.length)
        self.values = _select(self.values, rows, start, self.length)


def _select(array: Array, rows: Array, start: int, end: int) -> Array:
    """[rows, room, width] with the filled positions from ``start`` to ``end`` taken from other rows."""
    selected = array if start else namespace(array).empty((len(rows), *array.shape[1:]), array.dtype)
    selected[:, start:end] = array[rows, start:end]  # the right side is a copy, so rows may change places
    return selected


class Attention(Module):
    """softmax(q kᵀ/√d) v in each head, with q, k and v linear in the input, and a linear output (Vaswani et al. 2017).

    query, key, value, output: [width → width] each. W_q is one matrix across heads, as the LoRA paper counts it (section 4.2).
    """

    def __init__(
        self, query: Linear, key: Linear, value: Linear, output: Linear, heads: int, dropout: float = 0.0
    ) -> None:
        self.query, self.key, self.value, self.output = query, key, value, output
        self.heads = heads
        self.dropout = dropout

    def __call__(
        self,
        x: Tensor,
        *,
        causal: bool,
        mask: Array | None = None,
        band: int | None = None,
        cache: LayerCache | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """x: [rows, tokens, width] → the same shape. mask: bool [rows, keys], False where a key is padding. band: attend to the last so many positions only.

        With ``cache``, x holds the positions after those in it, and attends to both; the cache is for generation, and no gradients flow through it.
        """
        q, k, v = self.query(x, rng), self.key(x, rng), self.value(x, rng)
        if cache is not None:
            k, v = (Tensor(array) for array in cache.append(k.data, v.data))
        mixed = attention(
            q, k, v, heads=self.heads, causal=causal, mask=mask, band=band, rate=self.dropout, rng=rng
        )
        return self.output(mixed, rng)

    def extra_repr(self) -> str:
        return f"{self.heads} heads"
