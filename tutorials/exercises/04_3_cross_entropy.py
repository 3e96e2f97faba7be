# ---
# title: Cross-entropy and its pullback
# topic: pullbacks
# difficulty: 3
# minutes: 25
# ---

# %% [markdown]
# # Cross-entropy and its pullback
#
# The loss of a language model: the mean of $-\ln p(\text{target})$ over the
# positions that count, with $p = \mathrm{softmax}(z)$ of that row of logits.
# A target of −100 says that its position does **not** count.
#
# $$L = -\frac1n \sum_{i\ \text{counts}} \ln p_i[t_i], \qquad
# \frac{\partial L}{\partial z_i} = \frac1n\,(p_i - \mathrm{onehot}(t_i))$$
#
# Write `cross_entropy(z, targets)` with its pullback. Use
# $\ln p[t] = z[t] - \max z - \ln\sum e^{z - \max z}$, which neither overflows nor
# takes the logarithm of 0.

# %%
import numpy as np


# %% role="solution"
def cross_entropy(z, targets):
    """z: [rows, vocabulary]; targets: int [rows], −100 where nothing counts
    -> (L: a number, pullback: g -> ∂z)."""
    ### BEGIN SOLUTION
    counted = np.flatnonzero(targets != -100)
    t = targets[counted]
    shifted = z[counted] - z[counted].max(axis=-1, keepdims=True)
    total = np.exp(shifted).sum(axis=-1, keepdims=True)
    log_p = shifted - np.log(total)
    here = np.arange(len(t))

    def pullback(g):
        d = np.exp(log_p)
        d[here, t] -= 1
        dz = np.zeros_like(z)
        dz[counted] = g * d / len(t)
        return dz

    return -log_p[here, t].mean(), pullback
    ### END SOLUTION


# %% [markdown] role="hint"
# Take out the rows that count: `counted = np.flatnonzero(targets != -100)`, then
# `z[counted]` and `targets[counted]`.

# %% [markdown] role="hint"
# `log_p[np.arange(n), t]` picks one entry of each row: that of the target.

# %% [markdown] role="hint"
# In the pullback, start from $p$, subtract 1 at each target, divide by $n$ and
# multiply by `g`. Rows that do not count get zeros.

# %% role="check" points=2
"""the loss, every row counted"""
z, t = rng.standard_normal((3, 4)).round(1), rng.integers(0, 4, 3)
answer = cross_entropy(z, t)[0]

# %% role="check" points=3
"""the pullback"""
z, t = rng.standard_normal((3, 4)).round(1), rng.integers(0, 4, 3)
answer = {"∂z": cross_entropy(z, t)[1](2.0)}

# %% role="check" points=2
"""rows that do not count"""
z, t = rng.standard_normal((4, 3)).round(1), np.array([1, -100, 0, -100])
L, pullback = cross_entropy(z, t)
answer = {"L": L, "∂z": pullback(1.0)}

# %% role="check" points=1 hidden=true
"""logits in the thousands"""
z, t = 2000 * rng.standard_normal((5, 7)), rng.integers(0, 7, 5)
L, pullback = cross_entropy(z, t)
answer = {"L": L, "∂z": pullback(1.0)}

# %% role="wrong"
"""This is the sum over rows: the loss is their mean, so that it does not depend
on how many there are."""


def cross_entropy(z, targets):
    counted = np.flatnonzero(targets != -100)
    t, here = targets[counted], np.arange(len(counted))
    p = np.exp(z[counted] - z[counted].max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)

    def pullback(g):
        dz = np.zeros_like(z)
        dz[counted] = p
        dz[counted, t] -= 1
        return g * dz

    return -np.log(p[here, t]).sum(), pullback


# %% role="wrong"
"""The pullback is p, without −1 at the target: then every logit would only be
pushed down."""


def cross_entropy(z, targets):
    counted = np.flatnonzero(targets != -100)
    t, here = targets[counted], np.arange(len(counted))
    p = np.exp(z[counted] - z[counted].max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)

    def pullback(g):
        dz = np.zeros_like(z)
        dz[counted] = g * p / len(t)
        return dz

    return -np.log(p[here, t]).mean(), pullback


# %% role="wrong"
"""The pullback forgets g: what arrives from above must be multiplied in."""


def cross_entropy(z, targets):
    counted = np.flatnonzero(targets != -100)
    t, here = targets[counted], np.arange(len(counted))
    p = np.exp(z[counted] - z[counted].max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)

    def pullback(g):
        dz = np.zeros_like(z)
        dz[counted] = p / len(t)
        dz[counted, t] -= 1 / len(t)
        return dz

    return -np.log(p[here, t]).mean(), pullback


# %% role="wrong"
"""Rows with the target −100 were counted: z[i, -100 % n] is a real logit, but of
no token that anybody asked for. Leave those rows out."""


def cross_entropy(z, targets):
    t, here = targets % z.shape[-1], np.arange(len(targets))
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)

    def pullback(g):
        dz = p.copy()
        dz[here, t] -= 1
        return g * dz / len(t)

    return -np.log(p[here, t]).mean(), pullback


# %% role="wrong"
"""The sum runs over the rows that count, but it was divided by the number of
all rows."""


def cross_entropy(z, targets):
    counted = np.flatnonzero(targets != -100)
    t, here = targets[counted], np.arange(len(counted))
    p = np.exp(z[counted] - z[counted].max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)

    def pullback(g):
        dz = np.zeros_like(z)
        dz[counted] = g * p / len(z)
        dz[counted, t] -= g / len(z)
        return dz

    return -np.log(p[here, t]).sum() / len(z), pullback


# %% role="wrong"
"""A probability of exactly 0 came to its logarithm: compute ln p from the
shifted logits, not from p."""


def cross_entropy(z, targets):
    counted = np.flatnonzero(targets != -100)
    t, here = targets[counted], np.arange(len(counted))
    p = np.exp(z[counted] - z[counted].max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)

    def pullback(g):
        dz = np.zeros_like(z)
        dz[counted] = g * p / len(t)
        dz[counted, t] -= g / len(t)
        return dz

    return -np.log(p[here, t]).mean(), pullback


# %% role="proof"
from minilora import Tensor, gradients, ops

h, W = rng.standard_normal((5, 3)), rng.standard_normal((7, 3))
targets = np.array([1, -100, 6, 0, -100])
leaf = Tensor(h, trainable=True)
library = ops.head_cross_entropy(
    leaf, Tensor(W), None, targets=targets, divisor=3.0
)
L, pullback = cross_entropy(h @ W.T, targets)
assert np.isclose(L, library.data, rtol=1e-12)
(due,) = gradients(library, [leaf])
assert np.allclose(pullback(1.0) @ W, due, rtol=1e-10, atol=1e-14)
