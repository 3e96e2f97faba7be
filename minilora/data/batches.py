"""From pairs of texts to padded arrays, batch after batch.

Before: `Example`s of a task, and a `Tokenizer`. After: a `Batch`, the only thing a model's loss takes. What is learned is the completion and the
end token; the prompt is read, not learned. A loader is a pure function of its seed and the step, so a run that is stopped and taken up
again sees the same batches without anything having been saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .cutting import refuse_long
from .examples import Example
from .order import Order, check_loader
from .tokenizer import Tokenizer

IGNORED = -100
"""A target that is outside the loss."""

Pair = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True)
class Batch:
    """Rows of tokens, padded on the right.

    Attributes:
        ids: [rows, tokens], int64: what the model reads.
        targets: what it is to say. [rows, tokens], int64: at each position a token (the NEXT one for a decoder, for a masked language model the one at this
            very position), or -100 where nothing is learned. Or [rows], one value a row: int64 for a class's number, float32 for a score.
        mask: [rows, tokens], bool: where a real token stands.
        types: [rows, tokens], int64: 0 in the first text of a row, 1 in the second; None where the model makes no difference.
    """

    ids: NDArray[np.int64]
    targets: NDArray[np.int64] | NDArray[np.float32]
    mask: NDArray[np.bool_]
    types: NDArray[np.int64] | None = None

    @property
    def counted(self) -> int:
        """How many targets are in the loss: the divisor of its mean."""
        return int((self.targets != IGNORED).sum())

    def rows(self, index: slice | Sequence[int] | NDArray[np.int64]) -> "Batch":
        """Some of the rows (a shard), without columns that are only padding in all of them."""
        ids, targets, mask = self.ids[index], self.targets[index], self.mask[index]  # [fewer rows, tokens]
        used = int(mask.sum(axis=1).max(initial=0))
        types = None if self.types is None else self.types[index][:, :used]
        return Batch(
            ids[:, :used], targets if targets.ndim == 1 else targets[:, :used], mask[:, :used], types
        )


def pad(pairs: Sequence[Pair], *, end: int, padding: int) -> Batch:
    """Lay (prompt ids, completion ids) pairs side by side; the loss is on the completion and the end token.

    For the tokens t = prompt + completion + end, a row reads t[:-1] and its targets are t[1:], with -100 for those that belong to the prompt. (Where the
    prompt is empty the completion's first token has nothing before it that could predict it.) Raises InputError when there is no pair.
    """
    if not pairs:
        raise InputError("a batch needs at least one example, and none was given")
    width = max(len(prompt) + len(completion) for prompt, completion in pairs)
    shape = (len(pairs), max(width, 1))
    ids = np.full(shape, padding, np.int64)
    targets = np.full(shape, IGNORED, np.int64)
    mask = np.zeros(shape, np.bool_)
    for row, (prompt, completion) in enumerate(pairs):
        tokens = [*prompt, *completion, end]
        length, first = len(tokens) - 1, max(len(prompt) - 1, 0)
        ids[row, :length] = tokens[:-1]
        targets[row, first:length] = tokens[first + 1 :]
        mask[row, :length] = True
    return Batch(ids, targets, mask)


def encode_examples(examples: Sequence[Example], tokenizer: Tokenizer, context: int) -> list[Pair]:
    """Encode examples as (prompt ids, completion ids); raises InputError, naming the first, when one does not fit into ``context`` tokens."""
    prompts = tokenizer.encode_all([example.prompt for example in examples])
    completions = tokenizer.encode_all([example.completion for example in examples])
    pairs: list[Pair] = list(zip(prompts, completions, strict=True))
    lengths = [
        len(prompt) + len(completion) for prompt, completion in pairs
    ]  # the end is predicted, not read
    place = next((number for number, length in enumerate(lengths) if length > context), 0)
    if pairs:
        refuse_long(
            "examples with their completions",
            lengths,
            context,
            f", first example {place} ({_opening(examples[place].prompt)})",
        )
    return pairs


def _opening(text: str, length: int = 40) -> str:
    return repr(text if len(text) <= length else text[: length - 1] + "…")


class ExampleLoader:
    """Batches of a task's examples, epoch after epoch, with little padding.

    An epoch is a fresh order of all examples, in which the rows of a batch are about as long as each other (see `order.draw_epoch`). Every example comes once
    an epoch; where they do not come out even, one batch is smaller.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        tokenizer: Tokenizer,
        *,
        rows: int,
        context: int,
        seed: int,
        window: int = 32,
    ) -> None:
        check_loader(examples, rows)
        self.pairs = encode_examples(examples, tokenizer, context)
        lengths = [len(prompt) + len(completion) for prompt, completion in self.pairs]
        self.order = Order(lengths, rows=rows, window=window, seed=seed)
        self._end, self._padding = tokenizer.end, tokenizer.padding

    @property
    def steps_per_epoch(self) -> int:
        """Batches that visit every example once."""
        return self.order.steps_per_epoch

    def batch(self, step: int) -> Batch:
        """The batch of a step (counted from 0): the same for the same seed and step, whatever was asked before."""
        chosen = [self.pairs[i] for i in self.order.at(step)]
        return pad(chosen, end=self._end, padding=self._padding)
