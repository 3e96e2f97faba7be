# ---
# title: What a token may look at
# topic: causal mask
# difficulty: 2
# minutes: 10
# ---

# %% [markdown]
# # What a token may look at
#
# A language model predicts the next token, so the token at place $i$ may look at
# places $0 … i$ and not beyond. In a batch, short texts are padded to the length
# of the longest, and nobody may look at padding.
#
# Write `allowed(mask, queries)`: `True` where a query may look at a key. `mask`
# says which keys are real tokens. The queries are the **last** `queries` of the
# places: with a cache there are fewer of them than keys, and the first one already
# has keys before it.

# %%
import numpy as np


# %% role="solution"
def allowed(mask, queries):
    """mask: bool [batch, keys]; queries: at most keys
    -> bool [batch, queries, keys]."""
    ### BEGIN SOLUTION
    keys = mask.shape[1]
    places = np.arange(keys - queries, keys)
    causal = np.arange(keys) <= places[:, None]
    return causal & mask[:, None, :]
    ### END SOLUTION


# %% [markdown] role="hint"
# Query number `q` stands at the place `keys - queries + q`. A key at place `k` is
# allowed when `k` is at most that place.

# %% [markdown] role="hint"
# Compare a row with a column: `np.arange(keys) <= places[:, None]` is
# `[queries, keys]`. `mask[:, None, :]` is `[batch, 1, keys]`, and `&` broadcasts.

# %% role="check" points=2
"""as many queries as keys, no padding"""
answer = allowed(np.ones((1, 4), dtype=bool), 4)

# %% role="check" points=2
"""padding"""
answer = allowed(np.array([[True, True, True], [True, True, False]]), 3)

# %% role="check" points=2 hidden=true
"""fewer queries than keys"""
answer = allowed(rng.random((3, 6)) < 0.7, 2)

# %% role="wrong"
"""The mask is the other way round: True is where a token may look, the past and
itself."""


def allowed(mask, queries):
    keys = mask.shape[1]
    places = np.arange(keys - queries, keys)
    return (np.arange(keys) >= places[:, None]) & mask[:, None, :]


# %% role="wrong"
"""A token may look at itself too: ≤, not <."""


def allowed(mask, queries):
    keys = mask.shape[1]
    places = np.arange(keys - queries, keys)
    return (np.arange(keys) < places[:, None]) & mask[:, None, :]


# %% role="wrong"
"""Padding is still looked at: combine the triangle with mask[:, None, :]."""


def allowed(mask, queries):
    keys = mask.shape[1]
    places = np.arange(keys - queries, keys)
    causal = np.arange(keys) <= places[:, None]
    return np.repeat(causal[None], len(mask), axis=0)


# %% role="wrong"
"""The queries were counted from place 0; they are the last ones, so the first of
them already sees keys − queries keys before it."""


def allowed(mask, queries):
    keys = mask.shape[1]
    causal = np.arange(keys) <= np.arange(queries)[:, None]
    return causal & mask[:, None, :]


# %% role="wrong"
"""Rows of padding were forbidden as queries too. Nobody reads what a padded query
computes; forbid padding as keys alone."""


def allowed(mask, queries):
    keys = mask.shape[1]
    places = np.arange(keys - queries, keys)
    causal = np.arange(keys) <= places[:, None]
    return causal & mask[:, None, :] & mask[:, -queries:, None]


# %% role="proof"
from minilora import Tensor, ops

q, k, v = (rng.standard_normal((2, n, 4)) for n in (3, 5, 5))
mask = np.array([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]], dtype=bool)
options = {"heads": 1, "causal": True, "mask": mask}
library = ops.attention(Tensor(q), Tensor(k), Tensor(v), **options).data
scores = np.where(allowed(mask, 3), q @ k.swapaxes(1, 2) / 2, -np.inf)
P = np.exp(scores - scores.max(axis=-1, keepdims=True))
P /= P.sum(axis=-1, keepdims=True)
assert np.allclose(P @ v, library, rtol=1e-10)
