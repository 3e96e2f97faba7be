"""Heads that look a fixed number of tokens to the side, from the first step of training on: positions as sines and cosines, and queries that turn them.

Comes before ``induction.py`` and ``neighbours.py``, which give new models such heads. With positions p(i) = (sin ωᵢ, cos ωᵢ) of several frequencies ω (Vaswani et al. 2017), a step is a
rotation, so a query that turns its position by n steps meets the key n tokens away.
"""

import numpy as np

from ..errors import InputError
from ..nn import Attention
from .bert import BertConfig
from .gpt import GPTConfig


def head_width(config: GPTConfig | BertConfig) -> int:
    """The width of one attention head. Raises InputError where it is odd: a position is pairs of a sine and a cosine."""
    size = config.width // config.heads
    if size % 2:
        raise InputError(
            f"heads that look aside need an even width, but {config.width} over {config.heads} heads is {size}; give another width or number of heads"
        )
    return size


def draw_frequencies(size: int, rng: np.random.Generator) -> np.ndarray:
    """size / 2 frequencies in radians a token, ascending, for a head of ``size`` dimensions: spread from slow ones to those that turn halfway with each token."""
    return np.sort(rng.uniform(0.02, np.pi, size // 2))


def write_positions(table: np.ndarray, frequencies: np.ndarray, rms: float) -> None:
    """Sines and cosines of position × frequency in the first dimensions of ``table`` [positions, width], side by side, of root mean square ``rms``; zero elsewhere."""
    angles = np.arange(len(table))[:, None] * frequencies  # [positions, frequencies]
    table[...] = 0
    table[:, 0 : 2 * len(frequencies) : 2] = np.sin(angles) * np.sqrt(2) * rms
    table[:, 1 : 2 * len(frequencies) : 2] = np.cos(angles) * np.sqrt(2) * rms


def look_aside(
    attention: Attention, head: int, steps: int, frequencies: np.ndarray, sharpness: float
) -> np.ndarray:
    """Let ``head`` attend ``steps`` tokens back (ahead where negative): q(i)·k(j) ∝ Σ cos(ω · (i − steps − j)), largest at j = i − steps. sharpness: of the weights of queries and keys.

    Returns the head's rows of the projections, for who decides what it reads and writes.
    """
    size = 2 * len(frequencies)
    rows = np.arange(head * size, (head + 1) * size)
    query, key = (np.zeros((size, attention.query.weight.shape[1]), np.float32) for _ in range(2))
    for i, turn in enumerate(frequencies * steps):
        sine, cosine = 2 * i, 2 * i + 1
        query[sine, [sine, cosine]] = np.cos(turn), -np.sin(turn)  # sin(angle − turn)
        query[cosine, [sine, cosine]] = np.sin(turn), np.cos(turn)  # cos(angle − turn)
        key[sine, sine] = key[cosine, cosine] = 1
    attention.query.weight.data[rows] = query * sharpness
    attention.key.weight.data[rows] = key * sharpness
    return rows
