"""Figures that say how good predictions are, and how sure a figure is.

Before it: predictions of a model, or its summed loss. After it: the scores of ``data/tasks`` and the tables of the experiments. Shares run from 0 to 1,
BLEU and chrF from 0 to 100, as in the literature.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError


def accuracy(predictions: Sequence[object], labels: Sequence[object]) -> float:
    """The share of predictions that equal their labels; raises InputError when the two differ in number or are empty."""
    _check_equally_many(predictions, labels)
    return sum(bool(p == label) for p, label in zip(predictions, labels, strict=True)) / len(labels)


def exact_match(predictions: Sequence[str], references: Sequence[str]) -> float:
    """The share of predictions that are their references word for word; how many blanks stand between words does not count."""
    return accuracy([p.split() for p in predictions], [r.split() for r in references])


def perplexity(summed_loss: float, tokens: int) -> float:
    """exp(L / n), where L is the sum of -log p(token) over n tokens, in nats; infinite when that is beyond the largest float."""
    if tokens < 1:
        raise InputError(f"tokens is {tokens}; a perplexity needs at least one token")
    try:
        return math.exp(summed_loss / tokens)
    except OverflowError:
        return math.inf


def bleu(
    predictions: Sequence[str], references: Sequence[Sequence[str]], *, lowercase: bool = False
) -> float:
    """Corpus BLEU, 0 to 100, of sacrebleu with its own settings: 13a tokens, n-grams up to 4, exponential smoothing, the closest reference length.

    ``references[i]`` are all references of ``predictions[i]``; they may differ in number. Upper and lower case differ unless ``lowercase``. Raises
    InputError when sacrebleu is not installed (extra ``eval``) or the numbers do not fit.
    """
    columns = _reference_columns(predictions, references)
    return float(_sacrebleu().corpus_bleu(list(predictions), columns, lowercase=lowercase).score)


def chrf(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Corpus chrF2, 0 to 100: the F-score of character n-grams up to 6 with recall weighed twice; the same arguments and errors as `bleu`."""
    columns = _reference_columns(predictions, references)
    return float(_sacrebleu().corpus_chrf(list(predictions), columns).score)


def wilson_interval(successes: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a share: where the true share lies, with the confidence given.

    With p = successes / trials, n = trials and z the normal quantile of (1 + confidence) / 2, its ends are

        (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n)        (Wilson 1927)

    Unlike p ± z √(p(1 - p)/n), it stays within [0, 1] and is right at shares near 0 and 1.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise InputError(
            f"successes is {successes} and trials is {trials}; there must be one trial or more, and no more successes than trials"
        )
    z = NormalDist().inv_cdf((1 + _checked(confidence)) / 2)
    p, spread = successes / trials, z * z / trials
    middle = (p + spread / 2) / (1 + spread)
    half = z * math.sqrt(p * (1 - p) / trials + spread / (4 * trials)) / (1 + spread)
    low = 0.0 if successes == 0 else middle - half  # exactly so on paper; rounding would miss it by 1e-17
    high = 1.0 if successes == trials else middle + half
    return low, high


def bootstrap_interval(
    values: ArrayLike, rng: np.random.Generator, *, confidence: float = 0.95, samples: int = 10_000
) -> tuple[float, float]:
    """The percentile bootstrap interval of a mean: ``samples`` times as many values are drawn with replacement and their mean taken.

    For the difference of two methods on the same questions, give the differences question by question.
    """
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or numbers.size == 0:
        raise InputError(f"values has the shape {numbers.shape}; give one dimension with at least one value")
    tail = (1 - _checked(confidence)) / 2
    means = np.empty(samples)
    step = max(1, 1_000_000 // numbers.size)  # so many samples at a time that 8 MB of indices suffice
    for start in range(0, samples, step):
        count = min(step, samples - start)
        drawn = rng.integers(numbers.size, size=(count, numbers.size))  # [samples, values]
        means[start : start + count] = numbers[drawn].mean(axis=1)
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)


def _checked(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence}; it lies between 0 and 1, usually 0.95")
    return confidence


def _check_equally_many(predictions: Sequence[object], references: Sequence[object]) -> None:
    if len(predictions) != len(references):
        raise InputError(
            f"there are {len(predictions)} predictions and {len(references)} references; give one for each"
        )
    if len(references) == 0:
        raise InputError("there is nothing to score; give at least one prediction")


def _reference_columns(
    predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> list[list[str | None]]:
    """References as sacrebleu wants them: a list per place in the order, each with an entry (or None) per prediction."""
    _check_equally_many(predictions, references)
    if not all(references):
        raise InputError("a prediction has no reference; give at least one for each")
    most = max(map(len, references))
    return [[own[place] if place < len(own) else None for own in references] for place in range(most)]


def _sacrebleu() -> ModuleType:
    try:
        import sacrebleu
    except ImportError as error:
        raise InputError(
            'BLEU and chrF need sacrebleu; install it with: pip install "minilora[eval]"'
        ) from error
    return sacrebleu
