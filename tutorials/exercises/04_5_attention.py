# ---
# title: Attention in several heads
# topic: attention
# difficulty: 3
# minutes: 25
# ---

# %% [markdown]
# # Attention in several heads
#
# Each query asks every key how well they match, and takes the average of the
# values with these weights (Vaswani et al. 2017):
#
# $$O = \mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right) V$$
#
# The width is cut into `heads` parts of $d = \text{width}/\text{heads}$ numbers,
# each part attends by itself, and the results are laid side by side again. Places
# where `allowed` is `False` get the weight 0.
#
# Write `attention(q, k, v, heads, allowed)`.

# %%
import numpy as np


# %% role="solution"
def attention(q, k, v, heads, allowed):
    """q, k, v: [batch, tokens, width]; allowed: bool [tokens, tokens]
    -> [batch, tokens, width]."""
    ### BEGIN SOLUTION
    batch, tokens, width = q.shape
    d = width // heads

    def split(x):
        return x.reshape(batch, tokens, heads, d).swapaxes(1, 2)

    scores = split(q) @ split(k).swapaxes(-1, -2) / float(np.sqrt(d))
    scores = np.where(allowed, scores, -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)
    return (P @ split(v)).swapaxes(1, 2).reshape(batch, tokens, width)
    ### END SOLUTION


# %% [markdown] role="hint"
# Cut with `reshape(batch, tokens, heads, d)`, then bring the heads before the
# tokens with `swapaxes(1, 2)`: now `@` works on `[tokens, d]` for each text and
# head.

# %% [markdown] role="hint"
# Forbidden scores become $-\infty$ *before* the softmax, so that the others
# still add up to 1. The root is of $d$, the width of one head.

# %% [markdown] role="hint"
# At the end `swapaxes(1, 2)` first, and then `reshape`: reshaping alone would
# read the numbers in another order.

# %% role="check" points=2
"""one head, all allowed"""
q, k, v = rng.standard_normal((3, 1, 3, 2)).round(1)
answer = attention(q, k, v, 1, np.ones((3, 3), dtype=bool))

# %% role="check" points=2
"""one head, causal"""
q, k, v = rng.standard_normal((3, 1, 3, 2)).round(1)
answer = attention(q, k, v, 1, np.tri(3, dtype=bool))

# %% role="check" points=3
"""two heads, two texts"""
q, k, v = rng.standard_normal((3, 2, 3, 4)).round(1)
answer = attention(q, k, v, 2, np.tri(3, dtype=bool))

# %% role="check" points=1 hidden=true
"""four heads, float32, scores in the hundreds"""
q, k, v = (20 * rng.standard_normal((3, 2, 5, 8))).astype(np.float32)
answer = attention(q, k, v, 4, np.tri(5, dtype=bool))

# %% role="wrong"
"""The scores are not divided by √d, the root of one head's width."""


def attention(q, k, v, heads, allowed):
    batch, tokens, width = q.shape

    def split(x):
        return x.reshape(batch, tokens, heads, width // heads).swapaxes(1, 2)

    s = np.where(allowed, split(q) @ split(k).swapaxes(-1, -2), -np.inf)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)
    return (P @ split(v)).swapaxes(1, 2).reshape(batch, tokens, width)


# %% role="wrong"
"""Forbidden weights were set to 0 after the softmax, so the others no longer add
up to 1: set the scores to −∞ before it."""


def attention(q, k, v, heads, allowed):
    batch, tokens, width = q.shape
    d = width // heads

    def split(x):
        return x.reshape(batch, tokens, heads, d).swapaxes(1, 2)

    s = split(q) @ split(k).swapaxes(-1, -2) / float(np.sqrt(d))
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True) * allowed
    return (P @ split(v)).swapaxes(1, 2).reshape(batch, tokens, width)


# %% role="wrong"
"""The mask is used the wrong way round: allowed is True where a query may look."""


def attention(q, k, v, heads, allowed):
    batch, tokens, width = q.shape
    d = width // heads

    def split(x):
        return x.reshape(batch, tokens, heads, d).swapaxes(1, 2)

    s = split(q) @ split(k).swapaxes(-1, -2) / float(np.sqrt(d))
    s = np.where(allowed & ~np.eye(tokens, dtype=bool), -np.inf, s)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)
    return (P @ split(v)).swapaxes(1, 2).reshape(batch, tokens, width)


# %% role="wrong"
"""The scores are divided by the root of the whole width; each head is d =
width/heads wide, and its scores are sums of d products."""


def attention(q, k, v, heads, allowed):
    batch, tokens, width = q.shape
    d = width // heads

    def split(x):
        return x.reshape(batch, tokens, heads, d).swapaxes(1, 2)

    s = split(q) @ split(k).swapaxes(-1, -2) / float(np.sqrt(width))
    s = np.where(allowed, s, -np.inf)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)
    return (P @ split(v)).swapaxes(1, 2).reshape(batch, tokens, width)


# %% role="wrong"
"""The heads were cut with reshape alone, which mixes tokens into heads: first
[batch, tokens, heads, d], and then swap the two axes."""


def attention(q, k, v, heads, allowed):
    batch, tokens, width = q.shape
    d = width // heads

    def split(x):
        return x.reshape(batch, heads, tokens, d)

    s = split(q) @ split(k).swapaxes(-1, -2) / float(np.sqrt(d))
    s = np.where(allowed, s, -np.inf)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    P = e / e.sum(axis=-1, keepdims=True)
    return (P @ split(v)).reshape(batch, tokens, width)


# %% role="proof"
from minilora import Tensor, ops

q, k, v = rng.standard_normal((3, 2, 5, 8))
tensors = (Tensor(q), Tensor(k), Tensor(v))
library = ops.attention(*tensors, heads=4, causal=True).data
mine = attention(q, k, v, 4, np.tri(5, dtype=bool))
assert np.allclose(mine, library, rtol=1e-10)
