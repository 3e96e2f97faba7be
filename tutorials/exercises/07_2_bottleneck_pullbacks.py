# ---
# title: The pullbacks of an adapter
# topic: adapter layers
# difficulty: 4
# minutes: 25
# ---

# %% [markdown]
# # The pullbacks of an adapter
#
# Without biases and with relu, an adapter is $y = h + U\,\sigma(Dh)$. Let
# $u = Dh$ and $g = \partial L/\partial y$, rows of a batch. The gradient goes two ways,
# past the adapter and through it:
#
# $$\partial h = g + D^\top(\sigma'(u) \odot U^\top g), \qquad
# \partial D = (\sigma'(u) \odot U^\top g)\,h^\top, \qquad
# \partial U = g\,\sigma(u)^\top$$
#
# for one column vector; for rows, sum over the batch. Write
# `adapter(h, D, U)` with its three pullbacks.

# %%
import numpy as np


# %% role="solution"
def adapter(h, D, U):
    """h: [n, d]; D: [r, d]; U: [d, r] -> (y: [n, d], (pullback of h, of D, of
    U))."""
    ### BEGIN SOLUTION
    u = h @ D.T
    bent = np.maximum(u, 0)

    def inner(g):
        return (u > 0) * (g @ U)

    return h + bent @ U.T, (
        lambda g: g + inner(g) @ D,
        lambda g: inner(g).T @ h,
        lambda g: g.T @ bent,
    )
    ### END SOLUTION


# %% [markdown] role="hint"
# Row by row, $U^\top g$ is `g @ U`, and $\sigma'(u)$ of relu is 1 where `u > 0` and 0
# elsewhere.

# %% [markdown] role="hint"
# Call $\gamma = \sigma'(u) \odot (gU)$, `[n, r]`. Then ∂h is `g + γ @ D`, ∂D is
# `γ.T @ h`, and ∂U is `g.T @ σ(u)`.

# %% role="check" points=1
"""the value"""
h, D, U = (rng.standard_normal(s).round(1) for s in ((2, 3), (2, 3), (3, 2)))
answer = adapter(h, D, U)[0]

# %% role="check" points=3
"""the pullbacks"""
h, D, U, g = (
    rng.standard_normal(s).round(1) for s in ((4, 3), (2, 3), (3, 2), (4, 3))
)
y, (dh, dD, dU) = adapter(h, D, U)
answer = {"∂h": dh(g), "∂D": dD(g), "∂U": dU(g)}

# %% role="check" points=2 hidden=true
"""as wide as narrow, where a mistake keeps the shape"""
h, D, U, g = rng.standard_normal((4, 3, 3))
y, (dh, dD, dU) = adapter(h, D, U)
answer = {"∂h": dh(g), "∂D": dD(g), "∂U": dU(g)}

# %% role="wrong"
"""∂h lacks g itself, the way past the adapter: y = h + …, so h gets all of g, and
more."""


def adapter(h, D, U):
    u = h @ D.T
    s = np.maximum(u, 0)
    return h + s @ U.T, (
        lambda g: ((u > 0) * (g @ U)) @ D,
        lambda g: ((u > 0) * (g @ U)).T @ h,
        lambda g: g.T @ s,
    )


# %% role="wrong"
"""σ′ is missing: where relu was zero, no gradient comes through."""


def adapter(h, D, U):
    s = np.maximum(h @ D.T, 0)
    return h + s @ U.T, (
        lambda g: g + g @ U @ D,
        lambda g: (g @ U).T @ h,
        lambda g: g.T @ s,
    )


# %% role="wrong"
"""∂U takes u before the relu; U was multiplied with what came out of it."""


def adapter(h, D, U):
    u = h @ D.T
    return h + np.maximum(u, 0) @ U.T, (
        lambda g: g + ((u > 0) * (g @ U)) @ D,
        lambda g: ((u > 0) * (g @ U)).T @ h,
        lambda g: g.T @ u,
    )


# %% role="wrong"
"""The gradients of D and U are those of one row on average: the rows of a batch add
up."""


def adapter(h, D, U):
    u = h @ D.T
    s = np.maximum(u, 0)
    return h + s @ U.T, (
        lambda g: g + ((u > 0) * (g @ U)) @ D,
        lambda g: ((u > 0) * (g @ U)).T @ h / len(h),
        lambda g: g.T @ s / len(h),
    )


# %% role="proof"
from minilora import Tensor, gradients, ops

arrays = [rng.standard_normal(s) for s in ((5, 4), (2, 4), (4, 2))]
w = rng.standard_normal((5, 4))
leaves = h, D, U = [Tensor(a, trainable=True) for a in arrays]
library = h + ops.linear(ops.relu(ops.linear(h, D, None)), U, None)
y, pullbacks = adapter(*arrays)
assert np.allclose(y, library.data, rtol=1e-12)
due = gradients(ops.sum(library * w), leaves)
for pullback, gradient in zip(pullbacks, due, strict=True):
    assert np.allclose(pullback(w), gradient, rtol=1e-10, atol=1e-13)
