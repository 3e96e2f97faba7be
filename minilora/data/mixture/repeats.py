"""Strings of random tokens that come again: copying in its barest form.

Nothing about a random token can be known but that it was there before, so the loss counts only where the text decides what comes next: inside a
repeat. A model lowers it in one way, by looking for the last place where the present token stood and taking what followed there: an induction
head (Olsson and others, 2022, "In-context learning and induction heads"). Two of the layouts have marks between the random tokens, as lists and records
have commas and colons; after a mark the present token tells nothing, and the one before it everything.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..batches import IGNORED

Marked = tuple[NDArray[np.int64], NDArray[np.bool_]]
"""Tokens, and which of them what stands before decides."""


def repeat_row(
    rng: np.random.Generator, vocabulary: int, end: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A row of ``length`` ids and its targets, -100 where the next token is not decided by what stands before; each layout equally often."""
    layout = LAYOUTS[int(rng.integers(len(LAYOUTS)))]
    tokens, counted = layout(rng, vocabulary, end, length + 1)
    return tokens[:-1], np.where(counted, tokens, IGNORED)[1:]


def _in_a_row(rng: np.random.Generator, vocabulary: int, end: int, total: int) -> Marked:
    """A phrase of 3 to total/2 tokens two to five times on end, then another of a similar length, and so on.

    Counted from the second time on, but for the second time's first token: nothing tells where a phrase ends until it has come once more.
    """
    period = int(np.exp(rng.uniform(np.log(3), np.log(max((total - 1) // 2, 4)))))
    tokens = _random_tokens(rng, vocabulary, end, total)
    counted = np.zeros(total, np.bool_)
    start = 0
    while start < total:
        times = int(rng.integers(2, 6))
        stop = min(start + times * period, total)
        tokens[start:stop] = np.resize(tokens[start : start + period], stop - start)
        counted[start + period + 1 : stop] = True
        start = stop + int(rng.integers(0, 9))  # up to eight tokens that belong to no phrase
        period = max(3, int(period * rng.uniform(0.5, 2)))
    return tokens, counted


def _in_turn(rng: np.random.Generator, vocabulary: int, end: int, total: int) -> Marked:
    """Two to twelve phrases of 2 to 12 tokens in random order, as names recur in a text; counted from the second token of each recurrence on."""
    phrases = [
        _random_tokens(rng, vocabulary, end, int(rng.integers(2, 13)))
        for _ in range(int(rng.integers(2, 13)))
    ]
    order = rng.integers(0, len(phrases), total).tolist()
    tokens, counted = list[int](), list[bool]()
    seen = set[int]()
    for i in order:
        tokens += phrases[i].tolist()
        counted += [False, *[i in seen] * (len(phrases[i]) - 1)]
        seen.add(i)
    return np.array(tokens[:total]), np.array(counted[:total])


def _listed(rng: np.random.Generator, vocabulary: int, end: int, total: int) -> Marked:
    """Lists of three to eight items of one to three tokens with one mark after each, two to four times on end, as `a, b c, d, a, b c, d,`.

    Counted from the second token of the second time on.
    """
    tokens, counted = list[int](), list[bool]()
    while len(tokens) < total:
        mark = _random_tokens(rng, vocabulary, end, 1)
        items = [_phrase(rng, vocabulary, end, 3) for _ in range(int(rng.integers(3, 9)))]
        phrase = [token for item in items for token in (*item, *mark.tolist())]
        again = int(rng.integers(1, 4))
        tokens += phrase * (1 + again)
        counted += [False] * (len(phrase) + 1) + [True] * (len(phrase) * again - 1)
    return np.array(tokens[:total]), np.array(counted[:total])


def _paired(rng: np.random.Generator, vocabulary: int, end: int, total: int) -> Marked:
    """Three to eight keys with values, one mark after each key and another after each value, and again in random order, as `a = b c; d = e; d = e; a = b c;`.

    Counted where a pair comes again: all but the first token of its key.
    """
    tokens, counted = list[int](), list[bool]()
    while len(tokens) < total:
        after_key, after_value = (_random_tokens(rng, vocabulary, end, 1).tolist() for _ in range(2))
        pairs = [
            [*_phrase(rng, vocabulary, end, 2), *after_key, *_phrase(rng, vocabulary, end, 3), *after_value]
            for _ in range(int(rng.integers(3, 9)))
        ]
        again = rng.integers(0, len(pairs), len(pairs) * int(rng.integers(1, 4))).tolist()
        for pair in pairs:
            tokens += pair
            counted += [False] * len(pair)
        for i in again:
            tokens += pairs[i]
            counted += [False] + [True] * (len(pairs[i]) - 1)
    return np.array(tokens[:total]), np.array(counted[:total])


LAYOUTS: tuple[Callable[[np.random.Generator, int, int, int], Marked], ...] = (
    _in_a_row,
    _in_turn,
    _listed,
    _paired,
)
"""The ways in which tokens come again."""


def _phrase(rng: np.random.Generator, vocabulary: int, end: int, longest: int) -> list[int]:
    """One to ``longest`` tokens."""
    tokens: list[int] = _random_tokens(rng, vocabulary, end, int(rng.integers(1, longest + 1))).tolist()
    return tokens


def _random_tokens(rng: np.random.Generator, vocabulary: int, end: int, count: int) -> NDArray[np.int64]:
    """Tokens drawn evenly from the whole vocabulary except the end token."""
    tokens = rng.integers(0, vocabulary - 1, count)
    return np.where(tokens >= end, tokens + 1, tokens)
