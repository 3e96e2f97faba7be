"""Special tokens around a text: what a model reads once a prefix method is installed in it (Li & Liang 2021; the paper, section 5.1).

    P P a b c I I d e        prefix, prompt (a b c), infix, and what follows the prompt (d e)

Comes before ``prefix.py``, whose methods say what stands at P and I. Special tokens take positions like others: the text's own count on after them.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from ..autograd import Tensor
from ..backend import Array, namespace
from ..nn import Module, Parameter, Reading, TextOnly
from ..ops import pick, place
from .layers import Wrapper


class SpecialTokens(Module):
    """``prefix`` tokens before each text and ``infix`` after its prompt, with trainable vectors in the order P … P I … I.

    stand_in: the token that stands in their places among the ids, where only its being no padding matters.
    """

    def __init__(self, prefix: int, infix: int, stand_in: int) -> None:
        self.prefix, self.infix, self.stand_in = prefix, infix, stand_in

    @property
    def count(self) -> int:
        """How many there are."""
        return self.prefix + self.infix

    @abstractmethod
    def embed(self, x: Tensor, places: Array) -> Tensor:
        """The word embeddings x, [rows, read, width], with these tokens' own at their places, int [rows, count]."""

    @abstractmethod
    def enter(self, block: int, x: Tensor, places: Array) -> Tensor:
        """The input x of a block, [rows, read, width], with what these tokens have there."""

    def extra_repr(self) -> str:
        return f"{self.prefix} before the text, {self.infix} after its prompt"


class EmbeddedTokens(SpecialTokens):
    """Special tokens that have word embeddings, and go through all blocks as other tokens do. embedding: [count, width]."""

    def __init__(self, prefix: int, infix: int, stand_in: int, embedding: Array) -> None:
        super().__init__(prefix, infix, stand_in)
        self.embedding = Parameter(embedding, trainable=False)

    def embed(self, x: Tensor, places: Array) -> Tensor:
        return place(x, self.embedding, places=places)

    def enter(self, block: int, x: Tensor, places: Array) -> Tensor:
        return x


class ReplacedActivations(SpecialTokens):
    """Special tokens whose activations are given to every block, whatever the block before made of them. blocks: [count, width] for each."""

    def __init__(self, prefix: int, infix: int, stand_in: int, blocks: Sequence[Array]) -> None:
        super().__init__(prefix, infix, stand_in)
        self.blocks = [Parameter(array, trainable=False) for array in blocks]

    def embed(self, x: Tensor, places: Array) -> Tensor:
        return x

    def enter(self, block: int, x: Tensor, places: Array) -> Tensor:
        return place(x, self.blocks[block], places=places)


@dataclass(frozen=True)
class SpecialReading(Reading):
    """A batch with special tokens: ids and mask have their positions, and ``own`` and ``places`` say which they are.

    own: int [rows, tokens], where each token of the text stands; places: int [rows, count], where the special ones do; last: int [rows, tokens], as ``own`` but
    for the last token of a prompt, which is the last infix token instead.
    """

    special: SpecialTokens
    own: Array
    places: Array
    last: Array

    def spread(self, values: Array, fill: int) -> Array:
        return spread(values, self.own, self.ids.shape[-1], fill)

    def embed(self, x: Tensor) -> Tensor:
        return self.special.embed(x, self.places)

    def enter(self, block: int, x: Tensor) -> Tensor:
        return self.special.enter(block, x, self.places)

    def text(self, x: Tensor) -> Tensor:
        return pick(x, places=self.own)

    def predictions(self, x: Tensor) -> Tensor:
        return pick(x, places=self.last)


class SpecialInputs(Wrapper[SpecialTokens]):
    """The model's ``inputs``, with special tokens by adapter name; those of the active one are read with every text."""

    base: TextOnly

    @property
    def extra(self) -> int:
        """How many positions of the context the active adapter's tokens take."""
        return 0 if self.active is None else self.adapters[self.active].count

    def __call__(
        self, ids: Array, mask: Array | None, *, prompt: Array | int | None = None, start: int = 0
    ) -> Reading:
        """See ``nn.TextOnly``. Columns of padding stay where they are, between the prefix and the text or behind it: they take no position."""
        if self.active is None:
            return self.base(ids, mask, prompt=prompt, start=start)
        special, xp = self.adapters[self.active], namespace(ids)
        # with a cache, ids are the newest tokens alone and mask covers the whole text, so the columns are counted by it
        rows, tokens = ids.shape if start == 0 or mask is None else mask.shape
        end = xp.broadcast_to(xp.asarray(_ends(ids, mask) if prompt is None else prompt), (rows,))  # [rows]
        columns = xp.arange(tokens)
        # a token moves right by the prefix, and one behind the prompt by the infix too
        own = special.prefix + columns + (columns >= end[:, None]) * special.infix  # [rows, tokens]
        read = tokens + special.count
        seen = None if mask is None else spread(mask, own, read, True)
        if start > 0:  # the special tokens are in the cache
            return Reading(ids, seen)
        before = xp.broadcast_to(xp.arange(special.prefix), (rows, special.prefix))
        after = special.prefix + end[:, None] + xp.arange(special.infix)  # [rows, infix]
        last = own + (columns == end[:, None] - 1) * special.infix
        places = xp.concatenate([before, after], axis=1)
        return SpecialReading(spread(ids, own, read, special.stand_in), seen, special, own, places, last)


def spread(values: Array, own: Array, read: int, fill: int) -> Array:
    """``values`` [rows, tokens] at the columns ``own`` of [rows, read], and ``fill`` in the others."""
    xp = namespace(values)
    wide = xp.full((len(values), read), fill, dtype=values.dtype)
    wide[xp.arange(len(values))[:, None], own] = values
    return wide


def _ends(ids: Array, mask: Array | None) -> Array | int:
    """Where the text of each row ends: behind its last token that is no padding."""
    return ids.shape[-1] if mask is None else mask.shape[-1] - mask[:, ::-1].argmax(axis=-1)


@dataclass(frozen=True)
class Recording(Reading):
    """A reading of the text alone that keeps what enters each block: [tokens, width] of the first row, one array a block."""

    seen: list[Array]

    def enter(self, block: int, x: Tensor) -> Tensor:
        self.seen.append(x.data[0])
        return x


class Recorder(TextOnly):
    """In the place of a model's ``inputs``, it records into ``seen`` what enters the blocks."""

    def __init__(self) -> None:
        self.seen: list[Array] = []

    def __call__(
        self, ids: Array, mask: Array | None, *, prompt: Array | int | None = None, start: int = 0
    ) -> Reading:
        return Recording(ids, mask, self.seen)
