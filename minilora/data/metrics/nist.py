"""NIST: n-grams that agree, weighed by how much each of them says (Doddington 2002).

Before it: predicted texts, and the references of each. After it: the scores of data-to-text.
"""

import math
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from operator import or_

from .checks import check_references, ngrams
from .tokens import words_13a

LONGEST = 5
"""The longest n-gram that counts."""


def nist(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """NIST-5 over all predictions together; there is no upper bound.

        info(w₁…wₙ) = log₂(count(w₁…wₙ₋₁) / count(w₁…wₙ)),  counted over all references (for n = 1 above the line: all words)
        score = exp(-β ln²(min(1, L/R))) · Σₙ (Σ info of the n-grams that agree / number of n-grams predicted),  β = ln 2 / ln² 1.5

    An n-gram agrees as often as it stands in the prediction, at most as often as in one of its references. L is the number of words predicted, R the sum of
    the mean lengths of the references; the factor before the sum is 1/2 where L = 2R/3. Words are those of `words_13a` in small letters. As mteval-v13a
    and E2E's scorer have it; NLTK's ``corpus_nist`` takes only the best of several references and so gives less.
    """
    check_references(predictions, references)
    said = [words_13a(prediction) for prediction in predictions]
    wanted = [[words_13a(reference) for reference in own] for own in references]
    counts = _reference_counts(wanted)
    score = 0.0
    for n in range(1, LONGEST + 1):
        gained, written = 0.0, 0
        for words, own in zip(said, wanted, strict=True):
            ours = ngrams(words, n)
            theirs: Counter[tuple[str, ...]] = reduce(
                or_, (ngrams(reference, n) for reference in own)
            )  # the most of any
            gained += sum(_info(ngram, counts) * times for ngram, times in (ours & theirs).items())
            written += ours.total()
        score += gained / written if written else 0.0
    return score * _brevity(sum(map(len, said)), sum(sum(map(len, own)) / len(own) for own in wanted))


def _reference_counts(wanted: Sequence[Sequence[Sequence[str]]]) -> Counter[tuple[str, ...]]:
    """How often every n-gram stands in all references together; the empty one as often as there are words."""
    counts: Counter[tuple[str, ...]] = Counter()
    for own in wanted:
        for reference in own:
            counts[()] += len(reference)
            for n in range(1, LONGEST + 1):
                counts.update(ngrams(reference, n))
    return counts


def _info(ngram: tuple[str, ...], counts: Counter[tuple[str, ...]]) -> float:
    return math.log2(counts[ngram[:-1]] / counts[ngram])


def _brevity(length: float, wanted: float) -> float:
    """The factor that punishes short answers."""
    if length == 0:
        return 0.0
    ratio = min(1.0, length / wanted) if wanted else 1.0
    return math.exp(-math.log(2) * (math.log(ratio) / math.log(1.5)) ** 2)
