"""How the next token is chosen, as plain values: the most likely one, a random one, or the best of several whole continuations.

Comes before the code that carries them out (``choose.py`` and ``beam.py``); each value checks itself when it is made.
"""

import math
from dataclasses import dataclass

from ...errors import InputError


@dataclass(frozen=True)
class Greedy:
    """Always take the most likely next token."""


@dataclass(frozen=True)
class Sample:
    """Draw the next token from softmax(logits / temperature), restricted to its likely part.

    temperature: above 0; below 1 it sharpens, above 1 it flattens. top_k: keep only the k most likely tokens. top_p: of those, keep only the smallest set of
    most likely tokens that together have at least this probability (nucleus sampling). What is kept is scaled to sum to 1. seed: each prompt
    draws from a generator of its own, made of the seed and the prompt's place in the list, so what one prompt gets does not depend on the others.

    Raises InputError where an option is outside its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise InputError(
                f"temperature must be above 0, not {self.temperature}; Greedy() is its limit at 0"
            )
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"top_k must be at least 1, not {self.top_k}; None keeps every token")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise InputError(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if self.seed < 0:
            raise InputError(f"seed must not be negative, but is {self.seed}")


@dataclass(frozen=True)
class Beam:
    """Keep the ``width`` most likely continuations at every step, and return the best one that was finished.

    score = Σ log p(token) / length ** length_penalty, where length counts the generated tokens, the end token among them. A length_penalty of 0 compares
    plain probabilities, which favours short texts; larger ones favour longer texts. no_repeat_ngram: no run of so many tokens occurs twice
    in the generated text (the prompt does not count: copying from it is what most tasks ask for); None or 0 allows every repetition.
    The defaults are the paper's for E2E (section D.3, table 11): width 10, length penalty 0.9, no 4-gram twice.

    Raises InputError where an option is outside its range.
    """

    width: int = 10
    length_penalty: float = 0.9
    no_repeat_ngram: int | None = 4

    def __post_init__(self) -> None:
        if self.width < 1:
            raise InputError(f"width must be at least 1, not {self.width}; a width of 1 is Greedy()")
        if not math.isfinite(self.length_penalty):
            raise InputError(f"length_penalty must be a finite number, not {self.length_penalty}")
        if self.no_repeat_ngram is not None and self.no_repeat_ngram < 0:
            raise InputError(
                f"no_repeat_ngram must not be negative, but is {self.no_repeat_ngram}; None allows every repetition"
            )


Decoding = Greedy | Sample | Beam
