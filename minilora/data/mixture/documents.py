"""Generated documents: one function draws a family and lets it write.

Before: the families (`tables`, `statements`, `records`, `descriptions`, `letters`, `lists`, `dialogues`). After: `loader`, which packs documents into rows, and the tokenizer's training text.
"""

from collections.abc import Callable, Iterator

import numpy as np

from .descriptions import described
from .dialogues import dialogue
from .dice import Dice
from .letters import letter
from .lists import copied, json_objects, looked_up, numbered, numbers
from .records import recalled, rewritten
from .statements import joins, statements
from .tables import lookups

FAMILIES: dict[str, tuple[float, Callable[[Dice], str]]] = {
    "described": (0.14, described),
    "recalled": (0.10, recalled),
    "rewritten": (0.06, rewritten),
    "letter": (0.06, letter),
    "statements": (0.20, statements),
    "joins": (0.03, joins),
    "lookups": (0.07, lookups),
    "copied": (0.09, copied),
    "numbered": (0.04, numbered),
    "looked_up": (0.08, looked_up),
    "json_objects": (0.05, json_objects),
    "numbers": (0.03, numbers),
    "dialogue": (0.05, dialogue),
}
"""Each family's share of the documents, and the function that writes one."""

_NAMES = list(FAMILIES)
_BOUNDS = np.cumsum([share for share, _ in FAMILIES.values()]).tolist()

ALL_MARKS = "".join(map(chr, range(32, 127))) + "£€¥§°±²³·¿×÷–—‘’“”…→←éèêëáàâäöüßñçåøæÉÖÜ\n\t"
"""Every printable character of ASCII and those that notations and names use besides."""


def document(dice: Dice) -> str:
    """One document of a family drawn by its share."""
    draw = dice.uniform() * _BOUNDS[-1]
    family = next(name for name, bound in zip(_NAMES, _BOUNDS, strict=True) if draw < bound)
    return FAMILIES[family][1](dice)


def documents(seed: int, characters: int) -> Iterator[str]:
    """Documents from a seed until they hold ``characters`` characters together."""
    dice = Dice(np.random.default_rng([seed, 1]))
    written = 0
    while written < characters:
        text = document(dice)
        written += len(text)
        yield text
