# ---
# title: How much two subspaces share
# topic: subspace similarity
# difficulty: 3
# minutes: 20
# ---

# %% [markdown]
# # How much two subspaces share
#
# Do two runs, with ranks 8 and 64, find the same directions? The paper (section 7.2, equation
# 4) measures, with $U_A^i$ the first $i$ **right** singular vectors of $A$ as columns,
#
# $$\phi(A, A', i, j) = \frac{\lVert U_A^{i\top}\, U_{A'}^{j} \rVert_F^2}{\min(i, j)}
# \in [0, 1]$$
#
# 1 where the smaller subspace lies within the larger, 0 where they are orthogonal.
# Write `similarity(A1, A2, i, j)`.

# %%
import numpy as np


# %% role="solution"
def similarity(A1, A2, i, j):
    """A1: [r1, k]; A2: [r2, k]; i ≤ r1; j ≤ r2 -> a number in [0, 1]."""
    ### BEGIN SOLUTION
    V1 = np.linalg.svd(A1, full_matrices=False)[2][:i]
    V2 = np.linalg.svd(A2, full_matrices=False)[2][:j]
    return ((V1 @ V2.T) ** 2).sum() / min(i, j)
    ### END SOLUTION


# %% [markdown] role="hint"
# `np.linalg.svd(A, full_matrices=False)[2]` has the right singular vectors as rows, the
# most important first. With vectors as rows, $U^\top U'$ is `V1 @ V2.T`.

# %% [markdown] role="hint"
# The squared Frobenius norm is the sum of all squares.

# %% role="check" points=2
"""two random matrices"""
A1, A2 = (
    rng.standard_normal((2, 5)).round(1),
    rng.standard_normal((3, 5)).round(1),
)
answer = similarity(A1, A2, 1, 2)

# %% role="check" points=2
"""a matrix and itself; and one that is turned and stretched within its rows"""
A = rng.standard_normal((3, 6)).round(1)
answer = np.array(
    [
        similarity(A, A, 2, 2),
        similarity(A, rng.standard_normal((3, 3)) @ A, 3, 3),
    ]
)

# %% role="check" points=2 hidden=true
"""a table of i and j"""
A1, A2 = rng.standard_normal((4, 9)), rng.standard_normal((5, 9))
answer = np.array(
    [[similarity(A1, A2, i, j) for j in (1, 3, 5)] for i in (1, 2, 4)]
)

# %% role="wrong"
"""The norm was not squared."""


def similarity(A1, A2, i, j):
    V1 = np.linalg.svd(A1, full_matrices=False)[2][:i]
    V2 = np.linalg.svd(A2, full_matrices=False)[2][:j]
    return np.linalg.norm(V1 @ V2.T) / min(i, j)


# %% role="wrong"
"""It was divided by max(i, j): then a small subspace within a large one would not count
as 1. min."""


def similarity(A1, A2, i, j):
    V1 = np.linalg.svd(A1, full_matrices=False)[2][:i]
    V2 = np.linalg.svd(A2, full_matrices=False)[2][:j]
    return ((V1 @ V2.T) ** 2).sum() / max(i, j)


# %% role="wrong"
"""The rows of A itself were taken, made as long as 1: they are not orthogonal, nor sorted.
Singular vectors are both."""


def similarity(A1, A2, i, j):
    V1 = A1[:i] / np.linalg.norm(A1[:i], axis=1, keepdims=True)
    V2 = A2[:j] / np.linalg.norm(A2[:j], axis=1, keepdims=True)
    return ((V1 @ V2.T) ** 2).sum() / min(i, j)


# %% role="wrong"
"""All singular vectors were taken, whatever i and j are: only the first i and j count."""


def similarity(A1, A2, i, j):
    V1 = np.linalg.svd(A1, full_matrices=False)[2]
    V2 = np.linalg.svd(A2, full_matrices=False)[2]
    return ((V1 @ V2.T) ** 2).sum() / min(len(V1), len(V2))


# %% role="wrong"
"""The least important singular vectors were taken: they are sorted, the largest first."""


def similarity(A1, A2, i, j):
    V1 = np.linalg.svd(A1, full_matrices=False)[2][-i:]
    V2 = np.linalg.svd(A2, full_matrices=False)[2][-j:]
    return ((V1 @ V2.T) ** 2).sum() / min(i, j)


# %% role="proof"
# Random subspaces of R^k share max(i, j)/k on average.
found = [
    similarity(rng.standard_normal((4, 40)), rng.standard_normal((8, 40)), 4, 8)
    for _ in range(200)
]
assert abs(np.mean(found) - 8 / 40) < 0.02
A = rng.standard_normal((4, 40))
assert np.isclose(similarity(A, np.vstack([A, A]), 4, 4), 1.0)
