"""GPT-2 and GPT-3: decoders of pre-LN blocks with learned positions, tanh-GELU and a head that is usually the token embedding.

Radford et al. 2019; every detail as in the published checkpoints (``checkpoint.py`` reads those). Comes after ``base.py`` and ``heads.py``. For each block

    x ← x + attention(norm_1(x))        x ← x + mlp(norm_2(x))

and after the last one a final norm; the logits are its output times the transposed token embedding. GPT-3 (Brown et al. 2020, section 2.1) is the same with a ``band``: in every
second block a token attends only to the last so many positions (local attention, Child et al. 2019). The paper doesn't say how wide its bands are.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace
from ..errors import InputError
from ..nn import MLP, Attention, Dropout, LayerCache, LayerNorm, Module, Parameter, TextOnly
from ..ops import IGNORED, gelu
from .base import Model, TrainingBatch
from .classifiers import LastTokenClassifier
from .heads import LanguageModelHead
from .shape import LayerShape, check_shape, usual_layers
from .start import Start


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a model. width must be divisible by heads; dropout acts only where a generator is given (GPT-2: 0.1).

    tied: whether the output head is the token embedding. band: None where every block attends to all positions; w where blocks 1, 3, 5, … attend to the last w only, the
    token's own included.
    """

    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int
    epsilon: float = 1e-5
    dropout: float = 0.1
    tied: bool = True
    band: int | None = None

    def __post_init__(self) -> None:
        check_shape(self)
        if self.band is not None and self.band < 1:
            raise InputError(f"band must be at least 1 position, not {self.band}")

    @property
    def mlp_width(self) -> int:
        """How wide the MLP is inside."""
        return 4 * self.width

    @property
    def parameters(self) -> int:
        """(V + C)·d + L·(12d² + 13d) + 2d: embeddings of V tokens and C positions, L blocks, the last norm; without a head, which usually is the token embedding."""
        d = self.width
        return (self.vocabulary + self.context) * d + self.layers * self.block_parameters + 2 * d

    @property
    def block_parameters(self) -> int:
        """12d² + 13d: four square matrices and an MLP of 8d², 9d biases, two norms of 2d."""
        return 12 * self.width**2 + 13 * self.width

    @property
    def block_layers(self) -> dict[str, LayerShape]:
        """As everywhere."""
        return usual_layers(self.width, self.mlp_width)

    @property
    def biases(self) -> int:
        """L·11d + d: of query, key, value and output (4d), up and down (5d) and two norms (2d) in each block, and of the last norm."""
        return (11 * self.layers + 1) * self.width


class Cache(list[LayerCache]):
    """Keys and values of every layer, for generation: see ``GPT.new_cache``. prompt: how many tokens of text were read first."""

    prompt: int | None = None

    @property
    def length(self) -> int:
        """Positions seen so far."""
        return self[0].length

    def select(self, rows: Array, *, start: int = 0) -> None:
        """Keep ``rows`` of every layer, in the order given: see ``LayerCache.select``."""
        for layer in self:
            layer.select(rows, start=start)


class Block(Module):
    """One layer: attention and MLP, each on a normalised input and added to it."""

    post_norm: ClassVar[bool] = False
    """Whether the last thing in a block is ``norm_2`` of all that was added up."""

    def __init__(
        self,
        norm_1: LayerNorm,
        attention: Attention,
        norm_2: LayerNorm,
        mlp: MLP,
        dropout: float,
        band: int | None,
    ) -> None:
        self.norm_1, self.attention, self.norm_2, self.mlp = norm_1, attention, norm_2, mlp
        self.dropout = Dropout(dropout)
        self.band = band

    def __call__(
        self,
        x: Tensor,
        *,
        mask: Array | None = None,
        cache: LayerCache | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        mixed = self.attention(self.norm_1(x), causal=True, mask=mask, band=self.band, cache=cache, rng=rng)
        x = x + self.dropout(mixed, rng)
        return x + self.dropout(self.mlp(self.norm_2(x), rng), rng)

    def extra_repr(self) -> str:
        return "" if self.band is None else f"the last {self.band} positions"


class GPT(Model):
    """A GPT-2 or GPT-3 of any size, with its language-model head."""

    config: GPTConfig

    def __init__(
        self, config: GPTConfig, rng: np.random.Generator | None, dtype: np.typing.DTypeLike = np.float32
    ) -> None:
        """Random weights as GPT-2 starts: Gaussian with standard deviation 0.02, over √(2·layers) for what is added to the residual; biases 0.

        Without ``rng`` the weights are not set at all: for who fills them from a file next.
        """
        start, width, inner = Start(rng, dtype), config.width, config.mlp_width
        residual = 0.02 / math.sqrt(2 * config.layers)
        self.config = config
        self.tokenizer: Any = None
        self.tokens = start.embedding(config.vocabulary, width)
        self.positions = start.embedding(config.context, width, std=0.01)
        self.dropout = Dropout(config.dropout)
        self.inputs = TextOnly()
        self.blocks = [
            Block(
                start.norm(width, config.epsilon),
                Attention(
                    start.linear(width, width),
                    start.linear(width, width),
                    start.linear(width, width),
                    start.linear(width, width, std=residual),
                    config.heads,
                    config.dropout,
                ),
                start.norm(width, config.epsilon),
                MLP(start.linear(width, inner), start.linear(inner, width, std=residual), gelu),
                config.dropout,
                config.band if number % 2 else None,
            )
            for number in range(config.layers)
        ]
        self.norm = start.norm(width, config.epsilon)
        weight = self.tokens.weight if config.tied else Parameter(start.gaussian(config.vocabulary, width))
        self.head = LanguageModelHead(weight)

    def set_classifier(self, labels: int, rng: np.random.Generator | None) -> Self:
        """``score`` at the last real token (Radford et al. 2018), as transformers has it."""
        start = Start(rng, self.dtype)
        return self.put_head(LastTokenClassifier(start.linear(self.config.width, labels, bias=False)))

    def hidden(
        self,
        ids: Array,
        *,
        mask: Array | None = None,
        types: Array | None = None,
        cache: Cache | None = None,
        prompt: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """The output of the final norm: [rows, tokens, width].

        ids: int [rows, tokens]. mask: bool [rows, tokens], False where padding stands; positions count real tokens only, so a row may be padded on either side.
        With ``cache``, ids are the tokens after those in it, and mask covers both: [rows, cached + tokens]. prompt: int [rows], how many tokens of a row are its
        prompt (None, or with a cache: all that are read first); only prefix methods ask. rng: draw dropout from it; without, there is none.
        Raises InputError when an id is outside the vocabulary, the row is longer than the context, or types are given, which a GPT doesn't have.
        """
        start = 0 if cache is None else cache.length
        if cache is not None and start == 0:
            cache.prompt = ids.shape[-1]
        self.check_ids(ids)
        self.check_types(types, 0)
        self.check_length(ids, mask, start)
        ids, mask = self.here(ids), self.here(mask)
        reading = self.inputs(ids, mask, prompt=prompt if cache is None else cache.prompt, start=start)
        ids, mask = reading.ids, reading.mask
        x = reading.embed(self.tokens(ids)) + self.positions(self.places(ids, mask, start))
        x = self.dropout(x, rng)
        for number, block in enumerate(self.blocks):
            x = block(
                reading.enter(number, x), mask=mask, cache=None if cache is None else cache[number], rng=rng
            )
        return reading.predictions(self.norm(x))

    def loss(
        self,
        batch: TrainingBatch,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """As every model's (``Model.loss``). Rows are padded on the right: what follows a token cannot influence it, so the body needs no mask."""
        if batch.targets.ndim == 1:
            prompt = batch.mask.sum(axis=-1)
        else:
            prompt = (batch.targets != IGNORED).argmax(
                axis=-1
            ) + 1  # what comes before the first target that counts
        hidden = self.hidden(batch.ids, prompt=prompt, rng=rng)
        return self.head.loss(hidden, batch, divisor=divisor, smoothing=smoothing, rng=rng)

    def new_cache(self, rows: int, tokens: int) -> Cache:
        """An empty cache with room for ``tokens`` positions of ``rows`` rows."""
        empty = namespace(self.tokens.weight.data).empty
        shape = (rows, tokens + self.inputs.extra, self.config.width)
        return Cache(LayerCache(empty(shape, self.dtype), empty(shape, self.dtype)) for _ in self.blocks)
