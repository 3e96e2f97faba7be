"""Scaled dot-product attention over several heads, fused."""

import math
from typing import Any

import numpy as np

from ..autograd import once, op
from ..backend import Array, namespace, row_dot
from .random import keep_mask

_FORBIDDEN = (
    -1e9
)  # added to a score, it leaves a weight of exactly 0; five times cheaper than choosing with where


def _check(rng: np.random.Generator) -> tuple[list[Array], dict[str, Any]]:
    q, k, v = (rng.standard_normal((2, n, 4)) for n in (3, 5, 5))
    return [q, k, v], {
        "heads": 2,
        "causal": True,
        "mask": np.array([[1, 1, 1, 1, 0], [0, 1, 1, 1, 1]], dtype=bool),
    }


@op(check=_check)
def attention(
    q: Array,
    k: Array,
    v: Array,
    *,
    heads: int,
    causal: bool,
    mask: Array | None = None,
    rate: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[Array, tuple[Any, ...]]:
    """softmax(q kᵀ / √d + forbidden) v in each head of width d = width/heads (Vaswani et al. 2017).

    q: [rows, queries, width]; k, v: [rows, keys, width]; result: [rows, queries, width]. The queries are the last of the keys' positions. ``causal`` forbids
    keys that come after the query; ``mask`` (bool [rows, keys]) forbids those where it is False. With ``rng``, attention weights are dropped at ``rate``.

    With P the weights, O = P v and D = Σ ∂P·P over keys:  ∂v = Pᵀ g,  ∂P = g vᵀ,  ∂S = P·(∂P − D),  ∂q = ∂S k/√d,  ∂k = ∂Sᵀ q/√d. Kept for the backward pass: q, k, v and P.
    """
    xp = namespace(q)
    q, k, v = (_split(x, heads) for x in (q, k, v))  # [rows, heads, tokens, d]
    scale = 1 / math.sqrt(q.shape[-1])
    P = q @ k.swapaxes(-1, -2)  # [rows, heads, queries, keys]
    P *= scale
    queries, keys = P.shape[-2:]
    if causal and queries > 1:
        P += xp.triu(xp.full((queries, keys), _FORBIDDEN, dtype=P.dtype), k=1 + keys - queries)
    if mask is not None:
        P += ((~mask) * P.dtype.type(_FORBIDDEN))[:, None, None, :]  # [rows, 1, 1, keys]
    P -= P.max(axis=-1, keepdims=True)
    xp.exp(P, out=P)
    P /= P.sum(axis=-1, keepdims=True)
    dropped = None if rng is None or rate == 0 else keep_mask(P.shape, rate=rate, rng=rng, like=P)
    weights = P if dropped is None else P * dropped

    def scores(g: Array) -> Array:
        """∂S / √d: [rows, heads, queries, keys]."""
        d = _split(g, heads) @ v.swapaxes(-1, -2)
        if dropped is not None:
            d *= dropped
        d -= row_dot(d, P)[..., None]
        d *= P
        d *= scale
        return d

    dS = once(scores)
    return _product(weights, v), (
        lambda g: _product(dS(g), k),
        lambda g: _product(dS(g).swapaxes(-1, -2), q),
        lambda g: _product(weights.swapaxes(-1, -2), _split(g, heads)),
    )


def _split(x: Array, heads: int) -> Array:
    """[rows, tokens, width] seen as [rows, heads, tokens, width/heads]: a view, nothing is copied."""
    rows, tokens, width = x.shape
    return x.reshape(rows, tokens, heads, width // heads).transpose(0, 2, 1, 3)


def _product(x: Array, y: Array) -> Array:
    """x y in each head, written straight into [rows, tokens, width]."""
    rows, heads, tokens, _ = x.shape
    joined = namespace(x).empty((rows, tokens, heads, y.shape[-1]), dtype=x.dtype)
    namespace(x).matmul(x, y, out=joined.transpose(0, 2, 1, 3))
    return joined.reshape(rows, tokens, -1)
