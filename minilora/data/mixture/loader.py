"""The pretraining mixture: repeats, generated documents and books, row by row.

Before: a tokenizer, the books as one array of tokens. After: batches for the training loop. Every row is full; the three sources are mixed by rows, in fixed
shares; and a batch is a pure function of (seed, step, rows, length), so that a run which was stopped goes on with the data it would have had.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..batches import Batch
from ..text import check_length, random_windows, read_documents, split_documents, text_tokens
from ..tokenizer import END, Tokenizer
from .dice import Dice
from .documents import ALL_MARKS, document, documents
from .repeats import repeat_row


@dataclass(frozen=True)
class Shares:
    """How the rows of a batch are divided; what is left goes to the books."""

    repeats: float = 0.22
    formatted: float = 0.46

    def __post_init__(self) -> None:
        if min(self.repeats, self.formatted) < 0 or self.repeats + self.formatted > 1:
            raise InputError(
                f"the shares {self.repeats} of repeats and {self.formatted} of formatted text must be 0 or more and together at most 1"
            )


class Mixture:
    """Batches of the pretraining mixture.

    ``corpus`` is the books as one array of tokens (see `corpus_tokens`). ``rows`` and ``length`` are the usual shape of a batch; ``batch`` takes others, since
    the last part of pretraining runs at the full context.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        corpus: NDArray[np.integer],
        *,
        seed: int,
        rows: int,
        length: int,
        shares: Shares | None = None,
    ) -> None:
        check_length(corpus, length)
        self.tokenizer, self.corpus, self.seed, self.rows, self.length = tokenizer, corpus, seed, rows, length
        self.shares = shares or Shares()

    def batch(self, step: int, *, rows: int | None = None, length: int | None = None) -> Batch:
        """The batch of a step: the same for the same seed, step and shape, whatever was asked before."""
        rows, length = rows or self.rows, length or self.length
        check_length(self.corpus, length)
        rng = np.random.default_rng([self.seed, step, rows, length])
        # Evenly spaced marks with one random offset: each source gets its share of the rows to within one row, and exactly in the long run.
        marks = (np.arange(rows) + rng.random()) / rows
        repeats = int((marks < self.shares.repeats).sum())
        formatted = int((marks < self.shares.repeats + self.shares.formatted).sum()) - repeats
        books = rows - repeats - formatted

        rows_of_text = np.concatenate(
            [self._formatted(rng, formatted, length), random_windows(self.corpus, books, length, rng)]
        )
        ids, targets = np.empty((rows, length), np.int64), np.empty((rows, length), np.int64)
        for row in range(repeats):
            ids[row], targets[row] = repeat_row(rng, self.tokenizer.vocabulary, self.tokenizer.end, length)
        ids[repeats:], targets[repeats:] = rows_of_text[:, :-1], rows_of_text[:, 1:]
        order = rng.permutation(rows)  # so that each shard of a batch holds a bit of everything
        return Batch(ids[order], targets[order], np.ones((rows, length), np.bool_))

    def _formatted(self, rng: np.random.Generator, rows: int, length: int) -> NDArray[np.int64]:
        """Generated documents one after the other, each followed by the end token: [rows, length + 1]; the last one of a row is cut off."""
        dice = Dice(rng)
        packed = np.empty((rows, length + 1), np.int64)
        for row in range(rows):
            ids: list[int] = []
            while len(ids) <= length:
                ids += [*self.tokenizer.encode(document(dice)), self.tokenizer.end]
            packed[row] = ids[: length + 1]
        return packed


def split_corpus(path: str | os.PathLike[str]) -> tuple[list[str], str]:
    """The books of a corpus: (those to train on, the one held out for perplexity), by the rule of `split_documents` with a share of 2%.

    Where the books are short several are held out; they come back as one text, separated by `<|endoftext|>`.
    """
    training, held_out = split_documents(read_documents(path), share=0.02)
    return training, END.join(held_out)


def corpus_tokens(books: list[str], tokenizer: Tokenizer) -> NDArray[np.int32]:
    """The books as one array [tokens], each followed by the end token."""
    return text_tokens(books, tokenizer)


def tokenizer_texts(books: list[str], *, seed: int, characters: int = 8_000_000) -> Iterator[str]:
    """The text on which the tokenizer is trained: the books, generated documents, and every mark that a task may use."""
    yield from books
    yield from documents(seed, characters)
    yield ALL_MARKS
