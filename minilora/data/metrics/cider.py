"""CIDEr-D: likeness to the references, where rare n-grams count more (Vedantam, Zitnick and Parikh 2015).

Before it: predicted texts, and the references of each. After it: the scores of data-to-text.
"""

import math
from collections import Counter
from collections.abc import Sequence

from .checks import check_references, ngrams
from .tokens import words_13a

LONGEST = 4
"""The longest n-gram that counts."""
SIGMA = 6.0
"""The difference in length, in words, at which a prediction keeps e^(-1/2) of its figure."""

Counts = Counter[tuple[str, ...]]
Vector = dict[tuple[str, ...], float]


def cider(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """CIDEr-D, from 0 to 10: the mean over all predictions p, their references r and n = 1 to 4 of

        10 · exp(-(|p| - |r|)² / 2σ²) · Σ_w min(g_w(p), g_w(r)) g_w(r) / (‖g(p)‖ ‖g(r)‖),  σ = 6

    where g_w(t) = (count of the n-gram w in t) · ln(N / number of predictions whose references hold w), of N predictions in all. What stands in every
    reference set therefore counts nothing, and a figure over a part of a test set is not comparable with one over the whole.

    The length |t| is the number of bigrams, as in COCO's scorer, which this equals on equal words; here words are those of `words_13a` in small letters.
    """
    check_references(predictions, references)
    said = [_counts(words_13a(text)) for text in predictions]
    wanted = [[_counts(words_13a(text)) for text in own] for own in references]
    holders: Counts = Counter()
    for own in wanted:
        holders.update({ngram for counts in own for grams in counts for ngram in grams})
    rarity = {ngram: math.log(len(predictions) / count) for ngram, count in holders.items()}
    unseen = math.log(len(predictions))
    total = 0.0
    for ours, own in zip(said, wanted, strict=True):
        vectors = [_weigh(grams, rarity, unseen) for grams in ours]
        likeness = 0.0
        for theirs in own:
            penalty = math.exp(-((ours[1].total() - theirs[1].total()) ** 2) / (2 * SIGMA**2))
            pairs = zip(vectors, (_weigh(grams, rarity, unseen) for grams in theirs), strict=True)
            likeness += penalty * sum(_likeness(a, b) for a, b in pairs) / LONGEST
        total += 10 * likeness / len(own)
    return total / len(predictions)


def _counts(words: Sequence[str]) -> list[Counts]:
    """The n-grams of each length, from 1 to `LONGEST`."""
    return [ngrams(words, n) for n in range(1, LONGEST + 1)]


def _weigh(counts: Counts, rarity: Vector, unseen: float) -> Vector:
    return {ngram: count * rarity.get(ngram, unseen) for ngram, count in counts.items()}


def _likeness(ours: Vector, theirs: Vector) -> float:
    """The clipped cosine of two vectors."""
    norms = math.sqrt(sum(v * v for v in ours.values())) * math.sqrt(sum(v * v for v in theirs.values()))
    if norms == 0:
        return 0.0
    return (
        sum(min(value, theirs[ngram]) * theirs[ngram] for ngram, value in ours.items() if ngram in theirs)
        / norms
    )
