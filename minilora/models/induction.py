"""A start for GPT-2 that already copies: look-back heads and induction heads, written into otherwise random weights.

Tasks such as turning a question into SQL ask a model to copy names it has never seen. Large models learn to from billions of tokens, with the two-layer circuit of
Elhage et al. 2021 ("A Mathematical Framework for Transformer Circuits") and Olsson et al. 2022 ("In-context Learning and Induction Heads"); a model pretrained on a few
million tokens does not get that far by itself. Since the circuit is known, it can be put there at the start; training then keeps what pays. The weights remain plain
GPT-2 weights.

The residual stream is laid out in four parts, each at first holding one thing:

    [ position, 1 head wide | token | token one back, 2 heads wide | token two back, 2 heads wide ]

1. Positions are sines and cosines of many frequencies, so that "k steps back" is a rotation.
2. In block 0, two heads attend from position i to i − 1 and two to i − 2 (queries are rotated back by as many steps) and write the token found there into its part.
3. In block 1, a head for each slice of the token part looks from the present token for a position whose token one back is the same, and adds that position's token to
   its own: "what followed last time will follow again".
4. In block 2 the same with two tokens: the present one and the one before must both agree. In ``Kent, Dover, …`` many words followed a comma; what followed
   ``Kent,`` is one.

Without any training, a model of the shape of ``tiny-gpt`` then predicts more than eight of ten tokens of a random string when it comes again, and six of ten where
the tokens are divided by always the same mark (tests say so).
"""

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..nn import Attention
from .gpt import GPT, GPTConfig

Places = NDArray[np.integer]
"""Dimensions of the residual stream."""

_TOKEN_STD = 0.028  # of the token part
_POSITION_RMS = 0.08  # positions are written larger, since heads must tell one step from two
_NOISE = 0.1  # of the usual random token embedding, where the other parts live

# How much each kind of head weighs. Found by trying: sharp enough that a head attends to one place, blunt enough that training can still move it.
_SHARP_STEP = 1.8
_WRITE_BACK = 0.3
_SHARP_ONE, _WRITE_ONE = 4.0, 0.07  # one token agrees: a hint
_SHARP_TWO, _WRITE_TWO = (
    12.0,
    1.0,
)  # two agree: enough to outweigh the present token, whose own logit is high with a tied head


def gpt_with_induction_heads(config: GPTConfig, rng: np.random.Generator) -> GPT:
    """A float32 GPT-2 of shape ``config`` whose first three blocks start with a copying circuit; the other heads are random as usual.

    Raises InputError where the shape has no room for it: at least 8 heads of an even size and 3 layers.
    """
    size = config.width // config.heads  # of a head
    if config.heads < 8 or config.layers < 3 or size % 4:
        raise InputError(
            f"induction heads need at least 8 heads of a size divisible by 4 and 3 layers, but the shape has {config.heads} heads of {size} and {config.layers} layers"
        )
    model = GPT(config, rng)
    token, one_back, two_back = np.split(np.arange(size, config.width), [-4 * size, -2 * size])

    table = model.tokens.weight.data
    usual = float(table.std())
    table *= _NOISE
    table[:, token] *= _TOKEN_STD / (_NOISE * usual)
    frequencies = np.sort(rng.uniform(0.02, np.pi, size // 2))
    _write_positions(model.positions.weight.data, frequencies)

    looking_back, matching_one, matching_two = (block.attention for block in model.blocks[:3])
    for i in range(
        2
    ):  # each carries one slice of the token part: two heads tell tokens apart better than one
        for steps, write in ((1, one_back), (2, two_back)):
            head = 2 * (steps - 1) + i
            _look_back(looking_back, head, steps, frequencies, _slice(token, i, size), _slice(write, i, size))
    half = size // 2
    for i in range(len(token) // size):  # each copies another slice of the token part
        copied = _slice(token, i, size)
        present, before, before_that = (_slice(part, i % 2, size) for part in (token, one_back, two_back))
        _induction(matching_one, i, present, before, copied, _SHARP_ONE, _WRITE_ONE)
        both = np.concatenate([present[:half], before[:half]])
        both_one_earlier = np.concatenate([before[:half], before_that[:half]])
        _induction(matching_two, i, both, both_one_earlier, copied, _SHARP_TWO, _WRITE_TWO)
    return model


def _write_positions(table: NDArray[np.floating], frequencies: NDArray[np.floating]) -> None:
    """Sines and cosines of position × frequency in the first part, side by side; zero elsewhere."""
    angles = np.arange(len(table))[:, None] * frequencies  # [context, frequencies]
    table[...] = 0
    table[:, 0 : 2 * len(frequencies) : 2] = np.sin(angles) * np.sqrt(2) * _POSITION_RMS
    table[:, 1 : 2 * len(frequencies) : 2] = np.cos(angles) * np.sqrt(2) * _POSITION_RMS


def _look_back(
    attention: Attention,
    head: int,
    steps: int,
    frequencies: NDArray[np.floating],
    read: Places,
    write: Places,
) -> None:
    """Attend ``steps`` back: q(i)·k(j) = Σ cos(frequency · (i − steps − j)), largest at j = i − steps. Copy ``read`` of that position to ``write``."""
    size = 2 * len(frequencies)
    rows = _slice(np.arange(attention.query.weight.shape[0]), head, size)
    query, key = (np.zeros((size, attention.query.weight.shape[1]), np.float32) for _ in range(2))
    for pair, frequency in enumerate(frequencies):
        sine, cosine, angle = 2 * pair, 2 * pair + 1, steps * frequency
        query[sine, [sine, cosine]] = np.cos(angle), -np.sin(angle)  # sin(position · frequency − angle)
        query[cosine, [sine, cosine]] = np.sin(angle), np.cos(angle)  # cos(position · frequency − angle)
        key[sine, sine] = key[cosine, cosine] = 1
    attention.query.weight.data[rows] = query * _SHARP_STEP
    attention.key.weight.data[rows] = key * _SHARP_STEP
    _copy(attention, rows, read, write, _WRITE_BACK)


def _induction(
    attention: Attention, head: int, asked: Places, found: Places, copied: Places, sharp: float, write: float
) -> None:
    """Attend to positions that hold in ``found`` what this one holds in ``asked``, and add what stands there in ``copied`` to one's own, times ``write``."""
    rows = _slice(np.arange(attention.query.weight.shape[0]), head, len(asked))
    for layer, places in ((attention.query, asked), (attention.key, found)):
        layer.weight.data[rows] = 0
        layer.weight.data[rows, places] = sharp
    _copy(attention, rows, copied, copied, write)


def _copy(attention: Attention, rows: Places, read: Places, write: Places, scale: float) -> None:
    """Let a head's value read dimensions ``read``, and its output write them to ``write``, times ``scale``."""
    attention.value.weight.data[rows] = 0
    attention.value.weight.data[rows, read] = 1
    attention.output.weight.data[:, rows] = 0
    attention.output.weight.data[write, rows] = scale


def _slice(places: Places, index: int, size: int) -> Places:
    """The ``index``-th run of ``size`` places."""
    return places[index * size : (index + 1) * size]
