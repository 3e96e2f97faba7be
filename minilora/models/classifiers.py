"""Classification heads: one answer for a whole text, read off one of its tokens. With one label the answer is a score, and the head a regression.

Comes after ``heads.py``. The architectures' authors agree that the head is small and disagree on the rest; what differs is a value here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend import Array, namespace
from ..errors import InputError
from ..nn import Dropout, Linear
from ..ops import IGNORED, cross_entropy
from .heads import Head, HeadKind, count


class Classifier(Head):
    """What the classification heads share: one answer a row, and its loss."""

    kind = "classifier"
    task = True
    output: Linear

    def describe(self) -> HeadKind:
        return HeadKind(self.kind, self.output.weight.shape[0])

    def loss(
        self,
        hidden: Tensor,
        batch: Any,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """Cross-entropy in nats of the classes in ``batch.targets`` ([rows]); with one label the squared error of the scores there."""
        xp = namespace(hidden.data)
        z = self(hidden, mask=xp.asarray(batch.mask), rng=rng)  # [rows, labels]
        targets = batch.targets
        labels = z.shape[-1]
        if targets.ndim != 1:
            raise InputError(
                f"a classification head learns one target a row, and this batch has targets of shape {targets.shape}; "
                "give a batch of labelled examples, or a model with a language-model head"
            )
        if labels == 1:
            divisor = float(max(len(targets), 1)) if divisor is None else divisor
            error: Tensor = z.reshape(-1) - xp.asarray(targets, dtype=z.dtype)  # [rows]
            squares: Tensor = (error * error).sum()
            return squares * (1 / divisor)
        strange = targets[(targets != IGNORED) & ((targets < 0) | (targets >= labels))]
        if targets.dtype.kind != "i" or len(strange):
            given = f"a {targets.dtype} of {strange[0]}" if len(strange) else f"{targets.dtype}"
            raise InputError(
                f"targets must be whole numbers from 0 and below the head's {labels} labels, or {IGNORED} for a row that does not count, but {given} was given"
            )
        divisor = count(targets) if divisor is None else divisor
        return cross_entropy(z, targets=targets, divisor=divisor, smoothing=smoothing)


class PooledClassifier(Classifier):
    """output(dropout(activation(dense(dropout(h₀))))), with h₀ the vector of the first token.

    RoBERTa: tanh, dropout in both places; BERT: tanh, dropout only before the output; DeBERTa: gelu. dense: [width, width], output: [labels, width].
    """

    def __init__(
        self,
        dense: Linear,
        output: Linear,
        activation: Callable[[Tensor], Tensor],
        *,
        dropout: float,
        dropout_before: float,
    ) -> None:
        self.dense, self.output = dense, output
        self.activation = activation
        self.dropout_before, self.dropout = Dropout(dropout_before), Dropout(dropout)

    @property
    def pooler(self) -> Linear:
        return self.dense

    def __call__(
        self, hidden: Tensor, *, mask: Array | None = None, rng: np.random.Generator | None = None
    ) -> Tensor:
        """[rows, labels]."""
        xp = namespace(hidden.data)
        rows = xp.arange(hidden.shape[0])
        first = 0 if mask is None else mask.argmax(axis=1)  # the first real token: padding may be on the left
        pooled = self.dropout_before(hidden[rows, first], rng)  # [rows, width]
        pooled = self.activation(self.dense(pooled, rng))
        answers: Tensor = self.output(self.dropout(pooled, rng), rng)
        return answers


class LastTokenClassifier(Classifier):
    """output(h) with h the vector of the last real token, which has read all others: the classifier of a decoder. output: [labels, width], no bias."""

    def __init__(self, output: Linear) -> None:
        self.output = output

    def __call__(
        self, hidden: Tensor, *, mask: Array | None = None, rng: np.random.Generator | None = None
    ) -> Tensor:
        """[rows, labels]."""
        xp = namespace(hidden.data)
        tokens = hidden.shape[1]
        last = tokens - 1 if mask is None else tokens - 1 - mask[:, ::-1].argmax(axis=1)
        return self.output(hidden[xp.arange(hidden.shape[0]), last], rng)  # [rows, width] -> [rows, labels]
