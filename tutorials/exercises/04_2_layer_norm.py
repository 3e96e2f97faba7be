# ---
# title: Layer norm, three pullbacks
# topic: pullbacks
# difficulty: 4
# minutes: 35
# ---

# %% [markdown]
# # Layer norm, three pullbacks
#
# Each row is brought to mean 0 and variance 1, and then stretched and moved:
#
# $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad
# y = \hat x \cdot \mathrm{gain} + \mathrm{bias}$$
#
# with $\mu$ and $\sigma^2$ (divided by $n$, not $n - 1$) taken over the last axis.
# `gain` and `bias` are shared by all rows. $\mu$ and $\sigma$ depend on every
# $x$ of the row, so with $\hat g = g \cdot \mathrm{gain}$ the way back is
#
# $$\partial x = \frac{1}{\sqrt{\sigma^2 + \varepsilon}}
# \bigl(\hat g - \overline{\hat g} - \hat x\,\overline{\hat g \hat x}\bigr)$$
#
# where a bar is the mean over the row. Derive it on paper once; then write
# `layer_norm(x, gain, bias, epsilon)` with the pullbacks of x, gain and bias.

# %%
import numpy as np


# %% role="solution"
def layer_norm(x, gain, bias, epsilon):
    """x: [..., n]; gain, bias: [n] -> (y: [..., n], (pullback of x, of gain, of
    bias))."""
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    inverse = 1 / np.sqrt(variance + epsilon)
    normal = centred * inverse
    rows = tuple(range(x.ndim - 1))

    def dx(g):
        h = g * gain
        along = (h * normal).mean(axis=-1, keepdims=True)
        return inverse * (h - h.mean(axis=-1, keepdims=True) - normal * along)

    return normal * gain + bias, (
        dx,
        lambda g: (g * normal).sum(axis=rows),
        lambda g: g.sum(axis=rows),
    )
    ### END SOLUTION


# %% [markdown] role="hint"
# `bias` is added to every row, `gain` multiplies every row: their gradients are
# sums over all axes but the last, `axis=tuple(range(x.ndim - 1))`.

# %% [markdown] role="hint"
# The two means in $\partial x$ are what is lost because a row's mean and variance
# are fixed: adding a constant to a row, or stretching it, changes nothing in
# $\hat x$. So $\partial x$ has no part along $(1, …, 1)$, and none along $\hat x$.

# %% role="check" points=2
"""the value"""
x, gain, bias = (rng.standard_normal(s).round(1) for s in ((2, 4), (4,), (4,)))
answer = layer_norm(x, gain, bias, 1e-5)[0]

# %% role="check" points=3
"""the pullback of x"""
x, gain, bias, g = (
    rng.standard_normal(s).round(1) for s in ((2, 4), (4,), (4,), (2, 4))
)
y, (dx, dgain, dbias) = layer_norm(x, gain, bias, 1e-5)
answer = {"∂x": dx(g)}

# %% role="check" points=2
"""the pullbacks of gain and bias"""
x, gain, bias, g = (
    rng.standard_normal(s).round(1) for s in ((2, 3, 4), (4,), (4,), (2, 3, 4))
)
y, (dx, dgain, dbias) = layer_norm(x, gain, bias, 1e-5)
answer = {"∂gain": dgain(g), "∂bias": dbias(g)}

# %% role="check" points=1 hidden=true
"""rows that hardly vary, where ε matters"""
x = 1e-3 * rng.standard_normal((3, 8))
y, (dx, dgain, dbias) = layer_norm(x, np.ones(8), np.zeros(8), 1e-5)
answer = {"y": y, "∂x": dx(rng.standard_normal((3, 8)))}

# %% role="check" points=1 hidden=true
"""float32 stays float32"""
x, gain, bias = (
    rng.standard_normal(s).astype(np.float32) for s in ((5, 4), (4,), (4,))
)
y, (dx, dgain, dbias) = layer_norm(x, gain, bias, 1e-5)
answer = {"y": y, "∂x": dx(x), "∂gain": dgain(x)}


# %% role="wrong"
"""The variance is divided by n − 1; layer norm divides by n (ddof=0)."""


def layer_norm(x, gain, bias, epsilon):
    inverse = 1 / np.sqrt(x.var(axis=-1, keepdims=True, ddof=1) + epsilon)
    normal = (x - x.mean(axis=-1, keepdims=True)) * inverse
    return normal * gain + bias, (lambda g: g, lambda g: g, lambda g: g)


# %% role="wrong"
"""Mean and variance were held fixed in ∂x: every x of a row moves them, which
takes away the two means."""


def layer_norm(x, gain, bias, epsilon):
    inverse = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
    normal = (x - x.mean(axis=-1, keepdims=True)) * inverse
    rows = tuple(range(x.ndim - 1))
    return normal * gain + bias, (
        lambda g: g * gain * inverse,
        lambda g: (g * normal).sum(axis=rows),
        lambda g: g.sum(axis=rows),
    )


# %% role="wrong"
"""∂x is right as if gain were 1: multiply g by gain before anything else."""


def layer_norm(x, gain, bias, epsilon):
    inverse = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
    normal = (x - x.mean(axis=-1, keepdims=True)) * inverse
    rows = tuple(range(x.ndim - 1))

    def dx(g):
        along = (g * normal).mean(axis=-1, keepdims=True)
        return inverse * (g - g.mean(axis=-1, keepdims=True) - normal * along)

    return normal * gain + bias, (
        dx,
        lambda g: (g * normal).sum(axis=rows),
        lambda g: g.sum(axis=rows),
    )


# %% role="wrong"
"""The gradients of gain and bias were averaged over the rows: all rows use
them, and their shares add up."""


def layer_norm(x, gain, bias, epsilon):
    inverse = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
    normal = (x - x.mean(axis=-1, keepdims=True)) * inverse
    rows = tuple(range(x.ndim - 1))

    def dx(g):
        h = g * gain
        along = (h * normal).mean(axis=-1, keepdims=True)
        return inverse * (h - h.mean(axis=-1, keepdims=True) - normal * along)

    return normal * gain + bias, (
        dx,
        lambda g: (g * normal).mean(axis=rows),
        lambda g: g.mean(axis=rows),
    )


# %% role="wrong"
"""ε was added to the standard deviation; it belongs beneath the root, with the
variance."""


def layer_norm(x, gain, bias, epsilon):
    inverse = 1 / (x.std(axis=-1, keepdims=True) + epsilon)
    normal = (x - x.mean(axis=-1, keepdims=True)) * inverse
    rows = tuple(range(x.ndim - 1))

    def dx(g):
        h = g * gain
        along = (h * normal).mean(axis=-1, keepdims=True)
        return inverse * (h - h.mean(axis=-1, keepdims=True) - normal * along)

    return normal * gain + bias, (
        dx,
        lambda g: (g * normal).sum(axis=rows),
        lambda g: g.sum(axis=rows),
    )


# %% role="proof"
from minilora import Tensor, gradients, ops

arrays = [rng.standard_normal(s) for s in ((2, 3, 4), (4,), (4,))]
w = rng.standard_normal((2, 3, 4))
leaves = [Tensor(a, trainable=True) for a in arrays]
library = ops.layer_norm(*leaves, epsilon=1e-5)
y, pullbacks = layer_norm(*arrays, 1e-5)
assert np.allclose(y, library.data, rtol=1e-12)
due = gradients(ops.sum(library * w), leaves)
for pullback, gradient in zip(pullbacks, due, strict=True):
    assert np.allclose(pullback(w), gradient, rtol=1e-9, atol=1e-12)
