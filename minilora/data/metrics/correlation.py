"""Correlations of predicted and right numbers: what GLUE's STS-B is scored by.

Before it: two lists of numbers. After it: the scores of regression tasks.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError


def pearson(predictions: ArrayLike, targets: ArrayLike) -> float:
    """Pearson's correlation, from -1 to 1: how nearly one list is a straight line in the other.

        r = Σ (x - x̄)(y - ȳ) / √(Σ (x - x̄)² · Σ (y - ȳ)²)

    0 where one of the two does not vary and the quotient is undefined (scipy gives nan there).
    """
    x, y = _pair(predictions, targets)
    x, y = x - x.mean(), y - y.mean()
    scale = np.abs(x).max() * np.abs(y).max()
    if scale == 0:
        return 0.0
    x, y = x / np.abs(x).max(), y / np.abs(y).max()  # so that squares neither overflow nor vanish
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))


def spearman(predictions: ArrayLike, targets: ArrayLike) -> float:
    """Spearman's correlation: Pearson's of the ranks; equal numbers share the mean of their ranks."""
    x, y = _pair(predictions, targets)
    return pearson(_ranks(x), _ranks(y))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], np.float64)


def _pair(predictions: ArrayLike, targets: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.asarray(predictions, np.float64), np.asarray(targets, np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.size < 2:
        raise InputError(
            f"predictions has the shape {x.shape} and targets {y.shape}; give two lists of the same length, of two numbers or more"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError(
            "predictions or targets hold a number that is not finite; a correlation needs finite ones"
        )
    return x, y
