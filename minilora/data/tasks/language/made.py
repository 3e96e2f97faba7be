"""What the classifications of this folder have in common: examples drawn from a seed, as many of each class.

Before it: ``blocks.py``. After it: the four tasks, each with a `draw` of its own.
"""

from abc import abstractmethod
from functools import cached_property

import numpy as np

from ...examples import Labelled
from ...mixture.dice import Dice
from ..base import Split, check_seed
from ..classification import Classification

SIZES: dict[Split, int] = {"train": 6_000, "validation": 400, "test": 1_000}
"""Examples of each part."""


class Made(Classification):
    """A classification made from ``seed``; the parts share no name, place or thing (see ``blocks.py``), and no text comes twice."""

    made = True

    def __init__(self, seed: int = 0) -> None:
        check_seed(self.name, seed)
        self.seed = seed

    @abstractmethod
    def draw(self, dice: Dice, split: Split, label: int) -> tuple[str, ...]:
        """The text, or the two, of an example of the class ``label``, of the words of ``split``."""

    @cached_property
    def train(self) -> tuple[Labelled, ...]:
        """6,000 examples."""
        return self._part("train", 0)

    @cached_property
    def validation(self) -> tuple[Labelled, ...]:
        """400 examples."""
        return self._part("validation", 1)

    @cached_property
    def test(self) -> tuple[Labelled, ...]:
        """1,000 examples."""
        return self._part("test", 2)

    def _part(self, split: Split, stream: int) -> tuple[Labelled, ...]:
        dice = Dice(np.random.default_rng([self.seed, stream, *self.name.encode()]))
        found: dict[tuple[str, ...], Labelled] = {}
        while len(found) < SIZES[split]:
            label = len(found) % len(self.labels)
            texts = self.draw(dice, split, label)
            found.setdefault(texts, Labelled(texts, label))
        examples = list(found.values())
        dice.shuffle(examples)
        return tuple(examples)
