"""How far right and wrong answers can be trusted: intervals over seeds and questions at once.

Comes before ``study.py``, whose runs answer the same questions from several seeds.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..train.result import plain


def resample(
    parts: Sequence[NDArray[np.bool_]], statistic: Callable[..., float], *, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """A 95% interval of ``statistic`` of the means of several [seeds, questions] arrays, by resampling both seeds and questions.

    The arrays answer the same questions, so each draw takes the same questions of all; seeds are drawn for each by itself, since equal seeds of two methods have nothing in common.
    """
    rng = np.random.default_rng(seed)
    questions = parts[0].shape[1]
    values = []
    for _ in range(draws):
        chosen = rng.integers(0, questions, questions)
        means = [part[rng.integers(0, len(part), len(part))][:, chosen].mean() for part in parts]
        values.append(statistic(*means))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def with_interval(answers: NDArray[np.bool_]) -> dict[str, Any]:
    """The accuracy of ``answers`` [seeds, questions], with its interval."""
    return {"accuracy": float(answers.mean()), "interval": resample([answers], float)}


def ratio_of(answers: NDArray[np.bool_], reference: NDArray[np.bool_]) -> dict[str, Any]:
    """The accuracy of ``answers`` as a share of that of ``reference``, both [seeds, questions], with its interval; None for what is no number, where the reference answers nothing.

    An interval reaches that far where the reference answers so little that a draw of the questions may leave it nothing.
    """

    def ratio(a: float, b: float) -> float:
        return float(a / b) if b else float("inf")

    with np.errstate(invalid="ignore"):  # ∞ − ∞, between two such draws
        interval = resample([answers, reference], ratio)
    found: dict[str, Any] = plain({"ratio": ratio(answers.mean(), reference.mean()), "interval": interval})
    return found
