# ---
# title: Changing α, and nothing else
# topic: LoRA
# difficulty: 2
# minutes: 10
# ---

# %% [markdown]
# # Changing α, and nothing else
#
# The update is $\Delta W = \frac{\alpha}{r} B A$. So α, A and B share one freedom: what α
# gains, A and B can lose. Given an adapter with $\alpha$, find one with another
# $\alpha'$ that computes **the same** $\Delta W$, leaving the balance of $A$ and $B$ as it
# is: both change by the same factor.
#
# (That α acts like a learning rate is this freedom: see tutorial 09.) Write
# `change_alpha(A, B, alpha, new_alpha)`; both are above 0.

# %%
import numpy as np


# %% role="solution"
def change_alpha(A, B, alpha, new_alpha):
    """A: [r, k]; B: [d, r] -> (new A, new B), with
    new_alpha · (new B)(new A) = alpha · BA and equal factors on both."""
    ### BEGIN SOLUTION
    factor = (alpha / new_alpha) ** 0.5
    return factor * A, factor * B
    ### END SOLUTION


# %% [markdown] role="hint"
# With a factor $c$ on both, $BA$ becomes $c^2 BA$. Solve
# $\alpha' c^2 = \alpha$.

# %% role="check" points=2
"""from α = 16 to α = 4"""
A, B = (
    rng.standard_normal((2, 3)).round(1),
    rng.standard_normal((3, 2)).round(1),
)
A2, B2 = change_alpha(A, B, 16.0, 4.0)
answer = {"A": A2, "B": B2}

# %% role="check" points=2
"""the update stays"""
A, B = (
    rng.standard_normal((2, 3)).round(1),
    rng.standard_normal((3, 2)).round(1),
)
A2, B2 = change_alpha(A, B, 3.0, 7.0)
answer = {"7/2 · BA": 7 / 2 * B2 @ A2, "A": A2}

# %% role="check" points=1 hidden=true
"""other numbers"""
a, b = rng.uniform(0.5, 50, 2)
A2, B2 = change_alpha(
    rng.standard_normal((4, 6)), rng.standard_normal((5, 4)), a, b
)
answer = {"A": A2, "B": B2}

# %% role="wrong"
"""The root is missing: with the factor on A and on B, BA changes by its square."""


def change_alpha(A, B, alpha, new_alpha):
    return alpha / new_alpha * A, alpha / new_alpha * B


# %% role="wrong"
"""The factor is upside down: a smaller α needs larger A and B."""


def change_alpha(A, B, alpha, new_alpha):
    c = (new_alpha / alpha) ** 0.5
    return c * A, c * B


# %% role="wrong"
"""The update is the same, but B took all of the factor: A and B should change by the
same one."""


def change_alpha(A, B, alpha, new_alpha):
    return A.copy(), alpha / new_alpha * B


# %% role="wrong"
"""The rank came in: r is the same before and after, and cancels."""


def change_alpha(A, B, alpha, new_alpha):
    c = (alpha / new_alpha / len(A)) ** 0.5
    return c * A, c * B


# %% role="proof"
from minilora.methods.lora import LowRank

A, B = rng.standard_normal((2, 5)), rng.standard_normal((4, 2))
before = LowRank(A, B, scale=16 / 2, dropout=0.0).update()
after = LowRank(*change_alpha(A, B, 16, 3), scale=3 / 2, dropout=0.0).update()
assert np.allclose(before, after, rtol=1e-12)
