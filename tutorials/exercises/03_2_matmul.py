# ---
# title: The pullbacks of a product
# topic: pullbacks
# difficulty: 2
# minutes: 10
# ---

# %% [markdown]
# # The pullbacks of a product
#
# An op gives back its value and one *pullback* for each input: a function that
# takes $g = \partial L/\partial Y$ and returns $\partial L$ by that input, in
# the input's shape.
#
# For $Y = A B$, with $Y_{ij} = \sum_k A_{ik} B_{kj}$: which entries of $Y$ does
# $A_{ik}$ touch, and by what factor? Write `matmul(A, B)` with both pullbacks.

# %%
import numpy as np


# %% role="solution"
def matmul(A, B):
    """A: [n, k]; B: [k, m] -> (Y: [n, m], (pullback of A, pullback of B))."""
    ### BEGIN SOLUTION
    return A @ B, (lambda g: g @ B.T, lambda g: A.T @ g)
    ### END SOLUTION


# %% [markdown] role="hint"
# $A_{ik}$ touches row $i$ of $Y$: $\partial Y_{ij}/\partial A_{ik} = B_{kj}$.
# So $\partial L/\partial A_{ik} = \sum_j g_{ij} B_{kj}$. Which product of two
# matrices is that sum?

# %% [markdown] role="hint"
# Shapes nearly decide it: `g` is `[n, m]`, and `[n, k]` must come out of `g` and
# `B`; `[k, m]` must come out of `A` and `g`.

# %% role="check" points=1
"""the value"""
A, B = (
    rng.standard_normal((2, 3)).round(1),
    rng.standard_normal((3, 2)).round(1),
)
answer = matmul(A, B)[0]

# %% role="check" points=2
"""the pullbacks"""
A, B = (
    rng.standard_normal((2, 3)).round(1),
    rng.standard_normal((3, 4)).round(1),
)
value, (pull_A, pull_B) = matmul(A, B)
g = rng.standard_normal((2, 4)).round(1)
answer = {"∂A": pull_A(g), "∂B": pull_B(g)}

# %% role="check" points=2 hidden=true
"""the pullbacks of square matrices, where a mistake keeps the shape"""
A, B, g = (rng.standard_normal((4, 4)) for _ in range(3))
value, (pull_A, pull_B) = matmul(A, B)
answer = {"∂A": pull_A(g), "∂B": pull_B(g)}

# %% role="wrong"
"""The pullbacks come in the opposite order: the first is the first input's."""


def matmul(A, B):
    return A @ B, (lambda g: A.T @ g, lambda g: g @ B.T)


# %% role="wrong"
"""The transposes are missing: ∂L/∂A sums over the columns of g, which go with
the columns of B."""


def matmul(A, B):
    def pull_A(g):
        return g @ B if B.shape[0] == B.shape[1] else g @ B.T

    def pull_B(g):
        return A @ g if A.shape[0] == A.shape[1] else A.T @ g

    return A @ B, (pull_A, pull_B)


# %% role="wrong"
"""g is missing: these are sums of the other matrix, the gradient only if every
g is 1. A pullback starts from the gradient that it is given."""


def matmul(A, B):
    def pull_A(g):
        return np.ones_like(g) @ B.T

    def pull_B(g):
        return A.T @ np.ones_like(g)

    return A @ B, (pull_A, pull_B)


# %% role="wrong"
"""The value is the product element by element: a matrix product is @."""


def matmul(A, B):
    return A * B.T, (lambda g: g @ B.T, lambda g: A.T @ g)


# %% role="proof"
from minilora.autograd import check_gradients, op
from minilora.autograd.op import REGISTRY

kept = dict(REGISTRY)
error = check_gradients(
    op(check=[(2, 3), (3, 4)])(matmul),
    rng.standard_normal((2, 3)),
    rng.standard_normal((3, 4)),
)
REGISTRY.update(kept)
assert error < 1e-8
