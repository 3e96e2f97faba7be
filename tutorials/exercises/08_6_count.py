# ---
# title: How much is trained
# topic: parameter counts
# difficulty: 2
# minutes: 15
# ---

# %% [markdown]
# # How much is trained
#
# Closed forms (section 5.1), for a transformer of $L$ layers and width $d$:
#
# - **LoRA** of rank $r$ on $m$ square matrices a layer: each has $A$, $r \times d$, and
#   $B$, $d \times r$.
# - **Houlsby's adapters** of bottleneck $r$: two a layer, each with two matrices and two
#   biases (one of $r$ numbers, one of $d$).
# - **Prefix tuning** (PreLayer) with $l$ positions: $l$ trained activations of $d$
#   numbers in every layer.
#
# Write `counts(L, d, r, m, l)`.

# %%
import numpy as np


# %% role="solution"
def counts(L, d, r, m, l):
    """L: layers; d: width; r: rank and bottleneck; m: matrices a layer that LoRA
    adapts; l: prefix positions -> dict with "lora", "houlsby", "prefix": int."""
    ### BEGIN SOLUTION
    return {
        "lora": L * m * 2 * d * r,
        "houlsby": L * 2 * (2 * d * r + r + d),
        "prefix": L * l * d,
    }
    ### END SOLUTION


# %% [markdown] role="hint"
# LoRA: $A$ and $B$ together have $2dr$ numbers, and there are $mL$ such pairs.

# %% [markdown] role="hint"
# An adapter: down has $rd$ weights and $r$ biases, up has $dr$ weights and $d$ biases.

# %% role="check" points=2
"""GPT-3 175B: L = 96, d = 12,288"""
answer = counts(96, 12288, 1, 2, 8)

# %% role="check" points=2
"""RoBERTa base: L = 12, d = 768"""
answer = counts(12, 768, 8, 2, 16)

# %% role="check" points=1 hidden=true
"""other sizes"""
answer = counts(*(int(n) for n in rng.integers(2, 99, 5)))

# %% role="wrong"
"""LoRA has two matrices for each one it adapts, A and B: one of them was counted."""


def counts(L, d, r, m, l):
    return {
        "lora": L * m * d * r,
        "houlsby": L * 2 * (2 * d * r + r + d),
        "prefix": L * l * d,
    }


# %% role="wrong"
"""The adapters' biases are missing: r numbers below and d above."""


def counts(L, d, r, m, l):
    return {
        "lora": L * m * 2 * d * r,
        "houlsby": L * 2 * 2 * d * r,
        "prefix": L * l * d,
    }


# %% role="wrong"
"""Houlsby puts two adapters into each layer, after the attention and after the MLP;
one was counted."""


def counts(L, d, r, m, l):
    return {
        "lora": L * m * 2 * d * r,
        "houlsby": L * (2 * d * r + r + d),
        "prefix": L * l * d,
    }


# %% role="wrong"
"""The prefix was counted once; PreLayer trains its activations in every layer (only
PreEmbed has them once)."""


def counts(L, d, r, m, l):
    return {
        "lora": L * m * 2 * d * r,
        "houlsby": L * 2 * (2 * d * r + r + d),
        "prefix": l * d,
    }


# %% role="proof"
# The numbers of the paper's tables 2 and 4, and of its closed forms.
assert counts(96, 12288, 1, 2, 8)["lora"] == 4_718_592
assert counts(96, 12288, 1, 2, 8)["houlsby"] == 7_078_080
assert counts(12, 768, 8, 2, 16)["lora"] == 294_912
from minilora import LoRA
from minilora.models.sizes import SIZES

small = SIZES["gpt2"]
mine = counts(small.layers, small.width, 4, 2, 0)["lora"]
assert mine == LoRA(4).trainable(small)
