"""ROUGE: how much of a reference a text holds, by n-grams and by the longest common subsequence (Lin 2004).

Before it: predicted texts, and the references of each. After it: the scores of summarization (ROUGE-1, -2, -L) and of data-to-text (COCO's ROUGE-L).
"""

import re
from collections.abc import Sequence

from .checks import check_references, ngrams
from .stemmer import stem
from .tokens import words_13a

_NO_WORD = re.compile(r"[^a-z0-9]+")
BETA = 1.2
"""COCO's weight of recall in its ROUGE-L."""


def rouge(
    predictions: Sequence[str], references: Sequence[Sequence[str]], *, stemming: bool = True
) -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L as F-scores from 0 to 100, the mean over all predictions: the entries ``rouge1``, ``rouge2``, ``rougeL``.

    For n = 1, 2, with m the n-grams that prediction and reference share (each as often as it stands in both)

        P = m / n-grams of the prediction,  R = m / n-grams of the reference,  F = 2 P R / (P + R)

    and for L the same with m the length of their longest common subsequence of words. Of several references the best counts, for each figure by itself.
    Words are runs of a-z and 0-9 in small letters; with ``stemming`` those of more than three letters are compared by their stems. Equal to Google's
    rouge-score, which most work on SAMSum reports; summaries are taken as one line (its rougeL, not its rougeLsum).
    """
    check_references(predictions, references)
    sums = dict.fromkeys(("rouge1", "rouge2", "rougeL"), 0.0)
    for prediction, own in zip(predictions, references, strict=True):
        said = _words(prediction, stemming)
        wanted = [_words(reference, stemming) for reference in own]
        sums["rouge1"] += max(_overlap(said, words, 1) for words in wanted)
        sums["rouge2"] += max(_overlap(said, words, 2) for words in wanted)
        sums["rougeL"] += max(_f(common(said, words), len(said), len(words)) for words in wanted)
    return {name: 100 * total / len(predictions) for name, total in sums.items()}


def coco_rouge_l(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """ROUGE-L as COCO's and E2E's scripts have it, from 0 to 100: the mean over all predictions of

        F = (1 + β²) P R / (R + β² P),  β = 1.2

    where P and R, from the longest common subsequence, are each the best over the references, be they of different ones. Words are those of `words_13a`
    in small letters, where the scripts use the Penn Treebank's.
    """
    check_references(predictions, references)
    total = 0.0
    for prediction, own in zip(predictions, references, strict=True):
        said, wanted = words_13a(prediction), [words_13a(reference) for reference in own]
        lengths = [common(said, words) for words in wanted]
        precision = max(lengths) / len(said) if said else 0.0
        recall = max(
            found / len(words) if words else 0.0 for found, words in zip(lengths, wanted, strict=True)
        )
        if precision and recall:
            total += (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)
    return 100 * total / len(predictions)


def common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence: the most words that stand in both in the same order, others between them or not."""
    row = [0] * (len(second) + 1)  # row[j]: of the words of `first` so far and the first j of `second`
    for word in first:
        diagonal = 0
        for j, other in enumerate(second, start=1):
            diagonal, row[j] = row[j], diagonal + 1 if word == other else max(row[j], row[j - 1])
    return row[-1]


def _words(text: str, stemming: bool) -> list[str]:
    words = _NO_WORD.sub(" ", text.lower()).split()
    return [stem(word) if len(word) > 3 else word for word in words] if stemming else words


def _overlap(said: list[str], wanted: list[str], n: int) -> float:
    ours, theirs = ngrams(said, n), ngrams(wanted, n)
    return _f((ours & theirs).total(), ours.total(), theirs.total())


def _f(shared: int, said: int, wanted: int) -> float:
    """2PR/(P + R) with P = shared/said and R = shared/wanted."""
    return 2 * shared / (said + wanted) if shared else 0.0
