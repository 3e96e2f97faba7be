"""An identity as it was found to hold, and how far two arrays are apart.

Comes first in this folder; every other file states identities, and gives findings.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...backend import Array

EXACT = 1e-12
"""The bound of what holds exactly but for rounding, in float64."""


@dataclass(frozen=True)
class Finding:
    """An identity as it was found. error: the largest relative one over the layers, at ``layer``. needs: what must be so for it to hold.

    bound: what the error must stay below; more than rounding where the statement is of a mean over random draws. holds: False for a statement that is wrong and must be
    found out: its error, the smallest over the layers, must exceed the bound.
    """

    name: str
    statement: str
    needs: str
    error: float
    layer: str
    bound: float = EXACT
    holds: bool = True

    @property
    def passed(self) -> bool:
        """Whether the error says what it must. One that is not a number never passes."""
        return self.error <= self.bound if self.holds else self.error > self.bound


def relative(found: Array, stated: Array) -> float:
    """‖found − stated‖ / ‖stated‖, Frobenius norms."""
    return float(np.linalg.norm(found - stated)) / max(float(np.linalg.norm(stated)), 1e-300)


def worst(
    name: str, statement: str, needs: str, errors: Mapping[str, float], bound: float = EXACT
) -> Finding:
    """The finding whose error is the largest over the layers, or is not a number in one of them."""
    layer = max(errors, key=lambda path: (math.isnan(errors[path]), errors[path]))
    return Finding(name, statement, needs, float(errors[layer]), layer, bound)


def wrong(name: str, statement: str, why: str, errors: Mapping[str, float], bound: float = 1e-3) -> Finding:
    """A statement that is wrong, with its smallest error over the layers: it must be large in all, and a number."""
    layer = min(errors, key=lambda path: (not math.isnan(errors[path]), errors[path]))
    return Finding(name, statement, f"false: {why}", float(errors[layer]), layer, bound, holds=False)
