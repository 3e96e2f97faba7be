"""METEOR: words that agree, exactly or by their stems, and how much they are torn apart (Banerjee and Lavie 2005; Lavie and Agarwal 2007).

Before it: predicted texts, and the references of each. After it: the scores of data-to-text.

This is METEOR with two of its matchers, exact and stem (Porter's); the published program also matches synonyms (WordNet) and paraphrases (tables of several
hundred megabytes), and version 1.5 weighs function words less. Figures are therefore of another size than the paper's (on E2E they
come out higher), and comparable only with figures from here.
"""

from collections.abc import Sequence
from typing import NamedTuple

from .checks import check_references
from .stemmer import stem
from .tokens import words_13a

ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5
"""The weight of recall, and the exponent and the weight of the punishment for chunks (Lavie and Agarwal 2007)."""
BEAM = 40
"""Alignments that are followed at a time, as in the published program."""


class Alignment(NamedTuple):
    """An alignment so far: how many words match exactly and by stem, in how many chunks, which reference words are taken (bits), and where the last pair stands."""

    exact: int = 0
    stemmed: int = 0
    chunks: int = 0
    taken: int = 0
    last: tuple[int, int] = (-2, -2)


def meteor(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """METEOR with exact and stem matches, from 0 to 100: the mean over all predictions of the best over their references of

        (1 - γ (chunks / m)^β) · P R / (α P + (1 - α) R),  α = 0.9, β = 3, γ = 0.5

    with m matched words, P = m / words of the prediction, R = m / words of the reference. Each word is matched with at most one; as many as possible are
    matched, exact matches before stems, and of those alignments the one with the fewest chunks is taken: runs of matched words that stand
    side by side in both texts. Words are those of `words_13a` in small letters.
    """
    check_references(predictions, references)
    total = 0.0
    for prediction, own in zip(predictions, references, strict=True):
        said = words_13a(prediction)
        total += max(_score(said, words_13a(reference)) for reference in own)
    return 100 * total / len(predictions)


def _score(said: list[str], wanted: list[str]) -> float:
    found = align(said, wanted)
    matched = found.exact + found.stemmed
    if matched == 0:
        return 0.0
    precision, recall = matched / len(said), matched / len(wanted)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    torn: float = (found.chunks / matched) ** BETA
    return mean * (1 - GAMMA * torn)


def align(said: Sequence[str], wanted: Sequence[str]) -> Alignment:
    """The best alignment of two lists of words, by beam search over the words of ``said``."""
    stems = [stem(word) for word in wanted]
    roots = [stem(word) for word in said]
    beam = [Alignment()]
    for i, word in enumerate(said):
        same = [j for j, other in enumerate(wanted) if other == word]
        alike = [j for j, other in enumerate(stems) if other == roots[i] and wanted[j] != word]
        places = sum(1 << j for j in (*same, *alike))
        later = roots[i + 1 :].count(roots[i])
        # The word may stay alone where the words after it can take all places that are left.
        reached = {way for way in beam if (places & ~way.taken).bit_count() <= later}
        for way in beam:
            reached |= {_extend(way, i, j, exact=True) for j in same if not way.taken >> j & 1}
            reached |= {_extend(way, i, j, exact=False) for j in alike if not way.taken >> j & 1}
        beam = sorted(reached, key=_worth)[:BEAM]
    return beam[0]


def _extend(way: Alignment, i: int, j: int, *, exact: bool) -> Alignment:
    """The alignment with one pair more."""
    return Alignment(
        exact=way.exact + exact,
        stemmed=way.stemmed + (not exact),
        chunks=way.chunks + (way.last != (i - 1, j - 1)),
        taken=way.taken | 1 << j,
        last=(i, j),
    )


def _worth(way: Alignment) -> tuple[int, int, int, int, tuple[int, int]]:
    """More matches first, then more exact ones, then fewer chunks; what remains equal is put in a fixed order."""
    return (-way.exact - way.stemmed, -way.exact, way.chunks, way.taken, way.last)
