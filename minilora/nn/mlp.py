"""The two-layer perceptron of a transformer's block."""

from collections.abc import Callable

import numpy as np

from ..autograd import Tensor
from .layers import Linear
from .module import Module


class MLP(Module):
    """down(activation(up(x))). up: [mlp width, width]; down: [width, mlp width]."""

    def __init__(self, up: Linear, down: Linear, activation: Callable[[Tensor], Tensor]) -> None:
        self.up, self.down = up, down
        self.activation = activation

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        return self.down(self.activation(self.up(x, rng)), rng)

    def extra_repr(self) -> str:
        return self.activation.__name__
