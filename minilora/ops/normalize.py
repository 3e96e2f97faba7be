"""Layer normalisation, fused."""

from typing import Any

from ..autograd import op
from ..backend import Array, namespace, row_dot, row_sum


@op(check=lambda rng: ([rng.standard_normal(s) for s in ((2, 3, 6), (6,), (6,))], {"epsilon": 1e-5}))
def layer_norm(x: Array, gain: Array, bias: Array, *, epsilon: float) -> tuple[Array, tuple[Any, ...]]:
    """y = x̂ · gain + bias with x̂ = (x − mean) / √(variance + ε), over the last axis (Ba et al. 2016).

    x: [..., width]; gain, bias: [width]. With h = g · gain:  ∂x = (h − mean(h) − x̂ · mean(h · x̂)) / √(variance + ε),  ∂gain = Σ g·x̂,  ∂bias = Σ g.
    Kept for the backward pass: x̂ and one number a row.
    """
    xp = namespace(x)
    width = x.shape[-1]
    normal = x - row_sum(x)[..., None] / width
    inverse = 1 / xp.sqrt(row_dot(normal, normal)[..., None] / width + epsilon)  # [..., 1]
    normal *= inverse
    y = normal * gain
    y += bias

    def dx(g: Array) -> Array:
        h = g * gain
        along = row_dot(h, normal)[..., None] / width  # [..., 1]
        h -= row_sum(h)[..., None] / width
        h -= normal * along
        h *= inverse
        return h

    axes = tuple(range(x.ndim - 1))
    return y, (dx, lambda g: (g * normal).sum(axis=axes), lambda g: g.sum(axis=axes))
