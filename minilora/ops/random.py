"""Dropout, with the generator it draws from in plain sight."""

from typing import Any

import numpy as np

from ..autograd import op
from ..backend import Array, namespace


def keep_mask(shape: tuple[int, ...], *, rate: float, rng: np.random.Generator, like: Array) -> Array:
    """An array of ``shape``: 0 with probability ``rate``, else 1/(1 − rate), so that its mean is 1. Drawn on the host, so that every device starts equal."""
    kept = rng.random(shape, dtype=np.float32) >= rate
    return namespace(like).asarray(kept).astype(like.dtype) * (1 / (1 - rate))


@op(
    check=lambda rng: (
        [rng.standard_normal((3, 4))],
        {"rate": 0.4, "rng": _Fixed(int(rng.integers(1 << 30)))},
    )
)
def dropout(x: Array, *, rate: float, rng: np.random.Generator) -> tuple[Array, tuple[Any, ...]]:
    """x with each element set to 0 with probability ``rate`` and the others divided by 1 − rate (Srivastava et al. 2014).

    0 <= rate < 1. The mean over draws is x itself, so nothing need change where dropout is off.
    """
    mask = keep_mask(x.shape, rate=rate, rng=rng, like=x)
    return x * mask, (lambda g: g * mask,)


class _Fixed:
    """A stand-in for a generator that draws the same numbers at every call, as a gradient check needs."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def random(self, shape: tuple[int, ...], dtype: Any) -> Array:
        return np.random.default_rng(self.seed).random(shape, dtype=dtype)
