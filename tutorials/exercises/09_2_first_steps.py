# ---
# title: What one step does to ΔW
# topic: gradient identities
# difficulty: 3
# minutes: 20
# ---

# %% [markdown]
# # What one step does to ΔW
#
# LoRA moves $A$ and $B$, but what matters is how $\Delta W = sBA$ moves. One step of
# gradient descent takes
#
# $$A' = A - \eta s B^\top G, \qquad B' = B - \eta s G A^\top.$$
#
# Multiply out $sB'A' - sBA$. Two terms are of the first order in $\eta$, and one is of the
# second. Write `change(G, A, B, s, eta)`, which gives the two **separately**, so that
# one sees when the second matters.

# %%
import numpy as np


# %% role="solution"
def change(G, A, B, s, eta):
    """G: [d, k]; A: [r, k]; B: [d, r]; s, eta: numbers
    -> (first-order part: [d, k], second-order part: [d, k]) of sB′A′ − sBA."""
    ### BEGIN SOLUTION
    first = -eta * s**2 * (G @ A.T @ A + B @ B.T @ G)
    second = eta**2 * s**3 * G @ A.T @ B.T @ G
    return first, second
    ### END SOLUTION


# %% [markdown] role="hint"
# $B'A' = BA - \eta s\,(GA^\top A + BB^\top G) + \dots$; one product is left, of the two
# corrections with each other. What is its sign?

# %% [markdown] role="hint"
# The corrections multiply to $\eta^2 s^2\,GA^\top B^\top G$, and one more $s$ stands before
# $B'A'$.

# %% role="check" points=3
"""the two parts"""
G, A, B = (rng.standard_normal(s).round(1) for s in ((2, 3), (1, 3), (2, 1)))
first, second = change(G, A, B, 2.0, 0.5)
answer = {"first order": first, "second order": second}

# %% role="check" points=2
"""their sum is what a step really does"""
G, A, B = (rng.standard_normal(s).round(1) for s in ((3, 3), (2, 3), (3, 2)))
answer = sum(change(G, A, B, 0.5, 0.3))

# %% role="check" points=1 hidden=true
"""the first step, from B = 0"""
G, A = rng.standard_normal((4, 4)), rng.standard_normal((2, 4))
first, second = change(G, A, np.zeros((4, 2)), 3.0, 0.1)
answer = {"first order": first, "second order": second}

# %% role="wrong"
"""One s is missing in the first order: one comes from the gradient, and one stands
before BA."""


def change(G, A, B, s, eta):
    first = -eta * s * (G @ A.T @ A + B @ B.T @ G)
    return first, eta**2 * s**3 * G @ A.T @ B.T @ G


# %% role="wrong"
"""Only B's move is in the first order: A moves too, which gives BBᵀG."""


def change(G, A, B, s, eta):
    first = -eta * s**2 * (G @ A.T @ A)
    return first, eta**2 * s**3 * G @ A.T @ B.T @ G


# %% role="wrong"
"""The second order has the wrong sign: minus times minus is plus."""


def change(G, A, B, s, eta):
    first = -eta * s**2 * (G @ A.T @ A + B @ B.T @ G)
    return first, -(eta**2) * s**3 * G @ A.T @ B.T @ G


# %% role="wrong"
"""ΔW was taken to move by −ηG, as in full fine-tuning; LoRA moves it by what A and B
let through."""


def change(G, A, B, s, eta):
    return -eta * G, 0 * G


# %% role="proof"
G, A, B = (rng.standard_normal(s) for s in ((5, 4), (2, 4), (5, 2)))
s, eta = 0.7, 0.2
after = (B - eta * s * G @ A.T) @ (A - eta * s * B.T @ G)
assert np.allclose(sum(change(G, A, B, s, eta)), s * after - s * B @ A)
# At B = 0 and with AᵀA = I it is full fine-tuning at the rate ηs² (tutorial 09).
Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
first, second = change(G, Q, np.zeros((5, 4)), s, eta)
assert np.allclose(first, -eta * s**2 * G)
assert not second.any()
