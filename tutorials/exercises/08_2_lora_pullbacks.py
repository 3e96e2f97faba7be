# ---
# title: LoRA's pullbacks
# topic: LoRA
# difficulty: 3
# minutes: 20
# ---

# %% [markdown]
# # LoRA's pullbacks
#
# $y = x W^\top + s\,(x A^\top) B^\top$, with $W$ frozen: nobody asks for $\partial W$. With
# $\gamma = s\,g B$, a matrix that is only $r$ wide,
#
# $$\partial x = g W + \gamma A, \qquad \partial A = \gamma^\top x, \qquad
# \partial B = s\,g^\top (x A^\top)$$
#
# Check them against the pullbacks of a product, then write
# `lora(x, W, A, B, s)` with the pullbacks of x, A and B.

# %%
import numpy as np


# %% role="solution"
def lora(x, W, A, B, s):
    """x: [n, k]; W: [d, k]; A: [r, k]; B: [d, r]; s: a number -> (y: [n, d],
    (pullback of x, of A, of B))."""
    ### BEGIN SOLUTION
    low = x @ A.T
    return x @ W.T + s * low @ B.T, (
        lambda g: g @ W + s * (g @ B) @ A,
        lambda g: s * (g @ B).T @ x,
        lambda g: s * g.T @ low,
    )
    ### END SOLUTION


# %% [markdown] role="hint"
# Call `low = x @ A.T`. Then `y = x @ W.T + s * low @ B.T`, two products one after the
# other, and `x` is used twice: its two gradients add up.

# %% [markdown] role="hint"
# $\partial\,\text{low} = s\,g B = \gamma$. From `low = x @ A.T` then follow
# $\gamma A$ for `x` and $\gamma^\top x$ for `A`.

# %% role="check" points=1
"""the value"""
shapes = ((2, 4), (3, 4), (2, 4), (3, 2))
answer = lora(*(rng.standard_normal(s).round(1) for s in shapes), 0.5)[0]

# %% role="check" points=3
"""the pullbacks"""
x, W, A, B, g = (
    rng.standard_normal(s).round(1)
    for s in ((4, 3), (2, 3), (1, 3), (2, 1), (4, 2))
)
y, (dx, dA, dB) = lora(x, W, A, B, 0.5)
answer = {"∂A": dA(g), "∂B": dB(g), "∂x": dx(g)}

# %% role="check" points=1
"""at the start, B = 0: only B has a gradient"""
x, W, A, g = (
    rng.standard_normal(s).round(1) for s in ((4, 3), (2, 3), (1, 3), (4, 2))
)
y, (dx, dA, dB) = lora(x, W, A, np.zeros((2, 1)), 2.0)
answer = {"∂A": dA(g), "∂B": dB(g)}

# %% role="check" points=2 hidden=true
"""square matrices, float32"""
x, W, A, B, g = rng.standard_normal((5, 4, 4)).astype(np.float32)
y, (dx, dA, dB) = lora(x, W, A, B, 3.0)
answer = {"y": y, "∂x": dx(g), "∂A": dA(g), "∂B": dB(g)}

# %% role="wrong"
"""∂A and ∂B are off by exactly the scale: was s forgotten on the way back?"""


def lora(x, W, A, B, s):
    low = x @ A.T
    return x @ W.T + s * low @ B.T, (
        lambda g: g @ W + s * (g @ B) @ A,
        lambda g: (g @ B).T @ x,
        lambda g: g.T @ low,
    )


# %% role="wrong"
"""∂x has only the way through W: x also goes into the update."""


def lora(x, W, A, B, s):
    low = x @ A.T
    return x @ W.T + s * low @ B.T, (
        lambda g: g @ W,
        lambda g: s * (g @ B).T @ x,
        lambda g: s * g.T @ low,
    )


# %% role="wrong"
"""The pullbacks of A and B are exchanged: the order is x, A, B."""


def lora(x, W, A, B, s):
    low = x @ A.T
    return x @ W.T + s * low @ B.T, (
        lambda g: g @ W + s * (g @ B) @ A,
        lambda g: s * g.T @ low,
        lambda g: s * (g @ B).T @ x,
    )


# %% role="wrong"
"""The scale was squared: it comes once on the way forward, and once in each
gradient."""


def lora(x, W, A, B, s):
    low = x @ A.T
    return x @ W.T + s * low @ B.T, (
        lambda g: g @ W + s * s * (g @ B) @ A,
        lambda g: s * s * (g @ B).T @ x,
        lambda g: s * s * g.T @ low,
    )


# %% role="proof"
from minilora import Tensor, gradients, ops

arrays = [rng.standard_normal(s) for s in ((5, 4), (3, 4), (2, 4), (3, 2))]
w = rng.standard_normal((5, 3))
x, W, A, B = (Tensor(a, trainable=True) for a in arrays)
library = ops.lora_linear(x, W, None, A, B, scale=0.7)
y, pullbacks = lora(*arrays, 0.7)
assert np.allclose(y, library.data, rtol=1e-12)
due = gradients(ops.sum(library * w), [x, A, B])
for pullback, gradient in zip(pullbacks, due, strict=True):
    assert np.allclose(pullback(w), gradient, rtol=1e-10, atol=1e-13)
