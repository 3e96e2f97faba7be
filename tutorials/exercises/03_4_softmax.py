# ---
# title: Softmax and its pullback
# topic: pullbacks
# difficulty: 3
# minutes: 20
# ---

# %% [markdown]
# # Softmax and its pullback
#
# $$p_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$
#
# over the last axis. For large $x$ the exponential overflows; subtracting the
# largest $x$ first changes nothing in the result (why?) and keeps every exponent
# below or at zero.
#
# The Jacobian is $\partial p_i/\partial x_j = p_i(\delta_{ij} - p_j)$. Carry $g$
# through it by hand until nothing is left that is larger than $x$, and write
# `softmax(x)` with its pullback. Leave `x` itself as it is.

# %%
import numpy as np


# %% role="solution"
def softmax(x):
    """x: [..., n] -> (p: [..., n], pullback: g -> ∂x)."""
    ### BEGIN SOLUTION
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)

    def pullback(g):
        return p * (g - (g * p).sum(axis=-1, keepdims=True))

    return p, pullback
    ### END SOLUTION


# %% [markdown] role="hint"
# Every row has its own maximum and its own sum, so both are taken over
# `axis=-1`, with `keepdims=True` so that they broadcast back over the row.

# %% [markdown] role="hint"
# $\partial L/\partial x_j = \sum_i g_i\, p_i(\delta_{ij} - p_j)$. Multiply out:
# the part with $\delta$ leaves one term of the sum.

# %% [markdown] role="hint"
# $\partial x_j = p_j\,\bigl(g_j - \sum_i g_i p_i\bigr)$.

# %% role="check" points=2
"""the value"""
x = rng.standard_normal((2, 3)).round(1)
answer = softmax(x)[0]

# %% role="check" points=3
"""the pullback"""
x, g = (
    rng.standard_normal((2, 3)).round(1),
    rng.standard_normal((2, 3)).round(1),
)
p, pullback = softmax(x)
answer = {"∂x": pullback(g)}

# %% role="check" points=1 hidden=true
"""numbers in the thousands, and x left as it was"""
x = 1000 * rng.standard_normal((4, 5))
answer = {"p": softmax(x)[0], "x afterwards": x}

# %% role="check" points=1 hidden=true
"""three axes, in float32"""
x = rng.standard_normal((2, 3, 4)).astype(np.float32)
p, pullback = softmax(x)
answer = {"p": p, "∂x": pullback(x[::-1])}

# %% role="wrong"
"""exp overflows for large x: subtract each row's maximum first."""


def softmax(x):
    e = np.exp(x)
    p = e / e.sum(axis=-1, keepdims=True)
    return p, lambda g: p * (g - (g * p).sum(axis=-1, keepdims=True))


# %% role="wrong"
"""The sum runs over the whole array: each row (the last axis) is a distribution
of its own."""


def softmax(x):
    e = np.exp(x - x.max())
    p = e / e.sum()
    return p, lambda g: p * (g - (g * p).sum())


# %% role="wrong"
"""The pullback is p(1 − p)·g, the diagonal of the Jacobian alone: raising one x
also lowers every other p of its row."""


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    return p, lambda g: p * (1 - p) * g


# %% role="wrong"
"""The sum over axis 0 mixes different rows: a softmax is over the last axis."""


def softmax(x):
    e = np.exp(x - x.max(axis=0, keepdims=True))
    p = e / e.sum(axis=0, keepdims=True)
    return p, lambda g: p * (g - (g * p).sum(axis=0, keepdims=True))


# %% role="wrong"
"""x was changed: x -= … works in the caller's own array. Write x = x - … instead."""


def softmax(x):
    x -= x.max(axis=-1, keepdims=True)
    p = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    return p, lambda g: p * (g - (g * p).sum(axis=-1, keepdims=True))


# %% role="proof"
from minilora import Tensor, gradients, ops

x, w = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4))
leaf = Tensor(x, trainable=True)
library = ops.reference.softmax(leaf)
p, pullback = softmax(x)
assert np.allclose(p, library.data, rtol=1e-12)
(due,) = gradients(ops.sum(library * w), [leaf])
assert np.allclose(pullback(w), due, rtol=1e-10, atol=1e-14)
