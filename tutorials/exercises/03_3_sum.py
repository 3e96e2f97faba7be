# ---
# title: The pullback of a sum
# topic: pullbacks
# difficulty: 2
# minutes: 10
# ---

# %% [markdown]
# # The pullback of a sum
#
# $y = \sum_j x_j$ has $\partial y/\partial x_j = 1$ for every $j$: each element
# gets the whole gradient of the sum it went into.
#
# Write `sum_axis(x, axis)`: the sum over one axis, which then is gone, and its
# pullback. Mind that `axis` may be negative.

# %%
import numpy as np


# %% role="solution"
def sum_axis(x, axis):
    """x: any shape; axis: one of its axes -> (y: x's shape without the axis,
    pullback: g in y's shape -> array in x's shape)."""

    ### BEGIN SOLUTION
    def pullback(g):
        return np.broadcast_to(np.expand_dims(g, axis), x.shape)

    return x.sum(axis=axis), pullback
    ### END SOLUTION


# %% [markdown] role="hint"
# `g` has one axis less than `x`. Put it back where it was, with size 1, and let
# broadcasting repeat it.

# %% [markdown] role="hint"
# `np.expand_dims(g, axis)` puts an axis of size 1 at `axis`, negative or not;
# `np.broadcast_to(…, x.shape)` repeats it.

# %% role="check" points=2
"""over the last axis"""
x, g = rng.standard_normal((2, 3)).round(1), rng.standard_normal(2).round(1)
y, pullback = sum_axis(x, -1)
answer = {"y": y, "∂x": pullback(g)}

# %% role="check" points=2
"""over the first axis of a square"""
x, g = rng.standard_normal((3, 3)).round(1), rng.standard_normal(3).round(1)
y, pullback = sum_axis(x, 0)
answer = {"y": y, "∂x": pullback(g)}

# %% role="check" points=2 hidden=true
"""over a middle axis, in float32"""
x = rng.standard_normal((2, 4, 3)).astype(np.float32)
y, pullback = sum_axis(x, 1)
answer = {
    "y": y,
    "∂x": pullback(rng.standard_normal((2, 3)).astype(np.float32)),
}

# %% role="wrong"
"""The pullback gives ones: it must give the gradient it was handed, repeated."""


def sum_axis(x, axis):
    return x.sum(axis=axis), lambda g: np.ones_like(x)


# %% role="wrong"
"""The gradient was divided among the elements. That is the pullback of a mean;
of a sum, each element gets all of it."""


def sum_axis(x, axis):
    def pullback(g):
        spread = np.broadcast_to(np.expand_dims(g, axis), x.shape)
        return spread / x.shape[axis]

    return x.sum(axis=axis), pullback


# %% role="wrong"
"""The gradient was repeated along the wrong axis: the axis that was summed away
must be put back in its own place, before broadcasting repeats it."""


def sum_axis(x, axis):
    return (
        x.sum(axis=axis),
        lambda g: (
            g * np.ones_like(x)
            if axis
            else np.expand_dims(g, -1) * np.ones_like(x)
        ),
    )


# %% role="wrong"
"""The pullback gives back g as it came: it must have the shape of x."""


def sum_axis(x, axis):
    return x.sum(axis=axis), lambda g: g


# %% role="proof"
from minilora import Tensor, gradients, ops

x, w = rng.standard_normal((2, 4, 3)), rng.standard_normal((2, 3))
leaf = Tensor(x, trainable=True)
(due,) = gradients(ops.sum(ops.sum(leaf, axis=1) * w), [leaf])
assert np.array_equal(sum_axis(x, 1)[1](w), due)
