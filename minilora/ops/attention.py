"""Scaled dot-product attention over several heads, fused."""

import math
from typing import Any

import numpy as np

from ..autograd import once, op
from ..backend import Array, namespace, row_dot
from .random import keep_mask

FORBIDDEN = (
    -1e9
)  # added to a score, it leaves a weight of exactly 0; five times cheaper than choosing with where
_BLOCK = 64  # queries taken together in causal attention


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
    band: int | None = None,
    rate: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[Array, tuple[Any, ...]]:
    """softmax(q kᵀ / √d + forbidden) v in each head of width d = width/heads (Vaswani et al. 2017).

    q: [rows, queries, width]; k, v: [rows, keys, width]; result: [rows, queries, width]. The queries are the last of the keys' positions. ``causal`` forbids
    keys that come after the query; ``mask`` (bool [rows, keys]) forbids those where it is False; ``band``, which needs ``causal``, all but the last ``band`` positions up to the
    query's own (local attention, Child et al. 2019). With ``rng``, attention weights are dropped at ``rate``.

    With P the weights, O = P v and D = Σ ∂P·P over keys:  ∂v = Pᵀ g,  ∂P = g vᵀ,  ∂S = P·(∂P − D)/√d,  ∂q = ∂S k,  ∂k = ∂Sᵀ q. Kept for the backward pass: q, k, v and P.

    Causal attention takes a block of queries at a time, each with only the keys up to its end: near half of the work and memory lies beyond, and is never done. With a band the keys
    before it are left out in the same way, so that work and memory grow with tokens · band.
    """
    xp = namespace(q)
    q, k, v = (split_heads(x, heads) for x in (q, k, v))  # [rows, heads, tokens, d]
    queries, keys = q.shape[2], k.shape[2]
    ends = [*range(_BLOCK, queries, _BLOCK), queries] if causal else [queries]
    blocks = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    before = keys - queries
    seen = (
        [slice(_first(before + block.start, band), before + block.stop) for block in blocks]
        if causal
        else [slice(0, keys)]
    )
    pieces = list(zip(blocks, seen, strict=True))

    out = joined_heads(q)  # [rows, queries, width]
    weights, kept = [], []
    for block, known in pieces:
        allowed = None if mask is None else mask[:, known]
        P = _softmax(q[:, :, block], k[:, :, known], causal, band, allowed)
        keep = None if rng is None or rate == 0 else keep_mask(P.shape, rate=rate, rng=rng, like=P)
        weights.append(P)
        kept.append(keep)
        xp.matmul(P if keep is None else P * keep, v[:, :, known], out=split_heads(out, heads)[:, :, block])

    def scores(g: Array) -> list[Array]:
        """∂S of each block: [rows, heads, queries, keys]."""
        found = []
        for (block, known), P, keep in zip(pieces, weights, kept, strict=True):
            d = split_heads(g, heads)[:, :, block] @ v[:, :, known].swapaxes(-1, -2)
            if keep is not None:
                d *= keep
            d -= row_dot(d, P)[..., None]
            d *= P
            d *= 1 / math.sqrt(q.shape[-1])
            found.append(d)
        return found

    dS = once(scores)

    def dq(g: Array) -> Array:
        d = joined_heads(q)
        for (block, known), s in zip(pieces, dS(g), strict=True):
            xp.matmul(s, k[:, :, known], out=split_heads(d, heads)[:, :, block])
        return d

    def dk(g: Array) -> Array:
        d = joined_heads(k, zeros=True)
        for (block, known), s in zip(pieces, dS(g), strict=True):
            split_heads(d, heads)[:, :, known] += s.swapaxes(-1, -2) @ q[:, :, block]
        return d

    def dv(g: Array) -> Array:
        d = joined_heads(v, zeros=True)
        for (block, known), P, keep in zip(pieces, weights, kept, strict=True):
            dropped = P if keep is None else P * keep
            split_heads(d, heads)[:, :, known] += (
                dropped.swapaxes(-1, -2) @ split_heads(g, heads)[:, :, block]
            )
        return d

    return out, (dq, dk, dv)


def _first(query: int, band: int | None) -> int:
    """The first position that the query at this position may look at."""
    return 0 if band is None else max(0, query - band + 1)


def _softmax(q: Array, k: Array, causal: bool, band: int | None, mask: Array | None) -> Array:
    """The attention weights of queries q over keys k, whose last position is q's last: [rows, heads, queries, keys]."""
    xp = namespace(q)
    S = q @ k.swapaxes(-1, -2)
    S *= 1 / math.sqrt(q.shape[-1])
    queries, keys = S.shape[-2:]
    if causal and queries > 1:
        square = S[..., keys - queries :]  # every key before these is known to all of the queries
        square += xp.triu(xp.full((queries, queries), FORBIDDEN, dtype=S.dtype), k=1)
    if band is not None and keys > band:
        early = S[..., : keys - band]  # beyond these columns every query's band has begun
        early += xp.tril(xp.full(early.shape[-2:], FORBIDDEN, dtype=S.dtype), k=keys - queries - band)
    if mask is not None:
        S += ((~mask) * S.dtype.type(FORBIDDEN))[:, None, None, :]  # [rows, 1, 1, keys]
    S -= S.max(axis=-1, keepdims=True)
    xp.exp(S, out=S)
    S /= S.sum(axis=-1, keepdims=True)
    return S


def split_heads(x: Array, heads: int) -> Array:
    """[rows, tokens, width] seen as [rows, heads, tokens, width/heads]: a view, nothing is copied."""
    rows, tokens, width = x.shape
    return x.reshape(rows, tokens, heads, width // heads).transpose(0, 2, 1, 3)


def joined_heads(x: Array, zeros: bool = False) -> Array:
    """A new array [rows, tokens, width] for the heads of x, [rows, heads, tokens, d], to be written into: products land in their place without a copy."""
    rows, heads, tokens, d = x.shape
    make = namespace(x).zeros if zeros else namespace(x).empty
    return make((rows, tokens, heads * d), dtype=x.dtype)
