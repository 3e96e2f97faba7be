"""A fused function beside its twin composed of primitives, and a generator that repeats itself."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minilora import ops
from minilora.autograd import Tensor, gradients, relative_error


class Fixed:
    """Draws the same numbers at every call, as a gradient check needs."""

    def random(self, shape, dtype):
        return np.random.default_rng(7).random(shape, dtype=dtype)


def errors_beside_twin(name: str, inputs: Sequence[np.ndarray | None], **options: Any) -> list[float]:
    """How far value and gradients of the fused function are from its twin's. None among the inputs stays None."""
    results = []
    for function in (getattr(ops, name), ops.reference.TWINS[name]):
        leaves = [None if x is None else Tensor(x, trainable=True) for x in inputs]
        out = function(*leaves, **options)
        weights = np.random.default_rng(1).standard_normal(out.shape)
        found = gradients((out * weights).sum(), [leaf for leaf in leaves if leaf is not None])
        results.append([out.data, *found])
    return [relative_error(one, other) for one, other in zip(*results, strict=True)]
