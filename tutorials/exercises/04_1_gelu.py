# ---
# title: GELU and its slope
# topic: pullbacks
# difficulty: 3
# minutes: 20
# ---

# %% [markdown]
# # GELU and its slope
#
# GPT-2's activation, in its tanh form (Hendrycks & Gimpel 2016):
#
# $$y = \tfrac12\,x\,(1 + \tanh u), \qquad u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)$$
#
# It acts on each element alone, so its pullback is `g` times the slope
# $\partial y/\partial x$. Use the product rule, then the chain rule, with
# $\tanh' u = 1 - \tanh^2 u$. Write `gelu(x)` with its pullback.

# %%
import numpy as np


# %% role="solution"
def gelu(x):
    """x: any shape -> (y, (pullback,)), y and ∂x in x's shape and dtype."""
    ### BEGIN SOLUTION
    c = float(np.sqrt(2 / np.pi))
    t = np.tanh(c * (x + 0.044715 * x * x * x))
    du = c * (1 + 3 * 0.044715 * x * x)
    slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * du
    return 0.5 * x * (1 + t), (lambda g: g * slope,)
    ### END SOLUTION


# %% [markdown] role="hint"
# $y = \tfrac12 x \cdot (1 + t)$ with $t = \tanh u$. The product rule gives
# $\tfrac12(1 + t) + \tfrac12 x\,\partial t/\partial x$.

# %% [markdown] role="hint"
# $\partial t/\partial x = (1 - t^2)\,\partial u/\partial x$, and
# $\partial u/\partial x = \sqrt{2/\pi}\,(1 + 3 \cdot 0.044715\,x^2)$.

# %% [markdown] role="hint"
# `np.sqrt(2 / np.pi)` is a NumPy float64 and turns a float32 array into float64;
# `float(…)` makes it a Python number, which does not.

# %% role="check" points=2
"""the value"""
answer = gelu(rng.standard_normal(4).round(1))[0]

# %% role="check" points=3
"""the pullback"""
x, g = (
    rng.standard_normal((2, 3)).round(1),
    rng.standard_normal((2, 3)).round(1),
)
y, (pullback,) = gelu(x)
answer = {"∂x": pullback(g)}

# %% role="check" points=1 hidden=true
"""float32 stays float32"""
x = rng.standard_normal((3, 4)).astype(np.float32)
y, (pullback,) = gelu(x)
answer = {"y": y, "∂x": pullback(x)}

# %% role="wrong"
"""The slope is ½(1 + tanh u) alone, one half of the product rule: x also moves
the tanh."""


def gelu(x):
    t = np.tanh(float(np.sqrt(2 / np.pi)) * (x + 0.044715 * x * x * x))
    return 0.5 * x * (1 + t), (lambda g: g * 0.5 * (1 + t),)


# %% role="wrong"
"""∂u/∂x is missing its 3: the derivative of x³ is 3x²."""


def gelu(x):
    c = float(np.sqrt(2 / np.pi))
    t = np.tanh(c * (x + 0.044715 * x * x * x))
    du = c * (1 + 0.044715 * x * x)
    slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * du
    return 0.5 * x * (1 + t), (lambda g: g * slope,)


# %% role="wrong"
"""tanh was derived, but not what is inside it: the chain rule still asks for
∂u/∂x."""


def gelu(x):
    t = np.tanh(float(np.sqrt(2 / np.pi)) * (x + 0.044715 * x * x * x))
    slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t)
    return 0.5 * x * (1 + t), (lambda g: g * slope,)


# %% role="wrong"
"""The pullback gives the slope, but not times g: what comes in must go on,
multiplied."""


def gelu(x):
    c = float(np.sqrt(2 / np.pi))
    t = np.tanh(c * (x + 0.044715 * x * x * x))
    du = c * (1 + 3 * 0.044715 * x * x)
    slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * du
    return 0.5 * x * (1 + t), (lambda g: slope,)


# %% role="wrong"
"""This is the sigmoid form, x·σ(1.702x), a rougher approximation of GELU; GPT-2
uses the tanh form."""


def gelu(x):
    s = 1 / (1 + np.exp(-1.702 * x))
    return x * s, (lambda g: g * (s + 1.702 * x * s * (1 - s)),)


# %% role="proof"
from minilora import Tensor, gradients, ops

x, w = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
leaf = Tensor(x, trainable=True)
y = ops.gelu(leaf)
assert np.allclose(gelu(x)[0], y.data, rtol=1e-12)
(due,) = gradients(ops.sum(y * w), [leaf])
assert np.allclose(gelu(x)[1][0](w), due, rtol=1e-10)
