"""Porter's stemmer: ``connected``, ``connecting`` and ``connections`` become ``connect``.

Before it: a word in small letters. After it: METEOR and ROUGE, which match words by their stems.

The algorithm of Porter (1980) with the departures that NLTK's PorterStemmer makes, since the published scorers of METEOR and ROUGE in Python use that one:
a list of irregular words; short ``-ies`` and ``-ied`` (dies → die); y → i after a consonant only (happy → happi, enjoy → enjoy); ``-bli``, ``-fulli``,
``-logi`` and a repeated ``-alli``; and words of one or two letters stay as they are.

The *measure* m of a stem is the number of times a consonant follows a vowel in it: m = 0 in ``tree``, 1 in ``trouble``, 2 in ``private``.
"""

from functools import lru_cache
from itertools import pairwise

_IRREGULAR = {
    "skies": "sky", "sky": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news", "innings": "inning", "inning": "inning",
    "outings": "outing", "outing": "outing", "cannings": "canning", "canning": "canning", "howe": "howe", "proceed": "proceed", "exceed": "exceed",
    "succeed": "succeed",
}  # fmt: skip

_STEP_2 = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"), ("alli", "al"), ("entli", "ent"),
    ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"),
    ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
)  # fmt: skip
_STEP_3 = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
_STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize",
)  # fmt: skip


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The stem of ``word``, which is lowered first."""
    word = word.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    word = _past_and_progressive(_plural(word))
    if word.endswith("y") and len(word) > 2 and _consonants(word)[-2]:
        word = word[:-1] + "i"
    return _last_e(_ending(_replace(_derived(word), _STEP_3)))


def _consonants(word: str) -> list[bool]:
    """For each letter, whether it is a consonant: all but a, e, i, o, u, and a y that follows a consonant."""
    flags: list[bool] = []
    for letter in word:
        flags.append(not (flags and flags[-1]) if letter == "y" else letter not in "aeiou")
    return flags


def _measure(word: str) -> int:
    flags = _consonants(word)
    return sum(not before and after for before, after in pairwise(flags))


def _ends_short(word: str) -> bool:
    """Whether it ends as ``hop`` does: consonant, vowel, consonant other than w, x, y; or is a vowel and a consonant."""
    flags = _consonants(word)
    if len(word) == 2:
        return not flags[0] and flags[1]
    return len(word) > 2 and flags[-3:] == [True, False, True] and word[-1] not in "wxy"


def _plural(word: str) -> str:
    """Step 1a: caresses → caress, ponies → poni, dies → die, cats → cat."""
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past_and_progressive(word: str) -> str:
    """Step 1b: agreed → agree, plastered → plaster, hopping → hop, filing → file."""
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        start = word.removesuffix(suffix)
        if start != word and not all(_consonants(start)):
            return _mended(start)
    return word


def _mended(start: str) -> str:
    """What ``-ed`` or ``-ing`` leaves, made a word again: conflat → conflate, hopp → hop, fil → file."""
    if start.endswith(("at", "bl", "iz")):
        return start + "e"
    if len(start) > 1 and start[-1] == start[-2] and _consonants(start)[-1]:
        return start if start[-1] in "lsz" else start[:-1]
    return start + "e" if _measure(start) == 1 and _ends_short(start) else start


def _derived(word: str) -> str:
    """Step 2: relational → relate, digitizer → digitize, hopefulness → hopeful."""
    if word.endswith("alli") and _measure(word[:-4]) > 0:
        return _derived(word[:-2])
    if word.endswith("logi"):  # the l counts with what stands before it, so that short ones as "geo" work too
        return word[:-1] if _measure(word[:-3]) > 0 else word
    return _replace(word, _STEP_2)


def _replace(word: str, rules: tuple[tuple[str, str], ...]) -> str:
    """By the first rule whose ending fits, if what stands before the ending has m > 0; no other rule is tried."""
    for ending, replacement in rules:
        if word.endswith(ending):
            start = word.removesuffix(ending)
            return start + replacement if _measure(start) > 0 else word
    return word


def _ending(word: str) -> str:
    """Step 4: the last ending goes where m > 1: revival → reviv, adoption → adopt."""
    for ending in _STEP_4:
        if word.endswith(ending):
            start = word.removesuffix(ending)
            fits = _measure(start) > 1 and (ending != "ion" or start[-1] in "st")
            return start if fits else word
    return word


def _last_e(word: str) -> str:
    """Step 5: probate → probat, cease → ceas, controll → control."""
    if word.endswith("e"):
        m = _measure(word[:-1])
        if m > 1 or (m == 1 and not _ends_short(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
