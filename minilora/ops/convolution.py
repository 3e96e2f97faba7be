"""Convolution along the tokens of a text: each output looks at its input and at the neighbours on both sides."""

from typing import Any

from ..autograd import op
from ..backend import Array, namespace, wide


@op(check=[(2, 5, 3), (4, 3, 3), (4,)])
def convolution(x: Array, W: Array, b: Array) -> tuple[Array, tuple[Any, ...]]:
    """y_t = Σ_s W_s x_{t + s − (kernel − 1)/2} + b, with zeros beyond the ends of a row.

    x: [rows, tokens, in]; W: [out, in, kernel], kernel odd; b: [out]; y: [rows, tokens, out]. The neighbours are laid side by side, X: [rows · tokens, in · kernel], and
    one product does the rest: y = X Wᵀ + b, ∂W = gᵀ X, ∂b = Σ g, and ∂x takes each neighbour's part of g W back to where it came from. x is kept, X is made again.
    """
    xp = namespace(x)
    rows, tokens, width = x.shape
    kernel = W.shape[2]
    before = kernel // 2

    def neighbours() -> Array:
        padded = xp.zeros((rows, tokens + kernel - 1, width), dtype=x.dtype)
        padded[:, before : before + tokens] = x
        sides = xp.stack(
            [padded[:, s : s + tokens] for s in range(kernel)], axis=-1
        )  # [rows, tokens, in, kernel]
        return sides.reshape(rows * tokens, width * kernel)

    flat = W.reshape(len(W), -1)  # [out, in · kernel]
    y = neighbours() @ wide(flat).T
    y += b

    def dx(g: Array) -> Array:
        sides = (g.reshape(-1, len(W)) @ wide(flat)).reshape(rows, tokens, width, kernel)
        padded = xp.zeros((rows, tokens + kernel - 1, width), dtype=g.dtype)
        for s in range(kernel):
            padded[:, s : s + tokens] += sides[..., s]
        return padded[:, before : before + tokens]

    return y.reshape(rows, tokens, len(W)), (
        dx,
        lambda g: (g.reshape(-1, len(W)).T @ neighbours()).reshape(W.shape),
        lambda g: g.sum(axis=(0, 1)),
    )
