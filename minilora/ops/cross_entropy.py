"""Cross-entropy: of logits, and of an output head and its loss in one, which makes the logits of a part of the vocabulary at a time and never the whole [tokens, vocabulary] array.

At GPT-2's vocabulary the logits of 512 tokens are 100 MB and their gradient another 100; the product with the head needs neither at once.
"""

from types import ModuleType
from typing import Any

import numpy as np

from ..autograd import once, op
from ..backend import Array, namespace, row_dot, row_sum, scatter_add, wide, wide_dtype

IGNORED = -100
"""The target of a position that is outside the loss."""

_LOGITS = 1 << 19
"""Logits made at a time: 2 MB in float32, so that whatever is done with them finds them in the cache."""


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

    ∂h = (p − t) W, ∂W = (p − t)ᵀ h and ∂b = Σ (p − t), all divided by divisor. The vocabulary is taken in parts, for all rows at once. Σ eᶻ and Σ eᶻ W gather over the parts, relative to the largest
    logit so far, and are scaled down whenever a larger one comes (Milakov & Gimelshein 2018); so ∂h falls out of the same pass as the value, which leaves no logits behind. ∂W and ∂b, of a head
    that is trained, need p, and so a second pass. A W that is stored as float16 is made wide a part at a time.
    """
    xp, shape = namespace(h), h.shape
    width = shape[-1]
    counted, truth = counted_targets(targets.ravel(), xp)
    x = h.reshape(-1, width)[counted]  # [n, width]
    parts = vocabulary_parts(len(x), len(W))

    def logits(part: slice, weights: Array) -> Array:
        z = x @ weights.T  # [n, part]
        if b is not None:
            z += b[part]
        return z

    largest = xp.full(len(x), -np.inf, dtype=h.dtype)
    normaliser = xp.zeros(len(x), dtype=h.dtype)  # Σ exp(z − largest): [n]
    d = xp.zeros_like(x) if needs[0] else None  # Σ exp(z − largest) W: [n, width]
    for part in parts:
        weights = wide(W[part])  # [part, width]
        z = logits(part, weights)
        before, largest = largest, xp.maximum(largest, z.max(axis=-1))
        shrink = xp.exp(before - largest)
        z -= largest[:, None]
        xp.exp(z, out=z)
        normaliser = normaliser * shrink + row_sum(z)
        if d is not None:
            d *= shrink[:, None]
            d += z @ weights
    log_normaliser = largest + xp.log(normaliser)

    losses = log_normaliser - (1 - smoothing) * _logits_at(x, W, b, truth)
    # of smoothing's even part only the mean counts: [width]
    average = W.mean(axis=0, dtype=wide_dtype(W)) if smoothing else None
    if average is not None:
        losses -= smoothing * (x @ average + (0.0 if b is None else b.mean()))
    value = xp.asarray(losses.sum(dtype=np.float64) / divisor, dtype=h.dtype)

    dh = xp.zeros((targets.size, width), dtype=h.dtype) if needs[0] else None
    if d is not None and dh is not None:
        d /= normaliser[:, None]
        d -= (1 - smoothing) * wide(W[truth])
        if average is not None:
            d -= smoothing * average
        d /= divisor
        dh[counted] = d

    def of_head(g: Array) -> tuple[Array, Array | None]:
        """∂W and ∂b."""
        dW, db = xp.empty_like(W), None if b is None else xp.empty_like(b)
        scaled = x * (g / divisor)
        for part in parts:
            p = logits(part, W[part])
            p -= log_normaliser[:, None]
            xp.exp(p, out=p)
            p -= smoothing / len(W)
            xp.matmul(p.T, scaled, out=dW[part])
            if db is not None:
                db[part] = p.sum(axis=0) * (g / divisor)
        scatter_add(dW, truth, -(1 - smoothing) * scaled)
        if db is not None:
            scatter_add(
                db[:, None], truth, xp.full((len(x), 1), -(1 - smoothing) / divisor, dtype=h.dtype) * g
            )
        return dW, db

    head = once(of_head)
    return value, (lambda g: (g * dh).reshape(shape), lambda g: head(g)[0], lambda g: head(g)[1])


def vocabulary_parts(rows: int, vocabulary: int) -> list[slice]:
    """The parts of the vocabulary in which logits are made for so many rows."""
    length = max(1024, _LOGITS // max(1, rows))
    return [slice(start, min(start + length, vocabulary)) for start in range(0, vocabulary, length)]


def counted_targets(targets: Array, xp: ModuleType) -> tuple[Array, Array]:
    """Where the targets [n] stand that count, and what they are, as arrays of ``xp``.

    Targets on the host are searched there: how many count decides the shape of what follows, and a GPU would be waited for.
    """
    counted = namespace(targets).flatnonzero(targets != IGNORED)
    return xp.asarray(counted), xp.asarray(targets[counted])


def _logits_at(x: Array, W: Array, b: Array | None, truth: Array) -> Array:
    """The logit of each row's target: [n]."""
    z = row_dot(x, wide(W[truth]))
    return z if b is None else z + b[truth]


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
    counted, truth = counted_targets(targets, xp)
    here = xp.arange(len(counted))
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

    return xp.asarray(losses.sum(dtype=np.float64) / divisor, dtype=z.dtype), (dz,)
