# ---
# title: What an update amplifies
# topic: amplification factor
# difficulty: 3
# minutes: 20
# ---

# %% [markdown]
# # What an update amplifies
#
# How large is $\Delta W$ beside what $W$ already does in the same directions? The paper
# (section 7.3) projects $W$ onto the $r$-dimensional subspace of $\Delta W$ and compares:
#
# $$\text{amplification} = \frac{\lVert \Delta W \rVert_F}{\lVert U^\top W V \rVert_F}$$
#
# with the first $r$ left and right singular vectors of $\Delta W$ as the columns of $U$ and
# $V$. (The paper writes $U^\top W V^\top$, which holds with the vectors of $V$ as rows.) For
# GPT-3 it found about 20 at $r = 4$. Write `amplification(W, delta, r)`.

# %%
import numpy as np


# %% role="solution"
def amplification(W, delta, r):
    """W, delta: [d, k]; r: the rank of delta -> a number."""
    ### BEGIN SOLUTION
    U, _, Vt = np.linalg.svd(delta, full_matrices=False)
    projected = U[:, :r].T @ W @ Vt[:r].T
    return np.linalg.norm(delta) / np.linalg.norm(projected)
    ### END SOLUTION


# %% [markdown] role="hint"
# `U, sigma, Vt = np.linalg.svd(delta, full_matrices=False)`. The first $r$ columns of
# `U`, the first $r$ rows of `Vt`.

# %% [markdown] role="hint"
# $U^\top W V$ is `[r, r]`: `U[:, :r].T @ W @ Vt[:r].T`.

# %% role="check" points=2
"""rank 1: |ΔW| against uᵀWv"""
W = rng.standard_normal((3, 4)).round(1)
delta = rng.standard_normal((3, 1)).round(1) @ rng.standard_normal(
    (1, 4)
).round(1)
answer = amplification(W, delta, 1)

# %% role="check" points=2
"""rank 2, a square matrix"""
W = rng.standard_normal((4, 4)).round(1)
delta = rng.standard_normal((4, 2)).round(1) @ rng.standard_normal(
    (2, 4)
).round(1)
answer = amplification(W, delta, 2)

# %% role="check" points=2 hidden=true
"""an update that doubles what is there, and others"""
W = rng.standard_normal((5, 6))
delta = rng.standard_normal((5, 3)) @ rng.standard_normal((3, 6))
U, sigma, Vt = np.linalg.svd(W, full_matrices=False)
top = sigma[0] * U[:, :1] @ Vt[:1]
answer = np.array([amplification(W, top, 1), amplification(W, delta, 3)])

# %% role="wrong"
"""W was projected onto its own directions; the question is what W does in those of
ΔW."""


def amplification(W, delta, r):
    U, _, Vt = np.linalg.svd(W, full_matrices=False)
    return np.linalg.norm(delta) / np.linalg.norm(U[:, :r].T @ W @ Vt[:r].T)


# %% role="wrong"
"""It is upside down: ΔW above, W's part below."""


def amplification(W, delta, r):
    U, _, Vt = np.linalg.svd(delta, full_matrices=False)
    return np.linalg.norm(U[:, :r].T @ W @ Vt[:r].T) / np.linalg.norm(delta)


# %% role="wrong"
"""It was divided by the norm of all of W: only its part in ΔW's directions counts."""


def amplification(W, delta, r):
    return np.linalg.norm(delta) / np.linalg.norm(W)


# %% role="wrong"
"""Only the left side was projected: from the right, multiply with V too."""


def amplification(W, delta, r):
    U = np.linalg.svd(delta, full_matrices=False)[0]
    return np.linalg.norm(delta) / np.linalg.norm(U[:, :r].T @ W)


# %% role="proof"
# Table 7's random column: with random U and V, ‖UᵀWV‖ is about ‖W‖·r/d.
W = rng.standard_normal((100, 100))
delta = rng.standard_normal((100, 4)) @ rng.standard_normal((4, 100))
share = np.linalg.norm(delta) / amplification(W, delta, 4) / np.linalg.norm(W)
assert 0.03 < share < 0.05
