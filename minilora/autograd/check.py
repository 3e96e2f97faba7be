"""Gradient checks: the tape's derivatives against central differences.

In float64 the central difference (f(x + h) − f(x − h)) / 2h has an error of about h² from truncation and ε/h from rounding; with h = 1e-5 both stay near 1e-10,
so agreement to 1e-7 relative is asked for, and a wrong formula cannot reach it.
"""

from collections.abc import Callable, Iterable

import numpy as np

from ..backend import Array
from .tape import Node
from .tensor import Tensor, gradients


def numerical_jacobian(
    function: Callable[..., Array], arrays: list[Array], index: int, step: float = 1e-5
) -> Array:
    """∂function(*arrays)/∂arrays[index] by central differences: [output size, input size], float64."""
    x = arrays[index]
    columns = []
    for position in np.ndindex(x.shape):
        moved = [array.copy() for array in arrays]
        moved[index][position] = x[position] + step
        above = function(*moved).copy()  # the output may be a view of the input
        moved[index][position] = x[position] - step
        columns.append((above - function(*moved)).ravel() / (2 * step))
    return np.stack(columns, axis=1)  # [output size, input size]


def check_gradients(
    function: Callable[..., Tensor],
    *arrays: Array,
    rng: np.random.Generator | None = None,
    full_below: int = 400,
    directions: int = 5,
) -> float:
    """The largest relative error of the tape's derivatives of ``function`` at ``arrays`` (float64), over all inputs.

    Where output size × input size is at most ``full_below``² / 4, the whole Jacobian is compared; otherwise the derivatives of random projections ⟨w, f⟩ along
    random directions v, which are wrong with certainty when the Jacobian is. The error is ‖tape − differences‖ / max(‖tape‖, ‖differences‖, 1e-3): relative, but for gradients near zero.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    inputs = [np.asarray(array, dtype=np.float64) for array in arrays]

    def values(*moved: Array) -> Array:
        return np.asarray(function(*[Tensor(array) for array in moved]).data)

    def pulled_back(w: Array) -> list[Array]:
        """wᵀ · Jacobian, for every input."""
        leaves = [Tensor(array, trainable=True) for array in inputs]
        output = function(*leaves)
        found = gradients(_weighted_sum(output, w), leaves)
        return [np.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]

    output = values(*inputs)
    errors: list[float] = []
    if all(output.size * x.size <= full_below**2 / 4 for x in inputs):
        rows = [pulled_back(w.reshape(output.shape)) for w in np.eye(output.size)]
        for index in range(len(inputs)):
            tape = np.stack([row[index].ravel() for row in rows])  # [output size, input size]
            errors.append(relative_error(tape, numerical_jacobian(values, inputs, index)))
        return largest(errors)
    for _ in range(directions):
        w = rng.standard_normal(output.shape)
        for index, gradient in enumerate(pulled_back(w)):
            v = rng.standard_normal(inputs[index].shape)
            v /= np.linalg.norm(v)
            step = 1e-5
            above, below = (
                values(*[x + sign * step * v if i == index else x for i, x in enumerate(inputs)])
                for sign in (1, -1)
            )
            differences = float(np.sum(w * (above - below)) / (2 * step))
            errors.append(relative_error(np.array(float(np.sum(gradient * v))), np.array(differences)))
    return largest(errors)


def largest(errors: Iterable[float]) -> float:
    """The largest of the errors, 0 where there is none; not a number where one of them is not: Python's ``max`` would pass it over, and what gives no number must not pass."""
    return float(np.max(list(errors), initial=0.0))


def relative_error(a: Array, b: Array, floor: float = 1e-3) -> float:
    """‖a − b‖ / max(‖a‖, ‖b‖, floor), Frobenius norms."""
    return float(np.linalg.norm(a - b)) / max(float(np.linalg.norm(a)), float(np.linalg.norm(b)), floor)


def _weighted_sum(output: Tensor, w: Array) -> Tensor:
    """⟨w, output⟩ on the tape, written here so that the check leans on no op of the package."""
    node = None if output.node is None else Node(((output.node, lambda g: g * w),))
    return Tensor(np.sum(output.data * w), node=node)
