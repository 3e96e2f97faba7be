# ---
# title: A gradient check by central differences
# topic: gradient checks
# difficulty: 2
# minutes: 15
# ---

# %% [markdown]
# # A gradient check by central differences
#
# A gradient worked out on paper is checked with numbers: move one entry of $x$
# up and down by a little $h$ and watch the loss,
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}.$$
#
# Taking both sides makes the error shrink with $h^2$; with $f(x)$ in place of
# $f(x - h e_i)$ it shrinks with $h$ alone, and would hide small mistakes.
#
# Write `numerical_gradient(f, x, h)`, and leave `x` as it was.

# %%
import numpy as np


# %% role="solution"
def numerical_gradient(f, x, h=1e-5):
    """f: array like x -> number; x: float64, any shape -> array in x's shape."""
    ### BEGIN SOLUTION
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        gradient[place] = (f(up) - f(down)) / (2 * h)
    return gradient
    ### END SOLUTION


# %% [markdown] role="hint"
# `np.ndindex(x.shape)` goes over the places of an array with any number of
# axes; `x[place]` is the entry there.

# %% [markdown] role="hint"
# Make two copies for each place, one with the entry a little larger and one with
# it a little smaller. A copy, so that the next place starts from the true `x`.

# %% role="check" points=2
"""a quadratic, for which central differences are exact"""
c, x = (
    rng.standard_normal((2, 3)).round(1),
    rng.standard_normal((2, 3)).round(1),
)
answer = numerical_gradient(lambda v: (c * v * v).sum(), x, 1e-3).round(7)

# %% role="check" points=2
"""a cubic with a coarse step: the error must be h², no more"""
x = rng.uniform(1, 2, 3).round(1)
answer = numerical_gradient(lambda v: (v**3).sum(), x, 0.1).round(8)

# %% role="check" points=1 hidden=true
"""x afterwards, and a function that mixes the entries"""
x = rng.standard_normal((2, 2))
g = numerical_gradient(lambda v: np.exp(v).sum() * v[0, 0], x, 1e-4)
answer = {"∂x": g.round(5), "x afterwards": x}

# %% role="wrong"
"""These are forward differences, (f(x + h) − f(x))/h, whose error shrinks with h
alone: move down as well as up."""


def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        up = x.copy()
        up[place] += h
        gradient[place] = (f(up) - f(x)) / h
    return gradient


# %% role="wrong"
"""Twice the right gradient: the two points lie 2h apart, not h."""


def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        gradient[place] = (f(up) - f(down)) / h
    return gradient


# %% role="wrong"
"""x was moved and not moved back, so each entry starts from a place that is off
already: work on copies."""


def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        x[place] += h
        above = f(x)
        x[place] -= 2 * h
        gradient[place] = (above - f(x)) / (2 * h)
    return gradient


# %% role="wrong"
"""All entries were moved at once: that is the derivative along (1, 1, …, 1), one
number for all. Move one entry at a time."""


def numerical_gradient(f, x, h=1e-5):
    return np.full_like(x, (f(x + h) - f(x - h)) / (2 * h))


# %% role="proof"
from minilora.autograd import numerical_jacobian

x = rng.standard_normal((2, 3))


def f(v):
    return np.asarray(np.tanh(v).sum())


mine = numerical_gradient(f, x)
assert np.allclose(mine.ravel(), numerical_jacobian(f, [x], 0)[0], rtol=1e-9)
assert np.allclose(mine, 1 - np.tanh(x) ** 2, rtol=1e-8)
