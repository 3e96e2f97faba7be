"""Cheap random choices for text generation.

A document of the mixture takes some hundred small choices, and one call of NumPy's generator costs microseconds. `Dice` draws uniform numbers a
thousand at a time and hands them out one by one. The source stays an explicit `numpy.random.Generator`, so a document is a function of its seed.
"""

from collections.abc import MutableSequence, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """Choices from a stream of uniform numbers."""

    def __init__(self, rng: np.random.Generator, block: int = 1024) -> None:
        self._rng, self._block = rng, block
        self._numbers: list[float] = []

    def uniform(self) -> float:
        """A number in [0, 1)."""
        if not self._numbers:
            self._numbers = self._rng.random(self._block).tolist()
        return self._numbers.pop()

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.uniform() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[int(self.uniform() * len(items))]

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Put the items into a random order, in place (Fisher and Yates)."""
        for i in range(len(items) - 1, 0, -1):
            j = int(self.uniform() * (i + 1))
            items[i], items[j] = items[j], items[i]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """``count`` different positions of the items (all of them where there are fewer), in random order."""
        copy = list(items)
        self.shuffle(copy)
        return copy[:count]
