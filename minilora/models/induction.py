"""A start for GPT-2 that already copies: heads that look one and two tokens back, and induction heads, written into otherwise random weights.

Tasks such as turning a question into SQL ask a model to copy names it has never seen. Large models learn to from billions of tokens, with the two-layer circuit of Elhage et al. 2021
("A Mathematical Framework for Transformer Circuits") and Olsson et al. 2022 ("In-context Learning and Induction Heads"); a model pretrained on a few million tokens does not
get that far by itself. Since the circuit is known, it can be put there at the start; training then keeps what pays. The weights remain plain GPT-2 weights.

The residual stream is laid out in four parts, measured in heads, each at first holding one thing:

    [ position, 1 | token, the rest | token before, 2 | token two before, 1 ]

1. Positions are sines and cosines of many frequencies, so that "one step back" is a rotation.
2. In block 0 two heads attend from position i to i − 1 and write the token found there into the third part; a third attends to i − 2 and writes into the fourth.
3. In block 1 four heads look from the present token for a position whose *token before* is the same, and write the token found there into the second part: "what followed last time
   will follow again".
4. Four more look from the token before for a position whose *token two before* is the same. They see past a separator: in `Kent: 4, Bath: 7 … Kent:` many tokens followed a colon, and one
   of them a colon after `Kent`.

Without any training, a model of the shape of ``tiny-gpt`` then predicts more than eight of ten tokens of a random string when it comes again, and three of four values after a key
and a separator (tests say so).
"""

import numpy as np

from ..errors import InputError
from ..nn import Attention
from .gpt import GPT, GPTConfig
from .steps import draw_frequencies, head_width, look_aside, write_positions

# Tokens and positions are written some times larger than usual (0.02): then steps of the optimizer and what other layers write disturb the circuit less.
_TOKEN_STD = 0.056
_ELSEWHERE = 0.002  # of a token's embedding in the other parts: a little noise
_POSITION_RMS = 0.12  # larger still, since heads must tell one step from two
_SHARP_STEP = 1.0  # weights of the queries and keys of heads that look back
_SHARP_MATCH = 3.0  # of the induction heads' queries and keys
_WRITE_BEFORE = 0.1  # of what heads that look back write
_WRITE_COPY = 0.3  # of what induction heads write: enough to outweigh the present token, whose own logit is high with a tied head
_QUIET = 0.3  # times what the random layers of the circuit's two blocks write


def gpt_with_induction_heads(config: GPTConfig, rng: np.random.Generator) -> GPT:
    """A float32 GPT-2 of shape ``config`` that starts with three heads that look back and eight induction heads; the other heads are random as usual.

    Raises InputError where the shape has no room for them: at least 8 heads and 2 layers.
    """
    if config.heads < 8 or config.layers < 2:
        raise InputError(
            f"induction heads need at least 8 heads and 2 layers, but the shape has {config.heads} and {config.layers}"
        )
    model = GPT(config, rng)
    size = head_width(config)
    token = np.arange(size, config.width - 3 * size)  # the dimensions of the token part
    before = np.arange(config.width - 3 * size, config.width - size)
    two_before = np.arange(config.width - size, config.width)
    first, second = (block.attention for block in model.blocks[:2])
    for block in model.blocks[:2]:
        block.attention.output.weight.data *= _QUIET
        block.mlp.down.weight.data *= _QUIET

    table = model.tokens.weight.data
    table *= _ELSEWHERE / 0.02
    table[:, token] *= _TOKEN_STD / _ELSEWHERE
    frequencies = draw_frequencies(size, rng)
    write_positions(model.positions.weight.data, frequencies, _POSITION_RMS)

    for head in range(
        2
    ):  # each carries one slice of the token part: two heads tell tokens apart better than one
        part = _slice(head, size)
        _looking_back(first, head, 1, frequencies, token[part], before[part])
    _looking_back(first, 2, 2, frequencies, token[_slice(0, size)], two_before)

    for head in range(4):  # each copies another slice of the token part
        copied, matched = token[_slice(head, size)], _slice(head % 2, size)
        _induction_head(second, head, token[matched], before[matched], copied)
        _induction_head(second, 4 + head, before[_slice(0, size)], two_before, copied)
    return model


def _looking_back(
    attention: Attention, head: int, steps: int, frequencies: np.ndarray, read: np.ndarray, write: np.ndarray
) -> None:
    """Attend ``steps`` back, and copy dimensions ``read`` of that position to ``write``."""
    rows = look_aside(attention, head, steps, frequencies, _SHARP_STEP)
    _copy(attention, rows, read, write, _WRITE_BEFORE)


def _induction_head(
    attention: Attention, head: int, asked: np.ndarray, earlier: np.ndarray, copied: np.ndarray
) -> None:
    """Attend to positions whose dimensions ``earlier`` hold what dimensions ``asked`` hold here, and write what stands there (``copied``) in its own place."""
    size = len(asked)
    rows = np.arange(head * size, (head + 1) * size)
    for layer, dimensions in ((attention.query, asked), (attention.key, earlier)):
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
