# ---
# title: What training keeps in memory
# topic: memory accounting
# difficulty: 2
# minutes: 10
# ---

# %% [markdown]
# # What training keeps in memory
#
# Beside activations, training keeps: every **weight**, a **gradient** for each
# number that is trained, and for Adam **two moments** for each of them. Frozen
# numbers have neither gradient nor moments, and that is LoRA's saving (section 4.2:
# up to two thirds of the memory where $r \ll d$).
#
# Write `training_bytes(total, trainable, size)`, which gives the bytes of each part.
# `total` counts the numbers of the model **without** what was added to it; with full
# fine-tuning nothing is added and all of it is trained.

# %%
import numpy as np


# %% role="solution"
def training_bytes(total, added, trains_base, size=4):
    """total: numbers in the base model; added: numbers that the method adds, all
    trained; trains_base: whether the base is trained too; size: bytes a number
    -> dict with "weights", "gradients" and "moments", whole numbers of bytes."""
    ### BEGIN SOLUTION
    trainable = added + (total if trains_base else 0)
    return {
        "weights": size * (total + added),
        "gradients": size * trainable,
        "moments": 2 * size * trainable,
    }
    ### END SOLUTION


# %% [markdown] role="hint"
# Count the trained numbers first: those that were added, and the base's if it is
# trained too. Gradients are one number for each of them, moments two.

# %% role="check" points=2
"""full fine-tuning of GPT-2 medium"""
answer = training_bytes(354_823_168, 0, True)

# %% role="check" points=2
"""LoRA on it, r = 4, query and value"""
answer = training_bytes(354_823_168, 393_216, False)

# %% role="check" points=1 hidden=true
"""half precision, and other sizes"""
total, added = (int(n) for n in rng.integers(10**6, 10**9, 2))
answer = training_bytes(total, added, True, size=2)

# %% role="wrong"
"""Gradients and moments were counted for frozen weights too: nobody computes
them."""


def training_bytes(total, added, trains_base, size=4):
    n = total + added
    return {"weights": size * n, "gradients": size * n, "moments": 2 * size * n}


# %% role="wrong"
"""Adam keeps two moments a number, m and v; one was counted."""


def training_bytes(total, added, trains_base, size=4):
    n = added + (total if trains_base else 0)
    return {
        "weights": size * (total + added),
        "gradients": size * n,
        "moments": size * n,
    }


# %% role="wrong"
"""The base's weights are missing where it is frozen: nobody trains them, but every
forward pass needs them."""


def training_bytes(total, added, trains_base, size=4):
    n = added + (total if trains_base else 0)
    return {"weights": size * n, "gradients": size * n, "moments": 2 * size * n}


# %% role="wrong"
"""These are numbers, not bytes: multiply by size."""


def training_bytes(total, added, trains_base, size=4):
    n = added + (total if trains_base else 0)
    return {"weights": total + added, "gradients": n, "moments": 2 * n}


# %% role="proof"
# The paper, section 4.2: Adam's memory falls by up to two thirds. Of weights,
# gradients and two moments, LoRA keeps the weights: a quarter, and a little.
full = sum(training_bytes(175_000_000_000, 0, True).values())
lora = sum(training_bytes(175_000_000_000, 37_748_736, False).values())
assert 0.25 < lora / full < 0.26
