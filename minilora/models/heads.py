"""Heads: what stands on a model's body and turns its vectors into answers, one class a kind.

Comes before ``classifiers.py``, the heads of tasks, and before ``base.py``. A model has one head at a time, under the attribute ``head``. Language-model heads come from pretraining and often share the matrix of the token
embedding; the head of a task is new, and every method trains it (``task``).
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace
from ..errors import InputError
from ..nn import Embedding, LayerNorm, Linear, Module, Parameter
from ..ops import IGNORED, counted_targets, embedding, gelu_exact, head_cross_entropy, linear, sqrt
from .start import Start


@dataclass(frozen=True)
class HeadKind:
    """Which head a model has. kind: ``"language-model"``, ``"masked-lm"``, ``"classifier"`` or ``"embedding"``; labels: of a classifier, 1 for a regression; pooled: whether an
    embedding keeps a pooler."""

    kind: str
    labels: int = 0
    pooled: bool = False


class Head(Module):
    """Turns a body's output into answers, and answers into a loss."""

    kind: ClassVar[str]
    task: ClassVar[bool] = False
    """Whether the head belongs to a task rather than to pretraining: then it begins at random, and every method of adaptation trains it."""

    @abstractmethod
    def __call__(
        self, hidden: Tensor, *, mask: Array | None = None, rng: np.random.Generator | None = None
    ) -> Tensor:
        """hidden: [rows, tokens, width]; mask: bool [rows, tokens], False at padding. The shape of the answers is the head's."""

    @abstractmethod
    def loss(
        self,
        hidden: Tensor,
        batch: Any,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """The loss summed over the targets of ``batch`` that count, over ``divisor`` (their number when None)."""

    def describe(self) -> HeadKind:
        """The head as a value."""
        return HeadKind(self.kind)

    @property
    def pooler(self) -> Linear | None:
        """The layer that pools the first token, where the head has one: BERT's pretraining trains it, and a new head takes it over."""
        return None


class LanguageModelHead(Head):
    """Logits of the next token, W h. weight: [vocabulary, width], usually the token embedding itself."""

    kind = "language-model"

    def __init__(self, weight: Parameter) -> None:
        self.weight = weight

    def __call__(
        self, hidden: Tensor, *, mask: Array | None = None, rng: np.random.Generator | None = None
    ) -> Tensor:
        """[rows, tokens, vocabulary]."""
        return linear(hidden, self.weight, None)

    def loss(
        self,
        hidden: Tensor,
        batch: Any,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """Cross-entropy in nats."""
        targets = _of_tokens(batch.targets)
        divisor = count(targets) if divisor is None else divisor
        return head_cross_entropy(
            hidden, self.weight, None, targets=targets, divisor=divisor, smoothing=smoothing
        )

    def extra_repr(self) -> str:
        return f"{self.weight.shape[1]} → {self.weight.shape[0]}, no bias"


class MaskedLMHead(Head):
    """Logits of the token at each place, W norm(gelu(dense(h))) + b (Devlin et al. 2019). weight: [vocabulary, width], usually the token embedding itself; bias: [vocabulary]."""

    kind = "masked-lm"

    def __init__(self, dense: Linear, norm: LayerNorm, weight: Parameter, bias: Parameter) -> None:
        self.dense, self.norm = dense, norm
        self.weight, self.bias = weight, bias

    @classmethod
    def begin(cls, start: Start, tokens: Embedding, *, epsilon: float, tied: bool) -> Self:
        """A new head for a body with the token embedding ``tokens``, whose matrix it shares where ``tied``; otherwise it draws one of that shape."""
        vocabulary, width = tokens.weight.shape
        return cls(
            start.linear(width, width),
            start.norm(width, epsilon),
            tokens.weight if tied else Parameter(start.gaussian(vocabulary, width)),
            Parameter(np.zeros(vocabulary, start.dtype)),
        )

    def __call__(
        self, hidden: Tensor, *, mask: Array | None = None, rng: np.random.Generator | None = None
    ) -> Tensor:
        """[rows, tokens, vocabulary]."""
        return linear(self._transformed(hidden, rng), self.weight, self.bias)

    def loss(
        self,
        hidden: Tensor,
        batch: Any,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """Cross-entropy in nats. Only the places that count, usually 15% of them, go through the head."""
        targets = _of_tokens(batch.targets).ravel()
        counted, _ = counted_targets(targets, namespace(hidden.data))
        found = embedding(hidden.reshape(-1, hidden.shape[-1]), ids=counted)  # [counted, width]
        return head_cross_entropy(
            self._transformed(found, rng),
            self.weight,
            self.bias,
            targets=targets[targets != IGNORED],
            divisor=count(targets) if divisor is None else divisor,
            smoothing=smoothing,
        )

    def _transformed(self, hidden: Tensor, rng: np.random.Generator | None) -> Tensor:
        return self.norm(gelu_exact(self.dense(hidden, rng)))


class SentenceEmbedding(Head):
    """The mean of the vectors of all real tokens, scaled to length 1, so that the product of two embeddings is the cosine of their angle (Reimers & Gurevych 2019).

    Nothing is learned here. dense: BERT's pooler, where a file has it: no part of the embedding, kept for a classifier that is put here later and for saving.
    """

    kind = "embedding"

    def __init__(self, dense: Linear | None = None) -> None:
        self.dense = dense

    def describe(self) -> HeadKind:
        return HeadKind(self.kind, pooled=self.dense is not None)

    @property
    def pooler(self) -> Linear | None:
        return self.dense

    def __call__(
        self, hidden: Tensor, *, mask: Array | None = None, rng: np.random.Generator | None = None
    ) -> Tensor:
        """[rows, width]."""
        if mask is None:
            average = hidden.mean(axis=1)
        else:
            share = mask / mask.sum(axis=1, keepdims=True)  # [rows, tokens]
            average = (hidden * share[:, :, None].astype(hidden.dtype)).sum(axis=1)  # [rows, width]
        return average / sqrt((average * average).sum(axis=1, keepdims=True))

    def loss(
        self,
        hidden: Tensor,
        batch: Any,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """Raises InputError: an embedding has no target of its own."""
        raise InputError(
            "a sentence embedding has nothing to learn from a batch; put a classifier on the model with set_classifier"
        )


def _of_tokens(targets: Array) -> Array:
    if targets.ndim != 2:
        raise InputError(
            f"a language-model head learns one target a token, and this batch has targets of shape {targets.shape}; "
            "put a classifier on the model with set_classifier, or give a batch of texts"
        )
    return targets


def count(targets: Array) -> float:
    """How many targets count, and 1 where none does: what a mean loss is divided by."""
    return float(max(int((targets != IGNORED).sum()), 1))
