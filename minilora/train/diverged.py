"""Training that ran away: the error that says at which step, and which parameter went wrong first.

Comes before ``loop.py``, which raises it.
"""

from collections.abc import Mapping

import numpy as np

from ..autograd import Tensor
from ..backend import Array
from ..errors import RunFailed
from .flat import Layout


class TrainingDiverged(RunFailed):
    """The loss, the gradient or the validation is not finite: training has run away. Says at which step, and names the first parameter concerned."""

    def __init__(self, step: int, what: str, value: float, learning_rate: float, where: str) -> None:
        self.step, self.value, self.learning_rate, self.where = step, value, learning_rate, where
        super().__init__(
            f"training diverged at step {step}: the {what} is {value} at learning rate {learning_rate:.3g}; {where}; "
            "lower the learning rate, lengthen the warm-up or set clip"
        )


def first_not_finite(parameters: Mapping[str, Tensor], layout: Layout, gradient: Array) -> str:
    """Which parameter went wrong first, in the model's order: one whose values are not finite, or else one whose gradient is not."""
    for name, parameter in parameters.items():
        if not bool(np.isfinite(parameter.data).all()):
            return f"the first parameter that is not finite is {name!r}"
    for name, part in zip(parameters, layout.views(gradient), strict=True):
        if not bool(np.isfinite(part).all()):
            return f"the parameters are finite, and the first gradient that is not is that of {name!r}"
    return "the parameters and their gradients are finite, so the loss itself overflows"
