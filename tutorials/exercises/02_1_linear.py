# ---
# title: A linear layer, for any number of axes
# topic: arrays and broadcasting
# difficulty: 1
# minutes: 5
# ---

# %% [markdown]
# # A linear layer, for any number of axes
#
# A linear layer computes $y = Wx + b$. Arrays hold one input a *row*, so in
# code it reads $y = x W^\top + b$. Inputs come with any number of axes before
# the last: `[in]`, `[tokens, in]`, `[batch, tokens, in]`; the layer works on the
# last one and leaves the others alone.
#
# Write `linear(x, W, b)` without a loop.

# %%
import numpy as np


# %% role="solution"
def linear(x, W, b):
    """x: [..., in]; W: [out, in]; b: [out] -> y: [..., out]."""
    ### BEGIN SOLUTION
    return x @ W.T + b
    ### END SOLUTION


# %% [markdown] role="hint"
# `@` multiplies the last two axes and repeats the product over all axes before
# them. What shape must the right-hand matrix have, so that `[..., in]` becomes
# `[..., out]`?

# %% [markdown] role="hint"
# `W.T` is `[in, out]`. `b` is `[out]`, and broadcasting adds it to every row:
# shapes are compared from the last axis backwards.

# %% role="check" points=2
"""a batch of rows"""
x = rng.standard_normal((2, 4)).round(1)
W = rng.standard_normal((3, 4)).round(1)
b = rng.standard_normal(3).round(1)
answer = linear(x, W, b)

# %% role="check" points=1
"""a square weight, where a mistake keeps the shape"""
x, W, b = (rng.standard_normal(s).round(1) for s in ((3, 3), (3, 3), (3,)))
answer = linear(x, W, b)

# %% role="check" points=1 hidden=true
"""one row, and three axes"""
W, b = rng.standard_normal((3, 4)), rng.standard_normal(3)
answer = {
    "one row": linear(rng.standard_normal(4), W, b),
    "three axes": linear(rng.standard_normal((2, 5, 4)), W, b),
}

# %% role="check" points=1 hidden=true
"""float32 stays float32"""
x, W, b = (
    rng.standard_normal(s).astype(np.float32) for s in ((5, 4), (3, 4), (3,))
)
answer = linear(x, W, b)

# %% role="wrong"
"""W is [out, in], and its rows are what x is multiplied with: was the transpose
forgotten?"""


def linear(x, W, b):
    return x @ W + b


# %% role="wrong"
"""All but the bias is right: was + b forgotten?"""


def linear(x, W, b):
    return x @ W.T


# %% role="wrong"
"""The bias was added along the wrong axis: b[:, None] gives every row one number
of b, but every row should get all of b."""


def linear(x, W, b):
    return (W @ x.T + b).T if x.ndim == 2 and len(x) == len(b) else x @ W.T + b


# %% role="wrong"
"""The result went through a float64 array: np.zeros makes one unless it is told
dtype=x.dtype."""


def linear(x, W, b):
    y = np.zeros((*x.shape[:-1], len(W)))
    y += x @ W.T + b
    return y


# %% role="proof"
from minilora import Tensor, ops

x, W, b = (rng.standard_normal(s) for s in ((2, 5, 4), (3, 4), (3,)))
library = ops.linear(Tensor(x), Tensor(W), Tensor(b)).data
assert np.allclose(linear(x, W, b), library, rtol=1e-12)
