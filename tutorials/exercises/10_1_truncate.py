# ---
# title: The best update of a rank
# topic: low-rank approximation
# difficulty: 3
# minutes: 20
# ---

# %% [markdown]
# # The best update of a rank
#
# Given a full update $\Delta W$, which $BA$ of rank $r$ comes closest to it? The singular
# value decomposition answers (Eckart & Young 1936): with
# $\Delta W = \sum_i \sigma_i u_i v_i^\top$, sorted by size, keep the first $r$ terms. What
# is lost is $\sqrt{\sigma_{r+1}^2 + \dots}$, in the Frobenius norm.
#
# Write `truncate(delta, r)`, which gives $B$, $A$ and the loss, with each singular value
# shared out evenly: $\sqrt{\sigma_i}$ to $B$'s column and $\sqrt{\sigma_i}$ to $A$'s row.

# %%
import numpy as np


# %% role="solution"
def truncate(delta, r):
    """delta: [d, k]; r: at most min(d, k)
    -> (B: [d, r], A: [r, k], ‖delta − BA‖: a number)."""
    ### BEGIN SOLUTION
    U, sigma, Vt = np.linalg.svd(delta, full_matrices=False)
    root = np.sqrt(sigma[:r])
    lost = np.sqrt((sigma[r:] ** 2).sum())
    return U[:, :r] * root, root[:, None] * Vt[:r], lost
    ### END SOLUTION


# %% [markdown] role="hint"
# `U, sigma, Vt = np.linalg.svd(delta, full_matrices=False)`: the columns of `U` are
# $u_i$, the **rows** of `Vt` are $v_i^\top$, and `sigma` is sorted already.

# %% [markdown] role="hint"
# `U[:, :r] * root` multiplies each column by its root; for rows, `root[:, None] *`.

# %% role="check" points=3
"""the product, and what is lost"""
B, A, lost = truncate(rng.standard_normal((4, 4)).round(1), 2)
answer = {"BA": B @ A, "lost": lost}

# %% role="check" points=2
"""evenly shared: squares of B's columns and A's rows"""
B, A, lost = truncate(rng.standard_normal((3, 5)).round(1), 2)
answer = {"BᵀB": (B.T @ B).round(9), "AAᵀ": (A @ A.T).round(9)}

# %% role="check" points=1 hidden=true
"""the whole rank: nothing is lost"""
delta = rng.standard_normal((4, 4))
B, A, lost = truncate(delta, 4)
answer = {"BA": B @ A, "lost": round(float(lost), 9)}

# %% role="wrong"
"""The smallest singular values were kept: they come sorted, the largest first."""


def truncate(delta, r):
    U, sigma, Vt = np.linalg.svd(delta, full_matrices=False)
    n = len(sigma) - r
    root = np.sqrt(sigma[n:])
    lost = np.sqrt((sigma[:n] ** 2).sum())
    return U[:, n:] * root, root[:, None] * Vt[n:], lost


# %% role="wrong"
"""svd gives Vᵀ, not V: its rows are the right singular vectors."""


def truncate(delta, r):
    U, sigma, V = np.linalg.svd(delta, full_matrices=False)
    root = np.sqrt(sigma[:r])
    lost = np.sqrt((sigma[r:] ** 2).sum())
    return U[:, :r] * root, (V[:, :r] * root).T, lost


# %% role="wrong"
"""The product is right, but B has all of the singular values: share them out, a root to
each."""


def truncate(delta, r):
    U, sigma, Vt = np.linalg.svd(delta, full_matrices=False)
    lost = np.sqrt((sigma[r:] ** 2).sum())
    return U[:, :r] * sigma[:r], Vt[:r], lost


# %% role="wrong"
"""The loss is the sum of the singular values left out; in the Frobenius norm it is the
root of the sum of their squares."""


def truncate(delta, r):
    U, sigma, Vt = np.linalg.svd(delta, full_matrices=False)
    root = np.sqrt(sigma[:r])
    return U[:, :r] * root, root[:, None] * Vt[:r], sigma[r:].sum()


# %% role="wrong"
"""B and A got σ each, so BA has σ²: a root to each."""


def truncate(delta, r):
    U, sigma, Vt = np.linalg.svd(delta, full_matrices=False)
    lost = np.sqrt((sigma[r:] ** 2).sum())
    return U[:, :r] * sigma[:r], sigma[:r, None] * Vt[:r], lost


# %% role="proof"
delta = rng.standard_normal((6, 5))
B, A, lost = truncate(delta, 2)
assert np.isclose(np.linalg.norm(delta - B @ A), lost)
for _ in range(20):  # no other product of that rank comes closer
    other = (B + 0.1 * rng.standard_normal(B.shape)) @ A
    assert np.linalg.norm(delta - other) > lost
