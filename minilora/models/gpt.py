"""GPT-2, exactly: a decoder of pre-LN blocks with learned positions, tanh-GELU and a head tied to the token embedding.

Radford et al. 2019; every detail as in the published checkpoints (``checkpoint.py`` reads those). For each block

    x ← x + attention(norm_1(x))        x ← x + mlp(norm_2(x))

and after the last one a final norm; the logits are its output times the transposed token embedding.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from ..autograd import Tensor, no_grad
from ..backend import Array, namespace
from ..errors import InputError
from ..nn import Attention, Dropout, Embedding, LayerCache, LayerNorm, Linear, Module, TextOnly
from ..ops import IGNORED, gelu, head_cross_entropy, linear


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a model. width must be divisible by heads; dropout acts only where a generator is given (GPT-2: 0.1)."""

    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int
    epsilon: float = 1e-5
    dropout: float = 0.1

    def __post_init__(self) -> None:
        for name in ("vocabulary", "context", "width", "layers", "heads"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.width % self.heads:
            raise InputError(
                f"width must be divisible by heads, but {self.width} is not divisible by {self.heads}"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout must be at least 0 and below 1, not {self.dropout}")

    @property
    def mlp_width(self) -> int:
        """How wide the MLP is inside."""
        return 4 * self.width

    @property
    def parameters(self) -> int:
        """(V + C)·d + L·(12d² + 13d) + 2d: embeddings of V tokens and C positions, L blocks, the last norm; the head is the token embedding."""
        d = self.width
        return (self.vocabulary + self.context) * d + self.layers * (12 * d * d + 13 * d) + 2 * d

    @property
    def biases(self) -> int:
        """L·11d + d: of query, key, value and output (4d), up and down (5d) and two norms (2d) in each block, and of the last norm."""
        return (11 * self.layers + 1) * self.width


class TrainingBatch(Protocol):
    """What a loss is computed from (``data.Batch`` is one)."""

    @property
    def ids(self) -> Array: ...

    @property
    def targets(self) -> Array: ...


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


class MLP(Module):
    """down(gelu(up(x))), four times as wide inside."""

    def __init__(self, up: Linear, down: Linear) -> None:
        self.up, self.down = up, down

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        return self.down(gelu(self.up(x, rng)), rng)


class Block(Module):
    """One layer: attention and MLP, each on a normalised input and added to it."""

    post_norm: ClassVar[bool] = False
    """Whether the last thing in a block is ``norm_2`` of all that was added up."""

    def __init__(
        self, norm_1: LayerNorm, attention: Attention, norm_2: LayerNorm, mlp: MLP, dropout: float
    ) -> None:
        self.norm_1, self.attention, self.norm_2, self.mlp = norm_1, attention, norm_2, mlp
        self.dropout = Dropout(dropout)

    def __call__(
        self,
        x: Tensor,
        *,
        mask: Array | None = None,
        cache: LayerCache | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        x = x + self.dropout(
            self.attention(self.norm_1(x), causal=True, mask=mask, cache=cache, rng=rng), rng
        )
        return x + self.dropout(self.mlp(self.norm_2(x), rng), rng)


class GPT(Module):
    """A GPT-2 of any size. ``tokenizer`` is set where the model was loaded with one, and is None otherwise."""

    def __init__(
        self, config: GPTConfig, rng: np.random.Generator | None, dtype: np.typing.DTypeLike = np.float32
    ) -> None:
        """Random weights as GPT-2 starts: Gaussian with standard deviation 0.02, over √(2·layers) for what is added to the residual; biases 0.

        Without ``rng`` the weights are not set at all: for who fills them from a file next.
        """
        width = config.width

        def gaussian(*shape: int, std: float = 0.02) -> Array:
            if rng is None:
                return np.empty(shape, dtype)
            # drawn in float32: a float64 temporary of a large table would double the peak of memory
            return (rng.standard_normal(shape, dtype=np.float32) * np.float32(std)).astype(dtype, copy=False)

        def layer(into: int, out: int, std: float = 0.02) -> Linear:
            return Linear(gaussian(out, into, std=std), np.zeros(out, dtype))

        def norm() -> LayerNorm:
            return LayerNorm(width, config.epsilon, dtype)

        residual = 0.02 / math.sqrt(2 * config.layers)
        self.config = config
        self.tokenizer: Any = None
        self.tokens = Embedding(gaussian(config.vocabulary, width))
        self.positions = Embedding(gaussian(config.context, width, std=0.01))
        self.dropout = Dropout(config.dropout)
        self.inputs = TextOnly()
        self.blocks = [
            Block(
                norm(),
                Attention(
                    layer(width, width),
                    layer(width, width),
                    layer(width, width),
                    layer(width, width, residual),
                    config.heads,
                    config.dropout,
                ),
                norm(),
                MLP(layer(width, 4 * width), layer(4 * width, width, residual)),
                config.dropout,
            )
            for _ in range(config.layers)
        ]
        self.norm = norm()

    def hidden(
        self,
        ids: Array,
        *,
        mask: Array | None = None,
        cache: Cache | None = None,
        prompt: Array | None = None,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """The output of the final norm: [rows, tokens, width].

        ids: int [rows, tokens]. mask: bool [rows, tokens], False where padding stands; positions count real tokens only, so a row may be padded on either side.
        With ``cache``, ids are the tokens after those in it, and mask covers both: [rows, cached + tokens]. prompt: int [rows], how many tokens of a row are its
        prompt (None, or with a cache: all that are read first); only prefix methods ask. rng: draw dropout from it; without, there is none.
        Raises InputError when an id is outside the vocabulary or the row is longer than the context.
        """
        start = 0 if cache is None else cache.length
        if cache is not None and start == 0:
            cache.prompt = ids.shape[-1]
        self._check_ids(ids)
        reading = self.inputs(ids, mask, prompt=prompt if cache is None else cache.prompt, start=start)
        ids, mask = reading.ids, reading.mask
        self._check_length(ids, mask, start)
        x = reading.embed(self.tokens(ids)) + self.positions(self._places(ids, mask, start))
        x = self.dropout(x, rng)
        for number, block in enumerate(self.blocks):
            x = block(
                reading.enter(number, x), mask=mask, cache=None if cache is None else cache[number], rng=rng
            )
        return reading.predictions(self.norm(x))

    def __call__(
        self, ids: Array, *, mask: Array | None = None, rng: np.random.Generator | None = None
    ) -> Tensor:
        """Logits of the next token at every position: [rows, tokens, vocabulary]."""
        return linear(self.hidden(ids, mask=mask, rng=rng), self.tokens.weight, None)

    def logits(self, ids: Any, mask: Any = None) -> Array:
        """Logits of the next token, as a plain array and without a tape. ids, mask: [rows, tokens] or, for one row, [tokens]; the result has the same leading axes."""
        xp = namespace(self.tokens.weight.data)
        ids = xp.asarray(ids)
        rows = ids.reshape(-1, ids.shape[-1])  # [rows, tokens]
        mask = None if mask is None else xp.asarray(mask, dtype=bool).reshape(rows.shape)
        with no_grad():
            found = self(rows, mask=mask).data
        return found.reshape(*ids.shape, -1)

    def loss(
        self,
        batch: TrainingBatch,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """Mean cross-entropy (nats) of the targets that count, or their sum over ``divisor`` where the batch is one shard of a larger one.

        Rows are padded on the right: what follows a token cannot influence it, and padding is outside the loss; so no mask is needed.
        """
        counts = batch.targets != IGNORED  # [rows, tokens]
        counted = int(counts.sum())
        prompt = counts.argmax(axis=-1) + 1  # what comes before the first target that counts
        return head_cross_entropy(
            self.hidden(batch.ids, prompt=prompt, rng=rng),
            self.tokens.weight,
            None,
            targets=batch.targets,
            divisor=float(max(counted, 1)) if divisor is None else divisor,
            smoothing=smoothing,
        )

    def new_cache(self, rows: int, tokens: int) -> Cache:
        """An empty cache with room for ``tokens`` positions of ``rows`` rows."""
        weight = self.tokens.weight.data
        empty = namespace(weight).empty
        shape = (rows, tokens + self.inputs.extra, self.config.width)
        return Cache(LayerCache(empty(shape, weight.dtype), empty(shape, weight.dtype)) for _ in self.blocks)

    @property
    def room(self) -> int:
        """How many tokens of text fit into the context: all of it, without the special tokens of a prefix method."""
        return self.config.context - self.inputs.extra

    def extra_repr(self) -> str:
        c = self.config
        return (
            f"{c.layers} layers × {c.width}, {c.heads} heads, vocabulary {c.vocabulary}, context {c.context}"
        )

    def _check_ids(self, ids: Array) -> None:
        if ids.size and not (int(ids.min()) >= 0 and int(ids.max()) < self.config.vocabulary):
            raise InputError(
                f"token ids must lie in 0 … {self.config.vocabulary - 1}, but {int(ids.min())} … {int(ids.max())} were given; "
                "does the tokenizer belong to this model?"
            )

    def _check_length(self, ids: Array, mask: Array | None, start: int) -> None:
        end = (
            start + ids.shape[-1] if mask is None else int(mask.sum(axis=-1).max())
        )  # padding takes no position
        if end > self.config.context:
            extra = self.inputs.extra
            special = f" and {extra} special tokens of the prefix" if extra else ""
            raise InputError(
                f"the text has {end - extra} tokens{special}, more than the model's context of {self.config.context}; shorten it"
            )

    def _places(self, ids: Array, mask: Array | None, start: int) -> Array:
        """The position of each token: int [rows, tokens], or [tokens] where all rows are alike."""
        xp = namespace(self.tokens.weight.data)
        if mask is None:
            return xp.arange(start, start + ids.shape[-1])
        return xp.maximum(xp.cumsum(mask, axis=-1)[:, start:] - 1, 0)
