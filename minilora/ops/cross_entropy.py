"""The output head and its loss in one: the logits of a few rows at a time, never the whole [tokens, vocabulary] array.

At GPT-2's vocabulary the logits of 512 tokens are 100 MB and their gradient another 100; the product with the head needs neither at once.
"""

from typing import Any

import numpy as np

from ..autograd import op
from ..backend import Array, namespace, scatter_add

IGNORED = -100
"""The target of a position that is outside the loss."""


def _check(rng: np.random.Generator) -> tuple[list[Array], dict[str, Any]]:
    targets = np.array([[0, 6, IGNORED], [3, IGNORED, 6]])
    return [rng.standard_normal((2, 3, 4)), rng.standard_normal((7, 4))], {
        "targets": targets,
        "divisor": 5.0,
        "smoothing": 0.1,
    }


@op(check=_check)
def head_cross_entropy(
    h: Array, W: Array, *, targets: Array, divisor: float, smoothing: float = 0.0, needs: tuple[bool, ...]
) -> tuple[Array, tuple[Any, ...]]:
    """L = 1/divisor · Σ over counted positions of −Σᵥ t(v) ln p(v), with p = softmax(W h).

    h: [..., width]; W: [vocabulary, width]; targets: int [...], where IGNORED (−100) stands the position does not count and costs nothing; divisor: the number of
    tokens to average over (that of the whole batch, when h is one shard of it). t is 1 − smoothing at the target plus smoothing/vocabulary everywhere
    (Szegedy et al. 2016). The value is a 0-d array of h's dtype, summed in float64.

    ∂h = (p − t) W and ∂W = (p − t)ᵀ h, both divided by divisor. They are computed along with the value, while a block of logits is at hand; the pullbacks only multiply by g.
    """
    xp = namespace(h)
    width = h.shape[-1]
    counted = xp.flatnonzero(targets.ravel() != IGNORED)
    rows, truth = h.reshape(-1, width)[counted], targets.ravel()[counted]  # [n, width], [n]
    dh = xp.zeros((targets.size, width), dtype=h.dtype) if needs[0] else None
    dW = xp.zeros_like(W) if needs[1] else None
    average = (
        W.mean(axis=0) if smoothing else None
    )  # [width]: smoothing's uniform part needs only the mean logit

    total = 0.0
    block = max(128, (1 << 20) // len(W))  # rows: enough for a fast product, few enough to stay in the cache
    for start in range(0, len(rows), block):
        x, t = rows[start : start + block], truth[start : start + block]
        here = xp.arange(len(t))
        z = x @ W.T  # [block, vocabulary] logits
        z -= z.max(axis=-1, keepdims=True)
        at_target = z[here, t]
        mean_logit = z.mean(axis=-1) if smoothing else 0.0
        xp.exp(z, out=z)
        normaliser = z.sum(axis=-1)  # [block]
        losses = xp.log(normaliser) - (1 - smoothing) * at_target - smoothing * mean_logit
        total += float(losses.sum(dtype=np.float64))
        if dh is not None:
            d = z @ W  # dividing by the normaliser here touches width numbers a row instead of vocabulary
            d /= normaliser[:, None]
            d -= (1 - smoothing) * W[t]
            if average is not None:
                d -= smoothing * average
            dh[counted[start : start + block]] = d / divisor
        if dW is not None:
            scaled = x / divisor
            dW += z.T @ (scaled / normaliser[:, None])
            scatter_add(dW, t, -(1 - smoothing) * scaled)
            if smoothing:
                dW -= (smoothing / len(W)) * scaled.sum(axis=0)

    value = xp.asarray(total / divisor, dtype=h.dtype)
    return value, (
        lambda g: (g * dh).reshape(h.shape),
        lambda g: g * dW,
    )
