"""The layers of a DeBERTa: its block, the convolution over neighbours, and the decoder that pretraining adds.

Comes after ``disentangled.py`` and before ``deberta.py``, which puts them together.
"""

from typing import ClassVar

import numpy as np

from ..autograd import Tensor
from ..backend import Array
from ..nn import MLP, Dropout, Embedding, LayerNorm, Module, Parameter
from ..ops import convolution, gelu_exact, tanh
from .disentangled import DisentangledAttention, Distances

ACTIVATIONS = {"tanh": tanh, "gelu": gelu_exact}


class Block(Module):
    """One layer: attention and MLP, each added to its input, and the sum normalised."""

    post_norm: ClassVar[bool] = True
    """Whether the last thing in a block is ``norm_2`` of all that was added up."""

    def __init__(
        self, attention: DisentangledAttention, norm_1: LayerNorm, mlp: MLP, norm_2: LayerNorm, dropout: float
    ) -> None:
        self.attention, self.norm_1, self.mlp, self.norm_2 = attention, norm_1, mlp, norm_2
        self.dropout = Dropout(dropout)

    def __call__(
        self,
        x: Tensor,
        *,
        far: Distances,
        mask: Array | None = None,
        queries: Tensor | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """x: [rows, tokens, width] → the same shape. queries: who looks at x, and what is added to; x itself unless a decoder asks otherwise."""
        own = x if queries is None else queries
        mixed = self.attention(x, queries=own, far=far, mask=mask, rng=rng)
        y = self.norm_1(own + self.dropout(mixed, rng))
        return self.norm_2(y + self.dropout(self.mlp(y, rng), rng))


class ConvolutionLayer(Module):
    """norm(x + activation(dropout(convolution(embeddings)))): neighbours, seen once, after the first block. weight: [width, width, kernel]; bias: [width]."""

    def __init__(self, weight: Array, bias: Array, norm: LayerNorm, activation: str, dropout: float) -> None:
        self.weight, self.bias = Parameter(weight), Parameter(bias)
        self.norm = norm
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout)

    def __call__(
        self, embedded: Tensor, x: Tensor, *, mask: Array | None, rng: np.random.Generator | None
    ) -> Tensor:
        """embedded: what the first block read; x: what it made of it; [rows, tokens, width] each. Padding is 0 to its neighbours."""
        real = None if mask is None else mask[:, :, None].astype(x.dtype)
        seen = convolution(embedded if real is None else embedded * real, self.weight, self.bias)
        return self.norm(x + self.activation(self.dropout(seen, rng)))


class EnhancedMaskDecoder(Module):
    """The last block applied ``steps`` times, to guess masked tokens: each time the queries are what the time before made, the keys and values always what the block reads.

    The first queries are that plus the absolute position, which nothing else in the model knows. positions: an embedding [context, width].
    """

    def __init__(self, positions: Embedding, steps: int) -> None:
        self.positions, self.steps = positions, steps

    def __call__(
        self,
        x: Tensor,
        block: Block,
        *,
        places: Array,
        far: Distances,
        mask: Array | None,
        rng: np.random.Generator | None,
    ) -> Tensor:
        """x: [rows, tokens, width], what the last block reads → the same shape."""
        queries = x + self.positions(places)
        for _ in range(self.steps):
            queries = block(x, far=far, mask=mask, queries=queries, rng=rng)
        return queries
