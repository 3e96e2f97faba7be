"""Reverse-mode differentiation: tensors, the tape, the op decorator, and checks of gradients.

Comes after ``backend`` (arrays) and before ``ops`` (the differentiable functions, all written with ``@op``).
"""

from .check import check_gradients, largest, numerical_jacobian, relative_error
from .op import REGISTRY, Op, once, op
from .tape import is_recording, no_grad
from .tensor import Tensor, gradients

__all__ = [
    "REGISTRY",
    "Op",
    "Tensor",
    "check_gradients",
    "gradients",
    "is_recording",
    "largest",
    "no_grad",
    "numerical_jacobian",
    "once",
    "op",
    "relative_error",
]
