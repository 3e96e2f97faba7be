"""From labelled texts to padded arrays, batch after batch: what a classification head learns from.

Before it: `Labelled` examples of a task, and a `Tokenizer`. After it: `Batch`es whose targets are one a row: a class's number, or a score.

An encoder's tokenizer puts its marks around a text or a pair (``<s> a </s></s> b </s>``), and texts that are too long are cut, the longer of a pair first.
A decoder reads the task's prompt, titles and all, and its head looks at the prompt's last token; a prompt that is too long is refused (``tasks/lengths.py`` cuts or leaves out such before).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .batches import Batch
from .cutting import refuse_long
from .examples import Labelled
from .order import Order, check_loader
from .tasks.classification import Classification
from .tokenizer import Marked, Tokenizer


def encode_labelled(
    examples: Sequence[Labelled], task: Classification, tokenizer: Tokenizer, context: int
) -> list[Marked]:
    """The tokens of each example; raises InputError, naming the first, for a decoder's prompt that does not fit into ``context`` tokens."""
    if tokenizer.start is not None:
        firsts = [example.texts[0] for example in examples]
        seconds = [example.texts[1] for example in examples] if len(task.titles) == 2 else None
        return tokenizer.encode_marked_all(firsts, seconds, limit=context)
    prompts = tokenizer.encode_all([task.prompt(example.texts) for example in examples])
    lengths = [len(ids) for ids in prompts]
    place = next((number for number, length in enumerate(lengths) if length > context), 0)
    refuse_long(f"prompts of {task.name}", lengths, context, f", first example {place}")
    return [Marked(ids, [0] * len(ids)) for ids in prompts]


def pad_labelled(
    encoded: Sequence[Marked], labels: Sequence[int | float], *, padding: int, regression: bool, types: bool
) -> Batch:
    """Lay rows side by side, padded on the right; targets are float32 for a regression, int64 otherwise. types: whether the model tells first and second texts apart."""
    if not encoded:
        raise InputError("a batch needs at least one example, and none was given")
    shape = (len(encoded), max(len(row.ids) for row in encoded))
    ids, kinds = np.full(shape, padding, np.int64), np.zeros(shape, np.int64)
    mask = np.zeros(shape, np.bool_)
    for number, row in enumerate(encoded):
        length = len(row.ids)
        ids[number, :length], kinds[number, :length], mask[number, :length] = row.ids, row.types, True
    targets = np.asarray(labels, np.float32) if regression else np.asarray(labels, np.int64)
    return Batch(ids, targets, mask, kinds if types else None)


class LabelledLoader:
    """Batches of labelled examples, epoch after epoch, with little padding; the order is drawn as `ExampleLoader` draws it."""

    def __init__(
        self,
        examples: Sequence[Labelled],
        task: Classification,
        tokenizer: Tokenizer,
        *,
        rows: int,
        context: int,
        seed: int,
        types: bool = False,
        window: int = 32,
    ) -> None:
        check_loader(examples, rows)
        self.encoded = encode_labelled(examples, task, tokenizer, context)
        self.labels = [example.label for example in examples]
        self.order = Order([len(row.ids) for row in self.encoded], rows=rows, window=window, seed=seed)
        self._padding, self._regression, self._types = tokenizer.padding, task.regression, types

    @property
    def steps_per_epoch(self) -> int:
        """Batches that visit every example once."""
        return self.order.steps_per_epoch

    def batch(self, step: int) -> Batch:
        """The batch of a step (counted from 0): the same for the same seed and step, whatever was asked before."""
        return self._batch(self.order.at(step))

    def in_order(self) -> list[Batch]:
        """Every example once, in the order given: for predictions."""
        places, rows = np.arange(len(self.encoded)), self.order.rows
        return [self._batch(places[i : i + rows]) for i in range(0, len(places), rows)]

    def _batch(self, places: NDArray[np.int64]) -> Batch:
        return pad_labelled(
            [self.encoded[i] for i in places],
            [self.labels[i] for i in places],
            padding=self._padding,
            regression=self._regression,
            types=self._types,
        )
