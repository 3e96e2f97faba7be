"""A start for BERT and RoBERTa whose first block looks at neighbours already.

Comes after ``bert.py`` and ``steps.py``. What a hidden token is, its neighbours tell above all. With positions drawn at random a model must first discover which of them are near each other, and with a
few million tokens it does not: it stays at guessing how frequent words are. DeBERTa, whose scores know the distance of two tokens, has no such trouble. So positions begin as sines and cosines here, and
six heads of block 0 begin by attending one, two and three tokens to either side; what they read and write is drawn at random as usual. The weights remain plain RoBERTa weights.
"""

import numpy as np

from ..errors import InputError
from .bert import Bert, BertConfig
from .steps import draw_frequencies, head_width, look_aside, write_positions

STEPS = (1, -1, 2, -2, 3, -3)
"""Tokens back (ahead where negative) that the first heads look."""
_POSITION_RMS = 0.06  # thrice that of a token's numbers (0.02): heads must tell one step from two
_QUIET = 0.1  # times the token embedding where positions stand
_SHARPNESS = 0.6  # of queries and keys: some 70% of a head's weight is at its neighbour, and enough elsewhere for a gradient


def bert_with_neighbour_heads(config: BertConfig, rng: np.random.Generator) -> Bert:
    """A float32 BERT of shape ``config`` whose first block starts with heads that look at neighbours. Raises InputError where it has fewer heads than those."""
    if config.heads < len(STEPS):
        raise InputError(
            f"a start with heads that look at neighbours needs {len(STEPS)} heads, but the shape has {config.heads}; start random instead"
        )
    model = Bert(config, rng)
    size = head_width(config)
    frequencies = draw_frequencies(size, rng)
    model.tokens.weight.data[:, :size] *= _QUIET
    write_positions(model.positions.weight.data, frequencies, _POSITION_RMS)
    for head, steps in enumerate(STEPS):
        look_aside(model.blocks[0].attention, head, steps, frequencies, _SHARPNESS)
    return model
