# ---
# title: One budget, several ranks
# topic: parameter counts
# difficulty: 1
# minutes: 10
# ---

# %% [markdown]
# # One budget, several ranks
#
# The paper's Table 5 asks which matrices to adapt with 18 million parameters: one of them
# with rank 8, two with rank 4, or four with rank 2? A LoRA of rank $r$ on $m$ square
# matrices in each of $L$ layers trains $2\,m\,L\,d\,r$ numbers.
#
# Write `rank_for(budget, d, L, m)`, the largest whole rank that stays within the budget;
# 0 where not even rank 1 does.

# %%
import numpy as np


# %% role="solution"
def rank_for(budget, d, L, m):
    """budget: numbers to train; d: width; L: layers; m: matrices a layer
    -> int, at most d."""
    ### BEGIN SOLUTION
    return min(d, budget // (2 * m * L * d))
    ### END SOLUTION


# %% [markdown] role="hint"
# Solve $2\,m\,L\,d\,r \le$ budget for $r$, and round down: `//`. A rank above $d$ makes no
# sense.

# %% role="check" points=2
"""Table 5: GPT-3 with 18,874,368 numbers and 1, 2 or 4 matrices"""
answer = np.array([rank_for(18_874_368, 12288, 96, m) for m in (1, 2, 4)])

# %% role="check" points=1 hidden=true
"""budgets that do not come out even, too small ones, and too large ones"""
budgets = [500, 1023, *rng.integers(1024, 60_000, 3).tolist(), 10**6]
answer = np.array([rank_for(budget, 64, 4, 2) for budget in budgets])

# %% role="wrong"
"""A and B were counted as one matrix: there are two, of d·r numbers each."""


def rank_for(budget, d, L, m):
    return min(d, budget // (m * L * d))


# %% role="wrong"
"""The layers are missing: every layer has its own A and B."""


def rank_for(budget, d, L, m):
    return min(d, budget // (2 * m * d))


# %% role="wrong"
"""It was rounded up or to the nearest: within the budget means rounding down."""


def rank_for(budget, d, L, m):
    return min(d, round(budget / (2 * m * L * d)))


# %% role="wrong"
"""A rank cannot be above d: a d × d matrix has no more."""


def rank_for(budget, d, L, m):
    return budget // (2 * m * L * d)


# %% role="proof"
assert [rank_for(18_874_368, 12288, 96, m) for m in (1, 2, 4)] == [8, 4, 2]
