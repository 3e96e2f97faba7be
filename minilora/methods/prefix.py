"""Prefix methods as values: trainable tokens, or trainable activations, around every text, and no weight changed (the paper's PreEmbed and PreLayer, section 5.1).

Comes after ``special.py``, which puts them in the model's way. Both take positions of the context away from the text, which the paper holds against them (section 3).
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..autograd import no_grad
from ..backend import Array, namespace, wide
from ..errors import InputError
from ..nn import Module
from .base import LayerReport, Method, Shapes, Size, norm
from .layers import Additions, base_parameters, innermost, wrap
from .partial import block_of
from .special import EmbeddedTokens, Recorder, ReplacedActivations, SpecialInputs, SpecialTokens

UNMERGEABLE = "a prefix cannot be merged: it stands beside the text, as further tokens, and no weight can take the place of a token; adapt with LoRA if merging is needed"


EMBEDDING = "tokens.weight"


@dataclass(frozen=True)
class Prefix(Method):
    """What both prefix methods share: ``prefix`` special tokens before each text, ``infix`` after its prompt; at least one in all, and fewer than the context has.

    The prompt is what comes before the first token that the loss counts, or, outside of training, the whole text.
    """

    prefix: int = 8
    infix: int = 0

    def __post_init__(self) -> None:
        for name in ("prefix", "infix"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
                raise InputError(f"{name} must be a whole number of at least 0, not {value!r}")
            object.__setattr__(self, name, int(value))  # a frozen value is completed here
        if self.count == 0:
            raise InputError(
                "prefix and infix are both 0, so nothing would be trained; give at least one token"
            )

    @property
    def count(self) -> int:
        """l_p + l_i: how many special tokens there are."""
        return self.prefix + self.infix

    @property
    def positions(self) -> int:
        """As many as there are special tokens."""
        return self.count

    def install(self, model: Module, name: str, rng: np.random.Generator) -> Additions:
        """Put special tokens into the model's ``inputs``. Raises InputError where they leave no room for a text in its context."""
        self._check(model)
        reader: Any = model
        drawn = rng.integers(0, reader.config.vocabulary, self.count)
        with no_grad():
            special = self._start(reader, drawn)
        inputs = wrap(model, {"inputs": innermost(reader.inputs)}, SpecialInputs, outermost=True)["inputs"]
        inputs.adapters[name] = special
        shapes = {key: p.shape for key, p in base_parameters(model).items() if self._beside(key)}
        return Additions(model, name, {"inputs": inputs}, shapes, UNMERGEABLE)

    def _check(self, model: Module) -> None:
        reader: Any = model
        if self.count >= reader.config.context:
            raise InputError(
                f"prefix and infix are {self.prefix} and {self.infix} tokens, which leave no room for a text in the model's context of {reader.config.context}; "
                f"give at most {reader.config.context - 1} in all"
            )

    @abstractmethod
    def _start(self, model: Any, drawn: Array) -> SpecialTokens:
        """The special tokens as they are at the start, made from tokens drawn from the vocabulary: int [count]."""

    @abstractmethod
    def _beside(self, name: str) -> bool:
        """Whether the shape of the base's weight of this name decides a shape of the special tokens'."""

    def claims(self, model: Module) -> set[str]:
        """The model's inputs: a text has one prefix at most."""
        self._check(model)
        return {"what is read before and after the text"}

    def report(
        self, name: str, arrays: Mapping[str, Array], base_shapes: Shapes, base: Mapping[str, Array] | None
    ) -> list[LayerReport]:
        """One row an array, with its norm; further tokens always change what a text's tokens attend to."""
        return [
            LayerReport(name, key, None, None, norm(arrays[key]), None, True)
            for key in self.weight_shapes(base_shapes)
        ]


@dataclass(frozen=True)
class PrefixEmbedding(Prefix):
    """Special tokens with trainable word embeddings (the paper's PreEmbed): d·(l_p + l_i) numbers.

    At the start they are the embeddings of random tokens of the vocabulary, so the model computes what its base does with these tokens in the text.
    """

    method: ClassVar[str] = "prefix-embedding"

    def _start(self, model: Any, drawn: Array) -> SpecialTokens:
        W = model.tokens.weight.data
        return EmbeddedTokens(self.prefix, self.infix, _stand_in(model), wide(W[namespace(W).asarray(drawn)]))

    def _beside(self, name: str) -> bool:
        return name == EMBEDDING

    def trainable(self, size: Size) -> int:
        """d·(l_p + l_i)."""
        return size.width * self.count

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """[l_p + l_i, d]."""
        return (
            {"inputs.embedding": (self.count, base_shapes[EMBEDDING][1])} if EMBEDDING in base_shapes else {}
        )


@dataclass(frozen=True)
class PrefixLayer(Prefix):
    """Special tokens with a trainable activation at the entrance of every block (the paper's PreLayer): L·d·(l_p + l_i) numbers.

    What a block puts out at these tokens is replaced before the next one reads it. The last block's outputs there stay: the first token of an answer
    is predicted from the last of them. At the start they are what random tokens of the vocabulary, read alone, have as activations.
    """

    method: ClassVar[str] = "prefix-layer"

    def _start(self, model: Any, drawn: Array) -> SpecialTokens:
        recorder, inputs = Recorder(), model.inputs
        model.set_module("inputs", recorder)
        try:
            model.hidden(namespace(model.tokens.weight.data).asarray(drawn)[None])
        finally:
            model.set_module("inputs", inputs)
        return ReplacedActivations(self.prefix, self.infix, _stand_in(model), recorder.seen)

    def _beside(self, name: str) -> bool:
        return name.endswith(".attention.query.weight") and block_of(name) is not None

    def trainable(self, size: Size) -> int:
        """L·d·(l_p + l_i)."""
        return size.layers * size.width * self.count

    def weight_shapes(self, base_shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """[l_p + l_i, d] for each block."""
        return {
            f"inputs.blocks.{block_of(name)}": (self.count, shape[1])
            for name, shape in base_shapes.items()
            if self._beside(name)
        }


def _stand_in(model: Any) -> int:
    """A token that is no padding; RoBERTa counts positions by its ids."""
    return 1 if getattr(model.config, "padding", None) == 0 else 0
