"""How sure a figure is: intervals for a share and for a mean.

Before it: what was measured. After it: the tables of the experiments.
"""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError


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
