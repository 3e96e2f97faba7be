"""DeBERTa, versions 1 to 3: encoders whose attention looks at what a token is and at how far away it stands in separate terms.

He et al. 2021 (v1), 2021 (v3). Comes after ``base.py`` and ``heads.py``; the attention itself is ``ops.disentangled_attention``. Blocks are post-LN, as BERT's. One table of
distances, ``relative``, is shared by all blocks; each block projects it to keys and queries of its own. What the versions differ in is a value of the configuration:

    v1  distances up to 512 each way, projections ``position_key`` and ``position_query`` in each block, no bias on keys
    v2  distances in ``buckets`` that grow with the logarithm beyond half of their number, the table normalised, one block's convolution over neighbours, and no projections
        of positions: the query and key layers, called on the table, do both (``share_keys``). v3 is v2 without the convolution, pretrained in another way.

**LoRA with shared keys.** An adapter on ``query`` or ``key`` is part of the layer, so it acts on the table of distances too, as in PEFT; merged and unmerged then compute the same. The
LoRA authors' own code for DeBERTa leaves the table to the frozen weights, and a merge there would change the model.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Self

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace
from ..nn import MLP, Dropout, Reading, TextOnly
from ..ops import gelu_exact
from .base import Model
from .classifiers import PooledClassifier
from .deberta_config import DebertaConfig
from .deberta_layers import Block, ConvolutionLayer, EnhancedMaskDecoder
from .disentangled import DisentangledAttention, Distances, distances
from .heads import MaskedLMHead, SentenceEmbedding
from .start import Start


class Deberta(Model):
    """A DeBERTa of any version and size, with its masked-language-model head."""

    config: DebertaConfig

    def __init__(
        self, config: DebertaConfig, rng: np.random.Generator | None, dtype: np.typing.DTypeLike = np.float32
    ) -> None:
        """Random weights: Gaussian with standard deviation 0.02; biases 0. Without ``rng`` the weights are not set: for who fills them from a file next."""
        start, width, inner = Start(rng, dtype), config.width, config.mlp_width
        self.config = config
        self.tokenizer = None
        self.tokens = start.embedding(config.vocabulary, width)
        self.positions = start.embedding(config.context, width) if config.absolute else None
        self.types = start.embedding(config.types, width) if config.types else None
        self.norm = start.norm(width, config.epsilon)
        self.dropout = Dropout(config.dropout)
        self.relative = start.embedding(2 * config.span, width) if config.relative else None
        self.relative_norm = (
            start.norm(width, config.epsilon) if config.relative and config.normalised else None
        )
        self.inputs = TextOnly()

        def attention() -> DisentangledAttention:
            key, query = ("c2p" in config.relative), ("p2c" in config.relative)
            own = not config.share_keys
            return DisentangledAttention(
                start.linear(width, width),
                start.linear(width, width, bias=config.key_bias),
                start.linear(width, width),
                start.linear(width, width),
                position_key=start.linear(width, width, bias=config.key_bias) if key and own else None,
                position_query=start.linear(width, width) if query and own else None,
                relative=config.relative,
                heads=config.heads,
                dropout=config.dropout,
            )

        self.blocks = [
            Block(
                attention(),
                start.norm(width, config.epsilon),
                MLP(start.linear(width, inner), start.linear(inner, width), gelu_exact),
                start.norm(width, config.epsilon),
                config.dropout,
            )
            for _ in range(config.layers)
        ]
        self.convolution: ConvolutionLayer | None = None
        if (layer := config.convolution) is not None:
            weight, bias = start.gaussian(width, width, layer.kernel), np.zeros(width, dtype)
            norm = start.norm(width, config.epsilon)
            self.convolution = ConvolutionLayer(weight, bias, norm, layer.activation, config.dropout)
        self.decoder: EnhancedMaskDecoder | None = None
        if config.decoder is not None:
            self.decoder = EnhancedMaskDecoder(start.embedding(config.context, width), config.decoder)
        self.head = MaskedLMHead.begin(start, self.tokens, epsilon=config.epsilon, tied=config.tied)

    def states(
        self,
        ids: Array,
        *,
        mask: Array | None = None,
        types: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Iterator[Tensor]:
        """The embeddings' output, then that of each block: [rows, tokens, width] each. The arguments and errors are those of ``hidden``; a decoder has no part in it."""
        reading, x = self._embedded(ids, mask, types, rng)
        yield reading.text(x)
        for y in self._through(self.blocks, reading, x, rng):
            yield reading.text(y)

    def hidden(
        self,
        ids: Array,
        *,
        mask: Array | None = None,
        types: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """The output of the last block, or of the decoder where the model has one; the rest as every model's (``Model.hidden``)."""
        reading, x = self._embedded(ids, mask, types, rng)
        blocks = self.blocks if self.decoder is None else self.blocks[:-1]
        for x in self._through(blocks, reading, x, rng):  # noqa: B007, B020 (only the last is asked for)
            pass
        if self.decoder is not None:
            x = self.decoder(
                reading.enter(len(blocks), x),
                self.blocks[-1],
                places=self.places(reading.ids, reading.mask),
                far=self._far(reading.ids.shape[1]),
                mask=reading.mask,
                rng=rng,
            )
        return reading.text(x)

    def set_classifier(self, labels: int, rng: np.random.Generator | None) -> Self:
        """The authors' pooler (a dense layer and gelu on the first token), dropout, the output; the decoder, which belongs to pretraining, goes."""
        start, width = Start(rng, self.dtype), self.config.width
        head = PooledClassifier(
            start.linear(width, width),
            start.linear(width, labels),
            gelu_exact,
            dropout=self.config.dropout,
            dropout_before=0.0,
        )
        self._drop_decoder()
        return self.put_head(head)

    def set_embedding(self) -> Self:
        """As every model's; the decoder goes, and a classifier's dense layer with it, for which DeBERTa's files have no place beside an embedding."""
        self._drop_decoder()
        self.head = SentenceEmbedding()
        return self

    def _drop_decoder(self) -> None:
        self.decoder = None
        self.config = replace(self.config, decoder=None)

    def _embedded(
        self, ids: Array, mask: Array | None, types: Array | None, rng: np.random.Generator | None
    ) -> tuple[Reading, Tensor]:
        """What is read, and its embeddings: [rows, read, width]."""
        self.check_ids(ids)
        self.check_types(types, self.config.types)
        self.check_length(ids, mask)
        reading = self.inputs(self.here(ids), self.here(mask))
        x = reading.embed(self.tokens(reading.ids))
        if self.positions is not None:
            x = x + self.positions(self.places(reading.ids, reading.mask))
        if self.types is not None:
            of_text = self.here(np.zeros((1, 1), int) if types is None else types)
            x = x + self.types(of_text if types is None else reading.spread(of_text, 0))
        return reading, self.dropout(self.norm(x), rng)

    def _through(
        self, blocks: list[Block], reading: Reading, x: Tensor, rng: np.random.Generator | None
    ) -> Iterator[Tensor]:
        """What each of ``blocks`` makes of the embeddings x: [rows, read, width] each."""
        far, mask, embedded = self._far(x.shape[1]), reading.mask, x
        for number, block in enumerate(blocks):
            x = block(reading.enter(number, x), far=far, mask=mask, rng=rng)
            if number == 0 and self.convolution is not None:
                x = self.convolution(embedded, x, mask=mask, rng=rng)
            yield x

    def _far(self, tokens: int) -> Distances:
        """The rows of the table that texts of this length need, and where each distance finds its own."""
        xp = namespace(self.tokens.weight.data)
        places = distances(tokens, self.config.distance, self.config.buckets)  # [2·tokens]
        if self.relative is None:
            return Distances(None, xp.asarray(places))
        first, last = int(places[1:].min()), int(places.max())  # −tokens itself never occurs
        table = self.relative(xp.arange(first, last + 1))  # [distances, width]
        if self.relative_norm is not None:
            table = self.relative_norm(table)
        return Distances(table, xp.asarray(np.maximum(places - first, 0)))
