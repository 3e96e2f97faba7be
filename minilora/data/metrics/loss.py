"""Perplexity: how many tokens a model hesitates between, on average.

Before it: a model's summed loss. After it: the plain-text task.
"""

import math

from ...errors import InputError


def perplexity(summed_loss: float, tokens: int) -> float:
    """exp(L / n), where L is the sum of -log p(token) over n tokens, in nats; infinite when that is beyond the largest float."""
    if tokens < 1:
        raise InputError(f"tokens is {tokens}; a perplexity needs at least one token")
    try:
        return math.exp(summed_loss / tokens)
    except OverflowError:
        return math.inf
