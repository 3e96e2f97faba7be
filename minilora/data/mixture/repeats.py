"""Strings of random tokens that come again: copying in its barest form.

Nothing about a random token can be known but that it was there before, so the loss counts only where the text decides what comes next: inside a
repeat. A model lowers it in one way, by looking for the last place where the present token stood and taking what followed there: an induction
head (Olsson and others, 2022, "In-context learning and induction heads").
"""

import numpy as np
from numpy.typing import NDArray

from ..batches import IGNORED


def repeat_row(
    rng: np.random.Generator, vocabulary: int, end: int, length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A row of ``length`` ids and its targets, -100 where the next token is not decided by what stands before.

    Two layouts, each half of the time:

    * a phrase of 3 to length/2 tokens again and again from a random offset, so that a repeat starts anywhere; counted from the second time on, except for the
      first token of the second time (nothing tells where a phrase ends until it has ended once);
    * a few phrases of 2 to 12 tokens in random order, as names recur in a text; counted from the second token of each recurrence on.
    """
    total = length + 1
    if rng.random() < 0.5:
        period = int(np.exp(rng.uniform(np.log(3), np.log(max(length // 2, 4)))))
        tokens = _random_tokens(rng, vocabulary, end, total)
        counted = np.zeros(total, np.bool_)
        start = 0
        while start < total:
            times = int(rng.integers(2, 6))
            stop = min(start + times * period, total)
            tokens[start:stop] = np.resize(tokens[start : start + period], stop - start)
            counted[start + period + 1 : stop] = True
            start = stop + int(rng.integers(0, 9))
            period = max(3, int(period * rng.uniform(0.5, 2)))
    else:
        phrases = [
            _random_tokens(rng, vocabulary, end, int(rng.integers(2, 13)))
            for _ in range(int(rng.integers(2, 13)))
        ]
        order = rng.integers(0, len(phrases), total)
        seen, pieces, marks = set[int](), list[NDArray[np.int64]](), list[NDArray[np.bool_]]()
        size = 0
        for i in order.tolist():
            if size >= total:
                break
            mark = np.full(len(phrases[i]), i in seen)
            mark[0] = False
            seen.add(i)
            pieces.append(phrases[i])
            marks.append(mark)
            size += len(mark)
        tokens, counted = np.concatenate(pieces)[:total], np.concatenate(marks)[:total]
    return tokens[:-1], np.where(counted, tokens, IGNORED)[1:]


def _random_tokens(rng: np.random.Generator, vocabulary: int, end: int, count: int) -> NDArray[np.int64]:
    """Tokens drawn evenly from the whole vocabulary except the end token."""
    tokens = rng.integers(0, vocabulary - 1, count)
    return np.where(tokens >= end, tokens + 1, tokens)
