# ---
# title: One vector for a text
# topic: encoders
# difficulty: 1
# minutes: 10
# ---

# %% [markdown]
# # One vector for a text
#
# An encoder gives a vector for each token; a classifier wants one for the text. Many
# sentence encoders take the mean over the tokens, and padding must have no part in it:
#
# $$\bar h_b = \frac{\sum_t \text{mask}_{b,t}\,h_{b,t}}{\sum_t \text{mask}_{b,t}}$$
#
# Write `masked_mean(h, mask)` without a loop. Each text has a token at least.

# %%
import numpy as np


# %% role="solution"
def masked_mean(h, mask):
    """h: [batch, tokens, d]; mask: bool [batch, tokens] -> [batch, d]."""
    ### BEGIN SOLUTION
    weights = mask[:, :, None].astype(h.dtype)
    return (h * weights).sum(axis=1) / weights.sum(axis=1)
    ### END SOLUTION


# %% [markdown] role="hint"
# `mask[:, :, None]` is `[batch, tokens, 1]` and broadcasts over the width.

# %% [markdown] role="hint"
# Divide by the number of real tokens of each text, `[batch, 1]`, not by the length of
# the batch. Whole numbers turn float32 into float64: `.astype(h.dtype)` first.

# %% role="check" points=2
"""two texts, one of them padded"""
h = rng.standard_normal((2, 3, 2)).round(1)
answer = masked_mean(h, np.array([[True, True, True], [True, False, False]]))

# %% role="check" points=1 hidden=true
"""padding that holds large numbers, float32"""
h = rng.standard_normal((4, 5, 3)).astype(np.float32)
mask = np.arange(5) < rng.integers(1, 5, 4)[:, None]
h[~mask] = 1e6
answer = masked_mean(h, mask)

# %% role="wrong"
"""Padding is in the mean: it should count neither above nor below the line."""


def masked_mean(h, mask):
    return h.mean(axis=1)


# %% role="wrong"
"""The sum leaves out padding, but it was divided by the length of the batch: divide by
each text's own number of tokens."""


def masked_mean(h, mask):
    return (h * mask[:, :, None]).sum(axis=1) / h.dtype.type(h.shape[1])


# %% role="wrong"
"""This is the sum over the real tokens: long texts would have longer vectors."""


def masked_mean(h, mask):
    return (h * mask[:, :, None]).sum(axis=1)


# %% role="wrong"
"""This is the first token's vector, as BERT's classifier takes it; here the mean is
wanted."""


def masked_mean(h, mask):
    return h[:, 0].copy()


# %% role="proof"
h = rng.standard_normal((3, 5, 4))
lengths = np.array([5, 2, 1])
mine = masked_mean(h, np.arange(5) < lengths[:, None])
for row, length in enumerate(lengths):
    assert np.allclose(mine[row], h[row, :length].mean(axis=0), rtol=1e-12)
