"""A model and batches small enough that a training step takes a millisecond: what the tests of this room train."""

import numpy as np

from minilora.data.batches import Batch
from minilora.models.gpt import GPT, GPTConfig

CONFIG = GPTConfig(vocabulary=23, context=12, width=16, layers=2, heads=2, dropout=0.1)


def tiny_gpt(dtype=np.float32, seed: int = 0) -> GPT:
    return GPT(CONFIG, np.random.default_rng(seed), dtype)


def tiny_batch(index: int, rows: int = 6) -> Batch:
    """Rows of different lengths, of a sequence that can be learned: each token is the one before plus 3. The first two targets of a row are a prompt."""
    rng = np.random.default_rng([99, index])
    lengths = rng.integers(4, CONFIG.context + 1, rows)
    tokens = (
        rng.integers(0, CONFIG.vocabulary, (rows, 1)) + 3 * np.arange(CONFIG.context + 1)
    ) % CONFIG.vocabulary
    mask = np.arange(CONFIG.context) < lengths[:, None]
    targets = np.where(mask, tokens[:, 1:], -100)
    targets[:, :2] = -100
    return Batch(np.where(mask, tokens[:, :-1], 0), targets, mask)
