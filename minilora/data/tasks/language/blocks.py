"""The words that sentences are made of, divided over training, validation and test: no name, place or thing stands in two of them.

Before it: ``tasks/nl2sql/values.py`` (the pools). After it: the generators of this folder, and ``conversations.py`` and ``descriptions.py``.

A word's part follows from the word alone: 70% train, 10% validation, 20% test, by its SHA-256 modulo 10. What carries the label (grammar, opinion words,
"before" and "after") is shared: it is what there is to learn.
"""

import hashlib
from functools import cache

from ..base import Split
from ..nl2sql.values import POOLS

_UNCOUNTED = {"deer", "sheep", "goose", "mouse", "ox", "wolf", "calf"}


def part_of(word: str) -> Split:
    """The part that a word belongs to."""
    number = int(hashlib.sha256(f"block:{word}".encode()).hexdigest(), 16) % 10
    return "train" if number < 7 else "validation" if number < 8 else "test"


def listed(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


@cache
def pool(name: str, split: Split) -> tuple[str, ...]:
    """The words of a pool that belong to ``split``: people by their first names (one word), trades and animals that take a plain plural."""
    words = dict.fromkeys(word for word in POOLS[name] if " " not in word)
    return tuple(word for word in words if part_of(word) == split and word not in _UNCOUNTED)


def plural(noun: str) -> str:
    """The plural of a regular noun."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def third_person(verb: str) -> str:
    """``watch`` → ``watches``: formed as plurals are."""
    return plural(verb)


def past(verb: str) -> str:
    """The past of a regular verb."""
    if verb.endswith("e"):
        return verb + "d"
    return verb[:-1] + "ied" if verb.endswith("y") and verb[-2] not in "aeiou" else verb + "ed"


def article(noun: str) -> str:
    """``a`` or ``an``, and the noun."""
    return ("an " if noun[0].lower() in "aeiou" else "a ") + noun


def upper(sentence: str) -> str:
    """The sentence with a capital letter at its beginning."""
    return sentence[:1].upper() + sentence[1:]
