"""Masked language modelling: hide some tokens of a text, and ask for them (Devlin et al. 2019, section 3.1).

Before: full rows of tokens, such as the mixture's. After: a `Batch` whose targets are the hidden tokens, each at its own place.
"""

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .batches import IGNORED, Batch
from .tokenizer import Tokenizer

SHARE = 0.15
"""How many of the tokens are asked for."""


def mask_tokens(
    ids: NDArray[np.int64], tokenizer: Tokenizer, rng: np.random.Generator, share: float = SHARE
) -> Batch:
    """Rows of text between the tokenizer's start and end tokens, with ``share`` of the tokens to be guessed.

    ids: [rows, length]; the first and last token of each row give way to start and end. Of the tokens that are asked for 80% become the mask token, 10% another token drawn
    evenly, and 10% stay as they are: what is never masked in use must not look different from what was learned from. Special tokens are neither asked for nor drawn;
    they are taken to be those with the lowest ids, up to the mask's, as ``Tokenizer.train`` makes them. Raises InputError for a tokenizer without a mask or a start.
    """
    if tokenizer.mask is None or tokenizer.start is None:
        raise InputError("masked language modelling needs a tokenizer with a start and a mask token")
    if not 0 < share < 1:
        raise InputError(f"share must lie between 0 and 1, not {share}")
    text = ids.copy()
    text[:, 0], text[:, -1] = tokenizer.start, tokenizer.end
    ordinary = tokenizer.mask + 1  # the first id that is a piece of text
    asked = (rng.random(text.shape) < share) & (text >= ordinary)
    fate = rng.random(text.shape)
    shown = np.where(asked & (fate < 0.8), tokenizer.mask, text)
    drawn = rng.integers(ordinary, tokenizer.vocabulary, text.shape)
    shown = np.where(asked & (fate >= 0.9), drawn, shown)
    return Batch(shown, np.where(asked, text, IGNORED), np.ones(text.shape, np.bool_))
