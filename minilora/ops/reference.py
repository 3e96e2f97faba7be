"""The fused functions once more, composed of primitives.

Each is the specification of its fused twin (same name, same arguments): what the formula says, step by step, with the tape deriving the backward pass. Tests
hold the two equal, in value and every gradient. Nothing else uses them but lessons: a fused function is this, with fewer arrays.
"""

import math

import numpy as np

from ..autograd import Tensor
from ..backend import Array
from .cross_entropy import IGNORED
from .elementwise import add, divide, erf, exp, log, multiply, sqrt, subtract, tanh
from .index import getitem
from .matmul import matmul
from .reduce import mean, sum
from .shape import concatenate, reshape, transpose


def linear(x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    """y = x Wᵀ + b."""
    y = matmul(x, transpose(W))
    return y if b is None else add(y, b)


def lora_linear(x: Tensor, W: Tensor, b: Tensor | None, A: Tensor, B: Tensor, *, scale: float) -> Tensor:
    """y = x Wᵀ + b + scale · (x Aᵀ) Bᵀ."""
    return add(linear(x, W, b), multiply(matmul(matmul(x, transpose(A)), transpose(B)), scale))


def layer_norm(x: Tensor, gain: Tensor, bias: Tensor, *, epsilon: float) -> Tensor:
    """(x − mean) / √(variance + ε) · gain + bias."""
    centred = subtract(x, mean(x, axis=-1, keepdims=True))
    variance = mean(multiply(centred, centred), axis=-1, keepdims=True)
    return add(multiply(divide(centred, sqrt(add(variance, epsilon))), gain), bias)


def gelu(x: Tensor) -> Tensor:
    """½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))."""
    cube = multiply(multiply(x, x), x)
    inner = multiply(add(x, multiply(cube, 0.044715)), math.sqrt(2 / math.pi))
    return multiply(multiply(x, 0.5), add(tanh(inner), 1.0))


def gelu_exact(x: Tensor) -> Tensor:
    """½·x·(1 + erf(x/√2))."""
    return multiply(multiply(x, 0.5), add(erf(multiply(x, math.sqrt(0.5))), 1.0))


def silu(x: Tensor) -> Tensor:
    """x / (1 + e⁻ˣ)."""
    return divide(x, add(exp(multiply(x, -1.0)), 1.0))


def softmax(x: Tensor) -> Tensor:
    """eˣ / Σ eˣ over the last axis. Subtracting a constant from x changes nothing but keeps e from overflowing."""
    e = exp(subtract(x, x.data.max(axis=-1, keepdims=True)))
    return divide(e, sum(e, axis=-1, keepdims=True))


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    heads: int,
    causal: bool,
    mask: Array | None = None,
    band: int | None = None,
) -> Tensor:
    """softmax(q kᵀ / √d) v in each head, forbidden keys at −10⁹."""
    q, k, v = (_split(x, heads) for x in (q, k, v))  # [rows, heads, tokens, d]
    scores = multiply(matmul(q, transpose(k, axes=(0, 1, 3, 2))), 1 / math.sqrt(q.shape[-1]))
    queries, keys = scores.shape[-2:]
    allowed = np.ones((queries, keys), dtype=bool)
    if causal:
        allowed = np.tril(allowed, k=keys - queries)
    if band is not None:
        allowed &= ~np.tril(allowed, k=keys - queries - band)
    if mask is not None:
        allowed = allowed & mask[:, None, None, :]  # [rows, 1, queries, keys]
    weights = softmax(add(scores, np.where(allowed, 0.0, -1e9).astype(scores.dtype)))
    out = transpose(matmul(weights, v), axes=(0, 2, 1, 3))  # [rows, queries, heads, d]
    return reshape(out, shape=(*out.shape[:2], -1))  # [rows, queries, width]


def disentangled_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    key_positions: Tensor | None,
    query_positions: Tensor | None,
    *,
    heads: int,
    places: Array,
    mask: Array | None = None,
) -> Tensor:
    """softmax((q_i·k_j + q_i·K_δ(i,j) + k_j·Q_δ(i,j)) / √(d·terms)) v, with δ written out as a matrix and the terms picked one by one."""
    q, k, v = (_split(x, heads) for x in (q, k, v))  # [rows, heads, tokens, d]
    tokens = q.shape[2]
    here = np.arange(tokens)
    delta = places[here[:, None] - here[None, :] + tokens]  # [tokens, tokens]
    scores = matmul(q, transpose(k, axes=(0, 1, 3, 2)))
    terms = 1
    if key_positions is not None:
        K = _split(reshape(key_positions, shape=(1, *key_positions.shape)), heads)  # [1, heads, distances, d]
        all_places = matmul(q, transpose(K, axes=(0, 1, 3, 2)))  # [rows, heads, tokens, distances]
        scores = add(scores, getitem(all_places, index=(..., here[:, None], delta)))
        terms += 1
    if query_positions is not None:
        Q = _split(reshape(query_positions, shape=(1, *query_positions.shape)), heads)
        all_places = matmul(k, transpose(Q, axes=(0, 1, 3, 2)))
        scores = add(scores, getitem(all_places, index=(..., here[None, :], delta)))
        terms += 1
    scores = multiply(scores, 1 / math.sqrt(q.shape[-1] * terms))
    if mask is not None:
        scores = add(scores, np.where(mask[:, None, None, :], 0.0, -1e9).astype(scores.dtype))
    out = transpose(matmul(softmax(scores), v), axes=(0, 2, 1, 3))  # [rows, tokens, heads, d]
    return reshape(out, shape=(*out.shape[:2], -1))  # [rows, tokens, width]


def convolution(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """y_t = Σ_s W_s x_{t + s − (kernel − 1)/2} + b: the input shifted by each step, times that step's matrix."""
    rows, tokens, width = x.shape
    kernel = W.shape[2]
    zeros = Tensor(np.zeros((rows, kernel // 2, width), dtype=x.dtype))
    padded = concatenate(zeros, x, zeros, axis=1)  # [rows, tokens + kernel − 1, in]
    y = b
    for step in range(kernel):
        shifted = getitem(padded, index=(slice(None), slice(step, step + tokens)))  # [rows, tokens, in]
        y = add(matmul(shifted, transpose(getitem(W, index=(..., step)))), y)
    return y


def head_cross_entropy(
    h: Tensor, W: Tensor, b: Tensor | None, *, targets: Array, divisor: float, smoothing: float = 0.0
) -> Tensor:
    """−Σ t ln softmax(W h + b) over the counted positions, over divisor."""
    logits = linear(reshape(h, shape=(-1, h.shape[-1])), W, b)  # [n, vocabulary]
    return cross_entropy(logits, targets=targets.ravel(), divisor=divisor, smoothing=smoothing)


def cross_entropy(z: Tensor, *, targets: Array, divisor: float, smoothing: float = 0.0) -> Tensor:
    """−Σ t ln softmax(z) over the counted rows, over divisor."""
    counted = np.flatnonzero(targets != IGNORED)
    log_p = log(softmax(getitem(z, index=counted)))  # [n, classes]
    t = np.full(log_p.shape, smoothing / log_p.shape[-1])
    t[np.arange(len(counted)), targets[counted]] += 1 - smoothing
    return multiply(sum(multiply(log_p, t.astype(log_p.dtype))), -1 / divisor)


def _split(x: Tensor, heads: int) -> Tensor:
    rows, tokens, width = x.shape
    return transpose(reshape(x, shape=(rows, tokens, heads, width // heads)), axes=(0, 2, 1, 3))


TWINS = {
    f.__name__: f
    for f in (
        *(linear, lora_linear, layer_norm, gelu, gelu_exact, silu, attention, disentangled_attention),
        *(convolution, head_cross_entropy, cross_entropy),
    )
}
"""The functions of this file that have a fused twin in ``ops``, by their common name."""
