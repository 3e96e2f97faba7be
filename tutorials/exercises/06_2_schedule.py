# ---
# title: Warm-up and linear decay
# topic: schedules
# difficulty: 1
# minutes: 10
# ---

# %% [markdown]
# # Warm-up and linear decay
#
# The paper's runs raise the learning rate over the first $w$ steps and then lower it
# in a straight line. As a share of the whole rate, step $t = 0, …, T - 1$ gets
#
# $$\frac{t+1}{w+1} \quad\text{if } t < w, \qquad\text{and}\qquad
# 1 - \frac{t-w}{T-w} \quad\text{from there on.}$$
#
# So the first step gets something, step $w$ all of it, and the last one still a
# little. Write `factor(step, steps, warmup)`.

# %%
import numpy as np


# %% role="solution"
def factor(step, steps, warmup):
    """step: from 0; steps: T; warmup: w, fewer than T -> a number in (0, 1]."""
    ### BEGIN SOLUTION
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 1 - (step - warmup) / (steps - warmup)
    ### END SOLUTION


# %% [markdown] role="hint"
# Two cases, one `if`. Try `factor(0, 10, 4)`, `factor(4, 10, 4)` and
# `factor(9, 10, 4)` on paper first: 1/5, 1 and 1/6.

# %% role="check" points=2
"""ten steps, four of warm-up"""
answer = np.array([factor(t, 10, 4) for t in range(10)])

# %% role="check" points=1 hidden=true
"""no warm-up"""
answer = np.array([factor(t, 6, 0) for t in range(6)])

# %% role="check" points=1 hidden=true
"""other lengths"""
w = int(rng.integers(1, 9))
answer = np.array([factor(t, 23, w) for t in range(23)])

# %% role="wrong"
"""The first step gets nothing: count it as one, (t + 1)/(w + 1)."""


def factor(step, steps, warmup):
    if step < warmup:
        return step / warmup
    return 1 - (step - warmup) / (steps - warmup)


# %% role="wrong"
"""The decay is counted from step 0, so the rate jumps down after the warm-up:
count it from w."""


def factor(step, steps, warmup):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 1 - step / steps


# %% role="wrong"
"""The last step gets nothing: the line reaches 0 at step T, which is never taken."""


def factor(step, steps, warmup):
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 1 - (step - warmup) / (steps - 1 - warmup)


# %% role="wrong"
"""The whole rate is reached one step too early: w warm-up steps come before it."""


def factor(step, steps, warmup):
    if step < warmup:
        return (step + 1) / warmup
    return 1 - (step - warmup) / (steps - warmup)


# %% role="proof"
from minilora.train.schedules import Schedule

for t in range(20):
    assert factor(t, 20, 5) == Schedule("linear", warmup=5).factor(t, 20)
