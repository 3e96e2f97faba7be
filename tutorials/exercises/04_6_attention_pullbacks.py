# ---
# title: The pullbacks of attention
# topic: attention
# difficulty: 5
# minutes: 45
# ---

# %% [markdown]
# # The pullbacks of attention
#
# One head, one text, causal: $S = QK^\top/\sqrt d$, $P = \mathrm{softmax}(S)$ over
# the keys that are not in the future, $O = PV$. Walk it back step by step, with
# $g = \partial L/\partial O$:
#
# 1. $O = PV$ is a product: $\partial V$ and $\partial P$ as for any product.
# 2. $P$ is a softmax of each row: $\partial S$ from $\partial P$ and $P$. Where
#    $P = 0$, it comes out as 0 by itself.
# 3. $S$ is a product, scaled: $\partial Q$ and $\partial K$.
#
# Write `attention(q, k, v)` with its three pullbacks. Nothing but q, k, v and P
# need be kept.

# %%
import numpy as np


# %% role="solution"
def attention(q, k, v):
    """q, k: [tokens, d]; v: [tokens, d] -> (o: [tokens, d], (pullback of q, of
    k, of v))."""
    ### BEGIN SOLUTION
    scale = float(1 / np.sqrt(q.shape[-1]))
    scores = np.where(np.tri(len(q), dtype=bool), q @ k.T * scale, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)

    def dS(g):
        dP = g @ v.T
        return P * (dP - (dP * P).sum(axis=-1, keepdims=True)) * scale

    return P @ v, (
        lambda g: dS(g) @ k,
        lambda g: dS(g).T @ q,
        lambda g: P.T @ g,
    )
    ### END SOLUTION


# %% [markdown] role="hint"
# Step 1: $\partial V = P^\top g$ and $\partial P = g V^\top$.

# %% [markdown] role="hint"
# Step 2, row by row: $\partial S = P \cdot (\partial P - \sum_j \partial P_j P_j)$.

# %% [markdown] role="hint"
# Step 3: $\partial Q = \partial S\,K/\sqrt d$ and
# $\partial K = \partial S^\top Q/\sqrt d$.

# %% role="check" points=2
"""the value"""
q, k, v = rng.standard_normal((3, 3, 2)).round(1)
answer = attention(q, k, v)[0]

# %% role="check" points=4
"""the pullbacks"""
q, k, v, g = rng.standard_normal((4, 3, 2)).round(1)
o, pullbacks = attention(q, k, v)
answer = {
    f"∂{name}": pull(g)
    for name, pull in zip("vqk", (pullbacks[2], *pullbacks[:2]), strict=True)
}

# %% role="check" points=2 hidden=true
"""more tokens, float32"""
q, k, v, g = rng.standard_normal((4, 7, 5)).astype(np.float32)
o, (dq, dk, dv) = attention(q, k, v)
answer = {"o": o, "∂q": dq(g), "∂k": dk(g), "∂v": dv(g)}

# %% role="wrong"
"""1/√d is missing on the way back: the scores were scaled, and so is their
gradient."""


def attention(q, k, v):
    scale = float(1 / np.sqrt(q.shape[-1]))
    s = np.where(np.tri(len(q), dtype=bool), q @ k.T * scale, -np.inf)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)

    def dS(g):
        dP = g @ v.T
        return P * (dP - (dP * P).sum(axis=-1, keepdims=True))

    return P @ v, (
        lambda g: dS(g) @ k,
        lambda g: dS(g).T @ q,
        lambda g: P.T @ g,
    )


# %% role="wrong"
"""In the softmax's pullback the sum Σ ∂P·P is missing: the weights of a row add
up to 1, so raising one lowers the others."""


def attention(q, k, v):
    scale = float(1 / np.sqrt(q.shape[-1]))
    s = np.where(np.tri(len(q), dtype=bool), q @ k.T * scale, -np.inf)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)
    return P @ v, (
        lambda g: P * (g @ v.T) * scale @ k,
        lambda g: (P * (g @ v.T) * scale).T @ q,
        lambda g: P.T @ g,
    )


# %% role="wrong"
"""∂V is P g, and should be Pᵀ g: value j gets its share from every query i with
the weight P[i, j]."""


def attention(q, k, v):
    scale = float(1 / np.sqrt(q.shape[-1]))
    s = np.where(np.tri(len(q), dtype=bool), q @ k.T * scale, -np.inf)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)

    def dS(g):
        dP = g @ v.T
        return P * (dP - (dP * P).sum(axis=-1, keepdims=True)) * scale

    return P @ v, (lambda g: dS(g) @ k, lambda g: dS(g).T @ q, lambda g: P @ g)


# %% role="wrong"
"""Queries look into the future: only keys at or before the query's own place
count."""


def attention(q, k, v):
    scale = float(1 / np.sqrt(q.shape[-1]))
    s = q @ k.T * scale
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)

    def dS(g):
        dP = g @ v.T
        return P * (dP - (dP * P).sum(axis=-1, keepdims=True)) * scale

    return P @ v, (
        lambda g: dS(g) @ k,
        lambda g: dS(g).T @ q,
        lambda g: P.T @ g,
    )


# %% role="wrong"
"""∂Q and ∂K are exchanged, or ∂S lacks a transpose: ∂Q = ∂S K, ∂K = ∂Sᵀ Q."""


def attention(q, k, v):
    scale = float(1 / np.sqrt(q.shape[-1]))
    s = np.where(np.tri(len(q), dtype=bool), q @ k.T * scale, -np.inf)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)

    def dS(g):
        dP = g @ v.T
        return P * (dP - (dP * P).sum(axis=-1, keepdims=True)) * scale

    return P @ v, (
        lambda g: dS(g).T @ q,
        lambda g: dS(g) @ k,
        lambda g: P.T @ g,
    )


# %% role="proof"
from minilora import Tensor, gradients, ops

q, k, v, w = rng.standard_normal((4, 6, 4))
leaves = [Tensor(x[None], trainable=True) for x in (q, k, v)]
library = ops.attention(*leaves, heads=1, causal=True)
o, pullbacks = attention(q, k, v)
assert np.allclose(o, library.data[0], rtol=1e-10)
due = gradients(ops.sum(library * w[None]), leaves)
for pullback, gradient in zip(pullbacks, due, strict=True):
    assert np.allclose(pullback(w), gradient[0], rtol=1e-9, atol=1e-12)
