"""The linear layer, plain and with a low-rank update: the heart of the LoRA paper in two functions."""

from typing import Any

from ..autograd import once, op
from ..backend import Array, times_transposed, wide


@op(check=[(2, 3, 4), (5, 4), (5,)])
def linear(x: Array, W: Array, b: Array | None) -> tuple[Array, tuple[Any, ...]]:
    """y = x Wᵀ + b.

    x: [..., in]; W: [out, in]; b: [out] or None; y: [..., out]. ∂x = g W, ∂W = gᵀ x, ∂b = Σ g. Where W is frozen x is not kept; and nobody computes ∂W.
    A W that is stored as float16 is made wide for each of the two products, and kept as it is stored.
    """
    x2 = _rows(x)  # [n, in]: one large product instead of one for each row of the batch
    y = times_transposed(x2, wide(W))  # [n, out]
    if b is not None:
        y += b
    return y.reshape(*x.shape[:-1], len(W)), (
        lambda g: (_rows(g) @ wide(W)).reshape(*g.shape[:-1], W.shape[1]),
        lambda g: _rows(g).T @ x2,
        lambda g: _rows(g).sum(axis=0),
    )


@op(
    check=lambda rng: (
        [rng.standard_normal(s) for s in ((2, 3, 4), (5, 4), (5,), (2, 4), (5, 2))],
        {"scale": 0.7},
    )
)
def lora_linear(
    x: Array, W: Array, b: Array | None, A: Array, B: Array, *, scale: float
) -> tuple[Array, tuple[Any, ...]]:
    """y = x Wᵀ + b + scale · (x Aᵀ) Bᵀ    (LoRA, section 4.1, with h as a row).

    x: [..., in]; W: [out, in]; b: [out] or None; A: [rank, in]; B: [out, rank]; y: [..., out]. The update is never multiplied out: through the rank it costs
    2·n·rank·(in + out) operations where ΔW = BA itself would cost 2·rank·in·out and then 2·n·in·out. With γ = scale · g B:

        ∂x = g W + γ A    ∂A = γᵀ x    ∂B = scale · gᵀ (x Aᵀ)    ∂W = gᵀ x    ∂b = Σ g
    """
    x2 = _rows(x)  # [n, in]
    low = x2 @ A.T  # [n, rank]
    y = times_transposed(x2, wide(W))  # [n, out]
    if b is not None:
        y += b
    y += (low * scale) @ B.T

    gamma = once(lambda g: (_rows(g) @ B) * scale)  # [n, rank]

    def dx(g: Array) -> Array:
        d = _rows(g) @ wide(W)  # [n, in]
        d += gamma(g) @ A
        return d.reshape(*g.shape[:-1], W.shape[1])

    return y.reshape(*x.shape[:-1], len(W)), (
        dx,
        lambda g: _rows(g).T @ x2,
        lambda g: _rows(g).sum(axis=0),
        lambda g: gamma(g).T @ x2,
        lambda g: (_rows(g).T @ low) * scale,
    )


def _rows(x: Array) -> Array:
    """x with all axes but the last taken together: [n, width]."""
    return x.reshape(-1, x.shape[-1])
