"""A start for GPT-2 that already copies: previous-token heads and induction heads, written into otherwise random weights.

Tasks such as turning a question into SQL ask a model to copy names it has never seen. Large models learn to from billions of tokens, with the two-layer circuit of Elhage et al. 2021
("A Mathematical Framework for Transformer Circuits") and Olsson et al. 2022 ("In-context Learning and Induction Heads"); a model pretrained on a few million tokens does not
get that far by itself. Since the circuit is known, it can be put there at the start; training then keeps what pays. The weights remain plain GPT-2 weights.

The residual stream is laid out in three parts, each at first holding one thing:

    [ position, 2 heads wide | token | token before, 2 heads wide ]

1. Positions are sines and cosines of many frequencies, so that "one step back" is a rotation.
2. Two heads of block 0 attend from position i to i − 1 (queries are rotated back by one step) and write the token found there into the third part.
3. Four heads of block 1 look from the present token for a position whose *token before* is the same, and write the token found there into the second part: "what followed last time
   will follow again".

Without any training, a model of the shape of ``tiny-gpt`` then predicts more than eight of ten tokens of a random string when it comes again (a test says so).
"""

import numpy as np

from ..errors import InputError
from ..nn import Attention
from .gpt import GPT, GPTConfig

_TOKEN_STD = 0.028  # of the token part; positions are written larger, since heads must tell one step from two
_POSITION_RMS = 0.06
_SHARP_STEP = 1.0  # weights of the previous-token heads' queries and keys
_SHARP_MATCH = 3.0  # of the induction heads' queries and keys
_WRITE_BEFORE = 0.1  # of what previous-token heads write
_WRITE_COPY = 0.3  # of what induction heads write: enough to outweigh the present token, whose own logit is high with a tied head


def gpt_with_induction_heads(config: GPTConfig, rng: np.random.Generator) -> GPT:
    """A float32 GPT-2 of shape ``config`` that starts with two previous-token heads and four induction heads; the other heads are random as usual.

    Raises InputError where the shape has no room for them: at least 8 heads and 2 layers.
    """
    if config.heads < 8 or config.layers < 2:
        raise InputError(
            f"induction heads need at least 8 heads and 2 layers, but the shape has {config.heads} and {config.layers}"
        )
    model = GPT(config, rng)
    size = config.width // config.heads  # of a head
    token = np.arange(2 * size, config.width - 2 * size)  # the dimensions of the token part
    before = np.arange(config.width - 2 * size, config.width)

    table = model.tokens.weight.data
    table *= 0.1  # a little noise where the other parts live
    table[:, token] *= _TOKEN_STD / 0.002
    frequencies = np.sort(rng.uniform(0.02, np.pi, size))
    _write_positions(model.positions.weight.data, frequencies)

    for head in range(
        2
    ):  # each carries one slice of the token part: two heads tell tokens apart better than one
        pairs = rng.choice(size, size // 2, replace=False)  # the frequencies this head compares
        _previous_token_head(
            model.blocks[0].attention,
            head,
            frequencies,
            pairs,
            token[_slice(head, size)],
            before[_slice(head, size)],
        )
    slices = len(token) // size
    for block in model.blocks[1:2]:
        for head in range(min(4, slices)):  # each copies another slice of the token part
            matched = head % 2
            _induction_head(
                block.attention,
                head,
                token[_slice(matched, size)],
                before[_slice(matched, size)],
                token[_slice(head, size)],
            )
    return model


def _write_positions(table: np.ndarray, frequencies: np.ndarray) -> None:
    """Sines and cosines of position × frequency in the first part, side by side; zero elsewhere."""
    angles = np.arange(len(table))[:, None] * frequencies  # [context, frequencies]
    table[...] = 0
    table[:, 0 : 2 * len(frequencies) : 2] = np.sin(angles) * np.sqrt(2) * _POSITION_RMS
    table[:, 1 : 2 * len(frequencies) : 2] = np.cos(angles) * np.sqrt(2) * _POSITION_RMS


def _previous_token_head(
    attention: Attention,
    head: int,
    frequencies: np.ndarray,
    pairs: np.ndarray,
    read: np.ndarray,
    write: np.ndarray,
) -> None:
    """Attend one step back: q(i)·k(j) = Σ cos(frequency · (i − 1 − j)), largest at j = i − 1. Copy dimensions ``read`` of that position to ``write``."""
    size = 2 * len(pairs)
    rows = np.arange(head * size, (head + 1) * size)
    query, key = (np.zeros((size, attention.query.weight.shape[1]), np.float32) for _ in range(2))
    for place, pair in enumerate(pairs):
        sine, cosine = 2 * pair, 2 * pair + 1
        step = frequencies[pair]
        query[2 * place, [sine, cosine]] = np.cos(step), -np.sin(step)  # sin(angle − step)
        query[2 * place + 1, [sine, cosine]] = np.sin(step), np.cos(step)  # cos(angle − step)
        key[2 * place, sine] = key[2 * place + 1, cosine] = 1
    attention.query.weight.data[rows] = query * _SHARP_STEP
    attention.key.weight.data[rows] = key * _SHARP_STEP
    _copy(attention, rows, read, write, _WRITE_BEFORE)


def _induction_head(
    attention: Attention, head: int, present: np.ndarray, before: np.ndarray, copied: np.ndarray
) -> None:
    """Attend to positions whose token before (dimensions ``before``) is the present token (``present``), and write what stands there (``copied``) in its own place."""
    size = len(present)
    rows = np.arange(head * size, (head + 1) * size)
    for layer, dimensions in ((attention.query, present), (attention.key, before)):
        layer.weight.data[rows] = 0
        layer.weight.data[rows, dimensions] = _SHARP_MATCH
    _copy(attention, rows, copied, copied, _WRITE_COPY)


def _copy(attention: Attention, rows: np.ndarray, read: np.ndarray, write: np.ndarray, scale: float) -> None:
    """Let a head's value read dimensions ``read``, and its output write them to ``write``, times ``scale``."""
    attention.value.weight.data[rows] = 0
    attention.value.weight.data[rows, read] = 1
    attention.output.weight.data[:, rows] = 0
    attention.output.weight.data[write, rows] = scale


def _slice(index: int, size: int) -> slice:
    return slice(index * size, (index + 1) * size)
