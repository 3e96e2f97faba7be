# ---
# title: A batch for several adapters
# topic: serving
# difficulty: 4
# minutes: 25
# ---

# %% [markdown]
# # A batch for several adapters
#
# Once an adapter is merged, every row of a batch gets it: the limit that the paper states
# (section 4.2). Kept beside the weight, adapters can be mixed: the large product
# $xW_0^\top$ is done once for all rows, and each row adds its own small update.
#
# Write `mixed(x, W, adapters, which)`. `which[i]` is the number of row $i$'s adapter, and −1
# means none. Ranks and scales may differ. Loop over adapters if you like, not over rows.

# %%
import numpy as np


# %% role="solution"
def mixed(x, W, adapters, which):
    """x: [rows, k]; W: [d, k]; adapters: list of (A: [r, k], B: [d, r], s: number);
    which: int [rows] -> [rows, d]."""
    ### BEGIN SOLUTION
    y = x @ W.T
    for number, (A, B, s) in enumerate(adapters):
        rows = which == number
        y[rows] += s * (x[rows] @ A.T) @ B.T
    return y
    ### END SOLUTION


# %% [markdown] role="hint"
# `which == number` is a mask of the rows of one adapter; `x[mask]` picks them, and
# `y[mask] += …` adds to just these.

# %% [markdown] role="hint"
# A row with −1 is in no mask, so it keeps $xW_0^\top$. (Indexing `adapters[-1]` would
# give it the last one.)

# %% role="check" points=2
"""three rows, two adapters"""
x, W, A, B, C, D = (
    rng.standard_normal(s).round(1)
    for s in ((3, 3), (2, 3), (1, 3), (2, 1), (2, 3), (2, 2))
)
answer = mixed(x, W, [(A, B, 2.0), (C, D, 0.5)], np.array([1, 0, 1]))

# %% role="check" points=2
"""a row without an adapter"""
x, W, A, B = (
    rng.standard_normal(s).round(1) for s in ((3, 3), (3, 3), (1, 3), (3, 1))
)
answer = mixed(x, W, [(A, B, 2.0)], np.array([0, -1, 0]))

# %% role="check" points=2 hidden=true
"""many rows and adapters, one of them not used, and x afterwards"""
x, W = rng.standard_normal((20, 6)), rng.standard_normal((5, 6))
old = x.copy()
adapters = [
    (rng.standard_normal((r, 6)), rng.standard_normal((5, r)), 1 / r)
    for r in (1, 2, 3, 4)
]
which = rng.integers(-1, 3, 20)
answer = {
    "y": mixed(x, W, adapters, which),
    "numbers of x that changed": int((x != old).sum()),
}

# %% role="wrong"
"""Every row got the first adapter: which says whose turn it is, row by row."""


def mixed(x, W, adapters, which):
    A, B, s = adapters[0]
    return x @ W.T + s * (x @ A.T) @ B.T


# %% role="wrong"
"""Every row got the sum of all adapters: each should get its own alone."""


def mixed(x, W, adapters, which):
    return x @ W.T + sum(s * (x @ A.T) @ B.T for A, B, s in adapters)


# %% role="wrong"
"""−1 was used as an index and picked the last adapter; it means none."""


def mixed(x, W, adapters, which):
    y = x @ W.T
    for row, number in enumerate(which):
        A, B, s = adapters[number]
        y[row] += s * B @ (A @ x[row])
    return y


# %% role="wrong"
"""The scales are missing: each adapter has its own."""


def mixed(x, W, adapters, which):
    y = x @ W.T
    for number, (A, B, _) in enumerate(adapters):
        rows = which == number
        y[rows] += (x[rows] @ A.T) @ B.T
    return y


# %% role="wrong"
"""A row without an adapter was left at zero: it still gets xW₀ᵀ."""


def mixed(x, W, adapters, which):
    y = np.zeros((len(x), len(W)))
    for number, (A, B, s) in enumerate(adapters):
        rows = which == number
        y[rows] = x[rows] @ W.T + s * (x[rows] @ A.T) @ B.T
    return y


# %% role="proof"
from minilora import Tensor, ops

x, W = rng.standard_normal((6, 4)), rng.standard_normal((3, 4))
adapters = [
    (rng.standard_normal((2, 4)), rng.standard_normal((3, 2)), 0.5)
    for _ in range(3)
]
which = np.array([2, 0, -1, 1, 2, 0])
mine = mixed(x, W, adapters, which)
for row, number in enumerate(which):
    one = Tensor(x[row : row + 1])
    if number < 0:
        due = ops.linear(one, Tensor(W), None)
    else:
        A, B, s = adapters[number]
        due = ops.lora_linear(
            one, Tensor(W), None, Tensor(A), Tensor(B), scale=s
        )
    assert np.allclose(mine[row], due.data[0], rtol=1e-10)
