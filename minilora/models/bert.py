"""BERT and RoBERTa: encoders of post-LN blocks with learned positions, token types and exact GELU.

Devlin et al. 2019, Liu et al. 2019. Comes after ``base.py`` and ``heads.py``. Every token attends to every other. The three embeddings are added, normalised and dropped;
then for each block

    x ← norm_1(x + attention(x))        x ← norm_2(x + mlp(x))

and no norm after the last one. RoBERTa is the same model with one token type and positions that begin after the padding token's number: the first real token stands at 2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace
from ..errors import InputError
from ..nn import MLP, Attention, Dropout, LayerNorm, Module, TextOnly
from ..ops import gelu_exact, tanh
from .base import Model
from .classifiers import PooledClassifier
from .heads import MaskedLMHead
from .shape import LayerShape, check_shape, usual_layers
from .start import Start


@dataclass(frozen=True)
class BertConfig:
    """The shape of a model. width must be divisible by heads; dropout acts only where a generator is given.

    context: the most tokens of a text. inner: how wide the MLP is, None for 4 · width. types: how many texts a row may hold (BERT 2, RoBERTa 1). padding: None counts
    positions from 0 (BERT); RoBERTa counts from padding + 1, and gives the position ``padding`` to every token of that number. tied: whether the matrix of the
    masked-language-model head is the token embedding.
    """

    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int
    inner: int | None = None
    types: int = 2
    epsilon: float = 1e-12
    dropout: float = 0.1
    padding: int | None = None
    tied: bool = True

    def __post_init__(self) -> None:
        check_shape(self)
        if self.types < 1:
            raise InputError(f"types must be at least 1, not {self.types}")
        if self.padding is not None and not 0 <= self.padding < self.vocabulary:
            raise InputError(f"padding must be a token of the vocabulary or None, not {self.padding}")

    @property
    def mlp_width(self) -> int:
        """How wide the MLP is inside."""
        return 4 * self.width if self.inner is None else self.inner

    @property
    def offset(self) -> int:
        """The position of the first token."""
        return 0 if self.padding is None else self.padding + 1

    @property
    def parameters(self) -> int:
        """(V + C + offset + types)·d + 2d + L·(4d² + 2dm + 9d + m), m the width of the MLP: three embeddings, their norm, L blocks; without a head."""
        rows = self.vocabulary + self.context + self.offset + self.types
        return (rows + 2) * self.width + self.layers * self.block_parameters

    @property
    def block_parameters(self) -> int:
        """4d² + 2dm + 9d + m: four square matrices, an MLP m wide, their biases, two norms."""
        d, m = self.width, self.mlp_width
        return 4 * d * d + 2 * d * m + 9 * d + m

    @property
    def block_layers(self) -> dict[str, LayerShape]:
        """As everywhere."""
        return usual_layers(self.width, self.mlp_width)

    @property
    def biases(self) -> int:
        """L·(7d + m) + d: of query, key, value and output, up and down, and two norms in each block; of the embeddings' norm."""
        return self.layers * (7 * self.width + self.mlp_width) + self.width


class Block(Module):
    """One layer: attention and MLP, each added to its input, and the sum normalised."""

    post_norm: ClassVar[bool] = True
    """Whether the last thing in a block is ``norm_2`` of all that was added up."""

    def __init__(
        self, attention: Attention, norm_1: LayerNorm, mlp: MLP, norm_2: LayerNorm, dropout: float
    ) -> None:
        self.attention, self.norm_1, self.mlp, self.norm_2 = attention, norm_1, mlp, norm_2
        self.dropout = Dropout(dropout)

    def __call__(
        self, x: Tensor, *, mask: Array | None = None, rng: np.random.Generator | None = None
    ) -> Tensor:
        """x: [rows, tokens, width] → the same shape."""
        mixed = self.attention(x, causal=False, mask=mask, rng=rng)
        x = self.norm_1(x + self.dropout(mixed, rng))
        return self.norm_2(x + self.dropout(self.mlp(x, rng), rng))


class Bert(Model):
    """A BERT or RoBERTa of any size, with its masked-language-model head."""

    config: BertConfig

    def __init__(
        self, config: BertConfig, rng: np.random.Generator | None, dtype: np.typing.DTypeLike = np.float32
    ) -> None:
        """Random weights as BERT starts: Gaussian with standard deviation 0.02; biases 0. Without ``rng`` the weights are not set: for who fills them from a file next."""
        start, width, inner = Start(rng, dtype), config.width, config.mlp_width
        self.config = config
        self.tokenizer = None
        self.tokens = start.embedding(config.vocabulary, width)
        self.positions = start.embedding(config.context + config.offset, width)
        self.types = start.embedding(config.types, width)
        self.norm = start.norm(width, config.epsilon)
        self.dropout = Dropout(config.dropout)
        self.inputs = TextOnly()
        self.blocks = [
            Block(
                Attention(
                    start.linear(width, width),
                    start.linear(width, width),
                    start.linear(width, width),
                    start.linear(width, width),
                    config.heads,
                    config.dropout,
                ),
                start.norm(width, config.epsilon),
                MLP(start.linear(width, inner), start.linear(inner, width), gelu_exact),
                start.norm(width, config.epsilon),
                config.dropout,
            )
            for _ in range(config.layers)
        ]
        self.head = MaskedLMHead.begin(start, self.tokens, epsilon=config.epsilon, tied=config.tied)

    def states(
        self,
        ids: Array,
        *,
        mask: Array | None = None,
        types: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Iterator[Tensor]:
        """The embeddings' output, then that of each block: [rows, tokens, width] each. The arguments and errors are those of ``hidden``."""
        self.check_ids(ids)
        self.check_types(types, self.config.types)
        self.check_length(ids, mask)
        reading = self.inputs(self.here(ids), self.here(mask))
        ids, mask = reading.ids, reading.mask
        types = self.here(np.zeros((1, 1), int)) if types is None else reading.spread(self.here(types), 0)
        x = reading.embed(self.tokens(ids)) + self.positions(self.places(ids, mask)) + self.types(types)
        x = self.dropout(self.norm(x), rng)
        yield reading.text(x)
        for number, block in enumerate(self.blocks):
            x = block(reading.enter(number, x), mask=mask, rng=rng)
            yield reading.text(x)

    def hidden(
        self,
        ids: Array,
        *,
        mask: Array | None = None,
        types: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """The output of the last block; the rest as every model's (``Model.hidden``)."""
        for x in self.states(ids, mask=mask, types=types, rng=rng):  # noqa: B007 (only the last is asked for)
            pass
        return x

    def places(self, ids: Array, mask: Array | None, start: int = 0) -> Array:
        """The row of the position table for each token; RoBERTa counts the tokens that are not padding, and leaves padding at its own number."""
        padding = self.config.padding
        if padding is None:
            return super().places(ids, mask, start)
        real = ids != padding if mask is None else (ids != padding) & mask  # [rows, tokens]
        return namespace(real).cumsum(real, axis=-1) * real + padding

    def set_classifier(self, labels: int, rng: np.random.Generator | None) -> Self:
        """BERT: its pooler, pretrained where the file had one, then dropout and the output. RoBERTa: dropout, a dense layer, tanh, dropout, the output."""
        start, width, dropout = Start(rng, self.dtype), self.config.width, self.config.dropout
        roberta = self.config.padding is not None
        pooler = None if roberta else self.head.pooler
        head = PooledClassifier(
            start.linear(width, width) if pooler is None else pooler,
            start.linear(width, labels),
            tanh,
            dropout=dropout,
            dropout_before=dropout if roberta else 0.0,
        )
        return self.put_head(head)
