"""Disentangled attention, fused: what a token is and how far away it stands are looked at separately (DeBERTa, He et al. 2021).

Beside ``attention.py``. The score of query i and key j has up to three terms,

    content to content  q_i · k_j
    content to position q_i · K_δ     (c2p: which distances this query looks for)
    position to content k_j · Q_δ     (p2c: from which distances this key is looked at)

with K and Q two tables of positions and δ = δ(i, j) the row that belongs to the distance i − j. (The paper's equation 4 has δ(j, i) in the third term; the authors' code and
transformers have δ(i, j), and so has this.) The products with a table are made for all distances at once; the term of (i, j) then lies on a diagonal, and a change of
strides brings the diagonals into columns, so that nothing is gathered.
"""

import math
from typing import Any

import numpy as np

from ..autograd import once, op
from ..backend import Array, namespace, row_dot, scatter_add
from .attention import FORBIDDEN, joined_heads, split_heads
from .random import keep_mask


def _check(rng: np.random.Generator) -> tuple[list[Array], dict[str, Any]]:
    q, k, v = (rng.standard_normal((2, 5, 4)) for _ in range(3))
    tables = [rng.standard_normal((4, 4)) for _ in range(2)]
    distances = np.arange(-5, 5)
    return [q, k, v, *tables], {
        "heads": 2,
        "places": np.clip(distances + 2, 0, 3),
        "mask": np.array([[1, 1, 1, 1, 0], [0, 1, 1, 1, 1]], dtype=bool),
    }


@op(check=_check)
def disentangled_attention(
    q: Array,
    k: Array,
    v: Array,
    key_positions: Array | None,
    query_positions: Array | None,
    *,
    heads: int,
    places: Array,
    mask: Array | None = None,
    rate: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[Array, tuple[Any, ...]]:
    """softmax((q_i·k_j + q_i·K_δ(i,j) + k_j·Q_δ(i,j)) / √(d·terms) + forbidden) v in each head of width d = width/heads; terms: how many are there, 1 to 3.

    q, k, v: [rows, tokens, width]; key_positions (K), query_positions (Q): [distances, width] each, None without the term. places: int [2·tokens], the row of K and Q for
    i − j = −tokens … tokens − 1. mask: bool [rows, tokens], False where a key is padding. With ``rng``, attention weights are dropped at ``rate``.

    With s = 1/√(d·terms), ∂S as in ``attention`` and ∂C, ∂D the same numbers put back on their diagonals ([tokens, 2·tokens], by query and by key):

        ∂q = s·(∂S k + ∂C K)    ∂k = s·(∂Sᵀ q + ∂D Q)    ∂K = s·Σ ∂Cᵀ q    ∂Q = s·Σ ∂Dᵀ k    (sums over the rows of the batch)
    """
    xp = namespace(q)
    distances = len(places)
    terms = 1 + (key_positions is not None) + (query_positions is not None)
    scale = 1 / math.sqrt(q.shape[-1] // heads * terms)
    q, k, v = split_heads(q * scale, heads), split_heads(k, heads), split_heads(v, heads)
    # Column m of a product with a table is the distance from a token to the one m − tokens places after it.
    after, ahead = places[-xp.arange(distances)], places  # rows of K: i − j = tokens − m; of Q: m − tokens
    K = None if key_positions is None else _rows(key_positions, after, heads)  # [heads, 2·tokens, d]
    Q = None if query_positions is None else _rows(query_positions, ahead, heads) * scale

    P = q @ k.swapaxes(-1, -2)  # [rows, heads, tokens, tokens]
    if K is not None:
        P += _diagonals(q @ K.swapaxes(-1, -2))
    if Q is not None:
        P += _diagonals(k @ Q.swapaxes(-1, -2)).swapaxes(-1, -2)
    if mask is not None:
        P += ((~mask) * P.dtype.type(FORBIDDEN))[:, None, None, :]  # [rows, 1, 1, keys]
    P -= P.max(axis=-1, keepdims=True)
    xp.exp(P, out=P)
    P /= P.sum(axis=-1, keepdims=True)
    keep = None if rng is None or rate == 0 else keep_mask(P.shape, rate=rate, rng=rng, like=P)
    dropped = P if keep is None else P * keep
    out = joined_heads(q)  # [rows, tokens, width]
    xp.matmul(dropped, v, out=split_heads(out, heads))

    def scores(g: Array) -> Array:
        d = split_heads(g, heads) @ v.swapaxes(-1, -2)
        if keep is not None:
            d *= keep
        d -= row_dot(d, P)[..., None]
        d *= P
        return d  # [rows, heads, tokens, tokens]

    dS = once(scores)
    dC = once(lambda g: _back_on_diagonals(dS(g)))  # [rows, heads, tokens, 2·tokens]
    dD = once(lambda g: _back_on_diagonals(dS(g).swapaxes(-1, -2)))

    def dq(g: Array) -> Array:
        d = joined_heads(q)
        xp.matmul(dS(g), k, out=split_heads(d, heads))
        if K is not None:
            split_heads(d, heads)[...] += dC(g) @ K
        d *= scale
        return d

    def dk(g: Array) -> Array:
        d = joined_heads(k)
        xp.matmul(dS(g).swapaxes(-1, -2), q, out=split_heads(d, heads))
        if Q is not None:
            split_heads(d, heads)[...] += dD(g) @ Q
        return d

    def dv(g: Array) -> Array:
        d = joined_heads(v)
        xp.matmul(
            (P if keep is None else P * keep).swapaxes(-1, -2),
            split_heads(g, heads),
            out=split_heads(d, heads),
        )
        return d

    def table(found: Array, rows: Array, like: Array) -> Array:
        """Σ over the batch of [rows, heads, 2·tokens, d], added to the rows of the table that the distances stand for."""
        d = xp.zeros_like(like)
        scatter_add(d, rows, found.sum(axis=0).swapaxes(0, 1).reshape(distances, -1))
        return d

    return out, (
        dq,
        dk,
        dv,
        lambda g: table(dC(g).swapaxes(-1, -2) @ q, after, key_positions),
        lambda g: table(dD(g).swapaxes(-1, -2) @ k, ahead, query_positions) * scale,
    )


def _rows(table: Array, rows: Array, heads: int) -> Array:
    """Rows of [distances, width] by head: [heads, len(rows), d]."""
    return split_heads(table[rows][None], heads)[0]


def _diagonals(products: Array) -> Array:
    """[..., n, 2n] seen as [..., n, n]: element (i, j) is that of column j − i + n. A view.

    In the flat array row i begins at 2n·i, so the element lies at (2n − 1)·i + j + n: rows of length 2n − 1 that begin n elements late.
    """
    *outer, n, _ = products.shape
    return products.reshape(*outer, 2 * n * n)[..., n:].reshape(*outer, n, 2 * n - 1)[..., :n]


def _back_on_diagonals(scores: Array) -> Array:
    """The transpose of ``_diagonals``: [..., n, n] → [..., n, 2n], zero where nothing was seen."""
    *outer, n, _ = scores.shape
    products = namespace(scores).zeros((*outer, n, 2 * n), dtype=scores.dtype)
    _diagonals(products)[...] = scores
    return products
