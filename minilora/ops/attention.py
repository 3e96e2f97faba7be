"""Scaled dot-product attention over several heads, fused."""

import math
from copy import deepcopy
from typing import Any

import numpy as np

from ..autograd import once, op
from ..backend import Array, known_within, namespace, row_dot, row_sum
from .random import keep_mask

FORBIDDEN = (
    -1e9
)  # added to a score, it leaves a weight of exactly 0; five times cheaper than choosing with where
_SMALL = 30.0  # between e^−30 and e^30 no sum of exponentials overflows or vanishes: there is no need for each row's maximum, which costs as much as its exponentials
_BLOCK = 64  # queries taken together in causal attention, and in long texts
_KEPT = 512  # keys: over more, the weights are computed again in the backward pass rather than kept


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
    needs: tuple[bool, ...],
) -> tuple[Array, tuple[Any, ...]]:
    """softmax(q kᵀ / √d + forbidden) v in each head of width d = width/heads (Vaswani et al. 2017).

    q: [rows, queries, width]; k, v: [rows, keys, width]; result: [rows, queries, width]. The queries are the last of the keys' positions. ``causal`` forbids
    keys that come after the query; ``mask`` (bool [rows, keys]) forbids those where it is False; ``band``, which needs ``causal``, all but the last ``band`` positions up to the
    query's own (local attention, Child et al. 2019). With ``rng``, attention weights are dropped at ``rate``.

    With P the weights, O = P v and D = Σ ∂P·P over keys:  ∂v = Pᵀ g,  ∂P = g vᵀ,  ∂S = P·(∂P − D)/√d,  ∂q = ∂S k,  ∂k = ∂Sᵀ q. Kept for the backward pass: q, k and v; and P, with what
    dropout left of it, up to 512 keys. In longer texts P, which grows with the square of their length, is computed once more, block by block (as Dao et al. 2022 do), and what was dropped is
    drawn once more, from the generator as it stood; so memory stays linear.

    Causal attention takes a block of queries at a time, each with only the keys up to its end: near half of the work lies beyond, and is never done. With a band the keys
    before it are left out in the same way, so that work grows with tokens · band.
    """
    xp = namespace(q)
    q, k, v = (split_heads(x, heads) for x in (q, k, v))  # [rows, heads, tokens, d]
    queries, keys = q.shape[2], k.shape[2]
    length = _BLOCK if causal or keys > _KEPT else queries
    ends = [*range(length, queries, length), queries]
    blocks = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    before = keys - queries
    seen = (
        [slice(_first(before + block.start, band), before + block.stop) for block in blocks]
        if causal
        else [slice(0, keys)] * len(blocks)
    )
    pieces = list(zip(blocks, seen, strict=True))

    def weights(block: slice, known: slice) -> Array:
        """P of a block: [rows, heads, queries, keys]."""
        allowed = None if mask is None else mask[:, known]
        return _softmax(q[:, :, block], k[:, :, known], causal, band, allowed)

    def what_stays(P: Array, generator: np.random.Generator | None) -> Array | None:
        """What dropout leaves of the weights; None where there is no dropout."""
        if generator is None or rate == 0:
            return None
        return keep_mask(P.shape, rate=rate, rng=generator, like=P)

    short = keys <= _KEPT
    out = joined_heads(q)  # [rows, queries, width]
    # of each block P and what stays of it, or the generator that will draw that again
    kept: list[tuple[Array, Array | None] | np.random.Generator | None] = []
    for block, known in pieces:
        P = weights(block, known)
        before = None if short else deepcopy(rng)
        keep = what_stays(P, rng)
        if any(needs):
            kept.append((P, keep) if short else before)
        xp.matmul(P if keep is None else P * keep, v[:, :, known], out=split_heads(out, heads)[:, :, block])

    def backward(g: Array) -> tuple[Array | None, ...]:
        """∂q, ∂k and ∂v, as far as they are needed, in one pass over the blocks."""
        dq = joined_heads(q) if needs[0] else None
        dk, dv = (joined_heads(x, zeros=True) if need else None for x, need in ((k, needs[1]), (v, needs[2])))
        for (block, known), found in zip(pieces, kept, strict=True):
            if isinstance(found, tuple):
                P, keep = found
            else:
                P = weights(block, known)
                keep = what_stays(P, found)
            g_block = split_heads(g, heads)[:, :, block]
            if dv is not None:
                dropped = P if keep is None else P * keep
                split_heads(dv, heads)[:, :, known] += dropped.swapaxes(-1, -2) @ g_block
            if dq is None and dk is None:
                continue
            dS = g_block @ v[:, :, known].swapaxes(-1, -2)  # [rows, heads, queries, keys]
            if keep is not None:
                dS *= keep
            dS -= row_dot(dS, P)[..., None]
            dS *= P
            dS *= 1 / math.sqrt(q.shape[-1])
            if dq is not None:
                xp.matmul(dS, k[:, :, known], out=split_heads(dq, heads)[:, :, block])
            if dk is not None:
                split_heads(dk, heads)[:, :, known] += dS.swapaxes(-1, -2) @ q[:, :, block]
        return dq, dk, dv

    all_three = once(backward)
    return out, (lambda g: all_three(g)[0], lambda g: all_three(g)[1], lambda g: all_three(g)[2])


def _first(query: int, band: int | None) -> int:
    """The first position that the query at this position may look at."""
    return 0 if band is None else max(0, query - band + 1)


def _softmax(q: Array, k: Array, causal: bool, band: int | None, mask: Array | None) -> Array:
    """The attention weights of queries q over keys k, whose last position is q's last: [rows, heads, queries, keys]."""
    xp = namespace(q)
    S = q @ k.swapaxes(-1, -2)
    S *= 1 / math.sqrt(q.shape[-1])
    small = mask is None and known_within(S, _SMALL)
    queries, keys = S.shape[-2:]
    if causal and queries > 1:
        square = S[..., keys - queries :]  # every key before these is known to all of the queries
        square += xp.triu(xp.full((queries, queries), FORBIDDEN, dtype=S.dtype), k=1)
    if band is not None and keys > band:
        early = S[..., : keys - band]  # beyond these columns every query's band has begun
        early += xp.tril(xp.full(early.shape[-2:], FORBIDDEN, dtype=S.dtype), k=keys - queries - band)
    if mask is not None:
        S += ((~mask) * S.dtype.type(FORBIDDEN))[:, None, None, :]  # [rows, 1, 1, keys]
    if not small:
        S -= S.max(axis=-1, keepdims=True)
    xp.exp(S, out=S)
    S /= row_sum(S)[..., None]
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
