"""Cross-entropy: of logits, and of an output head and its loss in one, which makes the logits of a few rows at a time and never the whole [tokens, vocabulary] array.

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
    return [rng.standard_normal(shape) for shape in ((2, 3, 4), (7, 4), (7,))], {
        "targets": targets,
        "divisor": 5.0,
        "smoothing": 0.1,
    }


@op(check=_check)
def head_cross_entropy(
    h: Array,
    W: Array,
    b: Array | None,
    *,
    targets: Array,
    divisor: float,
    smoothing: float = 0.0,
    needs: tuple[bool, ...],
) -> tuple[Array, tuple[Any, ...]]:
    """L = 1/divisor · Σ over counted positions of −Σᵥ t(v) ln p(v), with p = softmax(W h + b).

    h: [..., width]; W: [vocabulary, width]; b: [vocabulary] or None; targets: int [...], where IGNORED (−100) stands the position does not count and costs nothing; divisor: the number of
    tokens to average over (that of the whole batch, when h is one shard of it). t is 1 − smoothing at the target plus smoothing/vocabulary everywhere
    (Szegedy et al. 2016). The value is a 0-d array of h's dtype, summed in float64.

    ∂h = (p − t) W, ∂W = (p − t)ᵀ h and ∂b = Σ (p − t), all divided by divisor. They are computed along with the value, while a block of logits is at hand; the pullbacks only multiply by g.
    """
    xp = namespace(h)
    width = h.shape[-1]
    counted = xp.flatnonzero(targets.ravel() != IGNORED)
    rows, truth = h.reshape(-1, width)[counted], targets.ravel()[counted]  # [n, width], [n]
    dh = xp.zeros((targets.size, width), dtype=h.dtype) if needs[0] else None
    dW = xp.zeros_like(W) if needs[1] else None
    db = xp.zeros_like(b) if needs[2] else None
    average = (
        W.mean(axis=0) if smoothing else None
    )  # [width]: smoothing's uniform part needs only the mean logit

    total = 0.0
    block = max(128, (1 << 20) // len(W))  # rows: enough for a fast product, few enough to stay in the cache
    for start in range(0, len(rows), block):
        x, t = rows[start : start + block], truth[start : start + block]
        here = xp.arange(len(t))
        z = x @ W.T  # [block, vocabulary] logits
        if b is not None:
            z += b
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
        if db is not None:
            db += (1 / (divisor * normaliser)) @ z
            scatter_add(db[:, None], t, xp.full((len(t), 1), -(1 - smoothing) / divisor, dtype=db.dtype))
            db -= smoothing * len(t) / (len(W) * divisor)

    value = xp.asarray(total / divisor, dtype=h.dtype)
    return value, (
        lambda g: (g * dh).reshape(h.shape),
        lambda g: g * dW,
        lambda g: g * db,
    )


def _check_labels(rng: np.random.Generator) -> tuple[list[Array], dict[str, Any]]:
    return [rng.standard_normal((3, 4))], {
        "targets": np.array([3, IGNORED, 0]),
        "divisor": 2.0,
        "smoothing": 0.1,
    }


@op(check=_check_labels)
def cross_entropy(
    z: Array, *, targets: Array, divisor: float, smoothing: float = 0.0
) -> tuple[Array, tuple[Any, ...]]:
    """L = 1/divisor · Σ over counted rows of −Σᵥ t(v) ln p(v), with p = softmax(z): for few classes, where the logits are no burden.

    z: [rows, classes]; targets: int [rows]; the rest as in ``head_cross_entropy``. ∂z = (p − t)/divisor.
    """
    xp = namespace(z)
    classes = z.shape[-1]
    counted = xp.flatnonzero(targets != IGNORED)
    here, truth = xp.arange(len(counted)), targets[counted]
    log_p = z[counted]  # [n, classes]
    log_p -= log_p.max(axis=-1, keepdims=True)
    log_p -= xp.log(xp.exp(log_p).sum(axis=-1, keepdims=True))
    losses = -(1 - smoothing) * log_p[here, truth] - smoothing * log_p.mean(axis=-1)  # [n]

    def dz(g: Array) -> Array:
        d = xp.exp(log_p)
        d[here, truth] -= 1 - smoothing
        d -= smoothing / classes
        spread = xp.zeros_like(z)
        spread[counted] = d * (g / divisor)
        return spread

    return xp.asarray(float(losses.sum(dtype=np.float64)) / divisor, dtype=z.dtype), (dz,)
