"""The rows that are being continued: their tokens so far, as a mask and a key-value cache, and the logits of the token that comes next.

Comes after the model, before the ways to choose a token. Prompts of different lengths stand in one array, aligned at their ends:

    . . a b c        the dots are padding: the mask is False there, so no position is counted and no token attends to them
    d e f g h
"""

from collections.abc import Sequence

import numpy as np

from ...autograd import no_grad
from ...backend import to_host
from ...errors import InputError
from ..gpt import GPT

IntArray = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
BoolArray = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.floating]]


class Running:
    """Rows of text that grow by one token at a time.

    logits: [rows, vocabulary], on the host: of the token that follows, for the rows as they were last read. start: where the generated part begins.
    """

    def __init__(self, model: GPT, prompts: Sequence[Sequence[int]], room: int) -> None:
        """Read the prompts into the cache, in one pass. room: how many tokens may follow."""
        self.model = model
        self.start = max(len(prompt) for prompt in prompts)
        ids = np.zeros((len(prompts), self.start), dtype=np.int64)
        self.mask: BoolArray = np.zeros((len(prompts), self.start), dtype=np.bool_)
        for row, prompt in enumerate(prompts):
            ids[row, self.start - len(prompt) :] = prompt
            self.mask[row, self.start - len(prompt) :] = True
        self.cache = model.new_cache(len(prompts), self.start + room)
        self.logits = self._read(ids)

    def advance(self, tokens: IntArray, alive: BoolArray) -> None:
        """Append one token to every row. Rows that are not ``alive`` get padding: their logits mean nothing from here on."""
        self.mask = np.concatenate([self.mask, alive[:, None]], axis=1)
        self.logits = self._read(np.where(alive, tokens, 0)[:, None])

    def select(self, rows: IntArray, *, generated_only: bool = False) -> None:
        """Put row ``rows[i]`` in place i; a row may occur several times or not at all.

        generated_only: the prompts stay where they are, because each row takes the place of one with the same prompt (the beams of beam search).
        """
        if not np.array_equal(rows, np.arange(len(self.mask))):
            self.cache.select(self.model.here(rows), start=self.start if generated_only else 0)
            self.mask = self.mask[rows]

    def _read(self, ids: IntArray) -> FloatArray:
        """Logits after the last of ``ids`` [rows, tokens]: the output head runs on that one position."""
        with no_grad():
            hidden = self.model.hidden(ids, mask=self.mask, cache=self.cache)
            logits = to_host(self.model.head(hidden[:, -1]).data)  # [rows, width] -> [rows, vocabulary]
        if not np.isfinite(logits.max()):
            raise InputError(
                "the model's logits are not finite numbers, so no token can be chosen; its weights are damaged"
            )
        return logits
