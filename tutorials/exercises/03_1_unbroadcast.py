# ---
# title: Undoing a broadcast
# topic: pullbacks
# difficulty: 2
# minutes: 15
# ---

# %% [markdown]
# # Undoing a broadcast
#
# In `x + b`, with `x` of shape `[2, 3]` and `b` of shape `[3]`, NumPy uses each
# number of `b` twice. On the way back, a number that was used $n$ times gets the
# **sum** of $n$ gradients: the gradient `g` arrives with shape `[2, 3]` and must
# leave with the shape of `b`.
#
# Write `unbroadcast(g, shape)`: sum `g` over every axis along which an input of
# `shape` was repeated. There are two kinds: axes that NumPy put in front, and
# axes of size 1 that it stretched.

# %%
import numpy as np


# %% role="solution"
def unbroadcast(g, shape):
    """g: the gradient, in the broadcast shape; shape: a tuple -> array of that
    shape."""
    ### BEGIN SOLUTION
    added = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(added)))
    stretched = tuple(
        axis
        for axis, size in enumerate(shape)
        if size == 1 and g.shape[axis] > 1
    )
    return g.sum(axis=stretched, keepdims=True)
    ### END SOLUTION


# %% [markdown] role="hint"
# First the axes in front: there are `g.ndim - len(shape)` of them. Summing over
# them leaves as many axes as `shape` has.

# %% [markdown] role="hint"
# Then each axis where `shape` says 1 and `g` has more. Here the axis must stay,
# with size 1: `keepdims=True`.

# %% [markdown] role="hint"
# `g.sum(axis=())` sums over nothing and changes nothing, so neither step needs
# an `if`.

# %% role="check" points=2
"""axes in front"""
g = rng.standard_normal((2, 3)).round(1)
answer = unbroadcast(g, (3,))

# %% role="check" points=2
"""an axis of size 1"""
g = rng.standard_normal((3, 3)).round(1)
answer = {
    "a column": unbroadcast(g, (3, 1)),
    "a row": unbroadcast(g, (1, 3)),
}

# %% role="check" points=2 hidden=true
"""both at once, a scalar, and nothing to undo"""
g = rng.standard_normal((2, 4, 3))
answer = {
    "both": unbroadcast(g, (1, 3)),
    "scalar": unbroadcast(g, ()),
    "equal shapes": unbroadcast(g, (2, 4, 3)),
    "size 1 on both sides": unbroadcast(g[:, :1], (1, 3)),
}

# %% role="wrong"
"""The gradients were averaged. A number that is used n times has n effects on
the loss, and they add up: sum, not mean."""


def unbroadcast(g, shape):
    added = g.ndim - len(shape)
    g = g.mean(axis=tuple(range(added)))
    ones = tuple(i for i, size in enumerate(shape) if size == 1)
    return g.mean(axis=ones, keepdims=True)


# %% role="wrong"
"""Axes in front are summed, but those of size 1 are not: a column that was
stretched over a row was used once for each entry of that row."""


def unbroadcast(g, shape):
    return g.sum(axis=tuple(range(g.ndim - len(shape))))


# %% role="wrong"
"""The axes of size 1 are gone: sum over them with keepdims=True."""


def unbroadcast(g, shape):
    added = g.ndim - len(shape)
    ones = tuple(added + i for i, size in enumerate(shape) if size == 1)
    return g.sum(axis=(*range(added), *ones))


# %% role="wrong"
"""One of the repeated gradients was taken, and the others dropped: they must be
summed."""


def unbroadcast(g, shape):
    g = g[(0,) * (g.ndim - len(shape))]
    return g[tuple(slice(0, size) for size in shape)]


# %% role="proof"
from minilora.ops.broadcast import unbroadcast as library

g = rng.standard_normal((2, 4, 3))
for shape in ((3,), (1, 3), (4, 1), (2, 1, 1), (), (2, 4, 3)):
    assert np.allclose(unbroadcast(g, shape), library(g, shape), rtol=1e-12)
