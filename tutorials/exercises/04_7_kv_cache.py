# ---
# title: A key-value cache
# topic: generation
# difficulty: 3
# minutes: 20
# ---

# %% [markdown]
# # A key-value cache
#
# Generating, a model reads one token after another. The keys and values of the
# tokens before do not change any more, so they are kept, and each step computes
# only the new token's query, key and value.
#
# Write `step(cache, q, k, v)`: put `k` and `v` at the end of the cache, attend with
# `q` over all of it, and return the result and the **new** cache. The old one stays
# as it was, so that several continuations may start from it (as beam search
# does). An empty cache has no rows.

# %%
import numpy as np


# %% role="solution"
def step(cache, q, k, v):
    """cache: (keys [past, d], values [past, d]); q, k, v: [d]
    -> (o: [d], new cache: (keys [past + 1, d], values [past + 1, d]))."""
    ### BEGIN SOLUTION
    keys = np.concatenate([cache[0], k[None]])
    values = np.concatenate([cache[1], v[None]])
    scores = keys @ q / float(np.sqrt(len(q)))
    e = np.exp(scores - scores.max())
    return e / e.sum() @ values, (keys, values)
    ### END SOLUTION


# %% [markdown] role="hint"
# `np.concatenate([cache[0], k[None]])` is a new array with one row more.

# %% [markdown] role="hint"
# The new token may look at itself: attend after adding its key and value. No mask
# is needed, because nothing in the cache lies in the future.

# %% role="check" points=2
"""the first token"""
q, k, v = rng.standard_normal((3, 2)).round(1)
o, cache = step((np.zeros((0, 2)), np.zeros((0, 2))), q, k, v)
answer = {"o": o, "keys": cache[0], "values": cache[1]}

# %% role="check" points=3
"""the third token"""
keys, values = rng.standard_normal((2, 2, 3)).round(1)
q, k, v = rng.standard_normal((3, 3)).round(1)
o, cache = step((keys, values), q, k, v)
answer = {"keys": cache[0], "values": cache[1], "o": o}

# %% role="check" points=2 hidden=true
"""two continuations of one cache"""
past = tuple(rng.standard_normal((2, 3, 4)))
first, _ = step(past, *rng.standard_normal((3, 4)))
second, cache = step(past, *rng.standard_normal((3, 4)))
answer = {
    "rows in the old cache": len(past[0]),
    "rows in the new": len(cache[0]),
    "second o": second,
}

# %% role="wrong"
"""The new token does not see itself: add its key and value first, then attend."""


def step(cache, q, k, v):
    keys = np.concatenate([cache[0], k[None]])
    values = np.concatenate([cache[1], v[None]])
    if len(cache[0]) == 0:
        return np.zeros_like(q), (keys, values)
    s = cache[0] @ q / float(np.sqrt(len(q)))
    e = np.exp(s - s.max())
    return e / e.sum() @ cache[1], (keys, values)


# %% role="wrong"
"""The new row went to the front: the cache is in the order of the tokens."""


def step(cache, q, k, v):
    keys = np.concatenate([k[None], cache[0]])
    values = np.concatenate([v[None], cache[1]])
    s = keys @ q / float(np.sqrt(len(q)))
    e = np.exp(s - s.max())
    return e / e.sum() @ values, (keys, values)


# %% role="wrong"
"""The cache that came in was given back, without the new token: the next step
would not know of it."""


def step(cache, q, k, v):
    keys = np.concatenate([cache[0], k[None]])
    values = np.concatenate([cache[1], v[None]])
    s = keys @ q / float(np.sqrt(len(q)))
    e = np.exp(s - s.max())
    return e / e.sum() @ values, cache


# %% role="wrong"
"""The scores are not divided by √d."""


def step(cache, q, k, v):
    keys = np.concatenate([cache[0], k[None]])
    values = np.concatenate([cache[1], v[None]])
    s = keys @ q
    e = np.exp(s - s.max())
    return e / e.sum() @ values, (keys, values)


# %% role="wrong"
"""Keys and values are exchanged in the cache: the first is keys."""


def step(cache, q, k, v):
    keys = np.concatenate([cache[0], k[None]])
    values = np.concatenate([cache[1], v[None]])
    s = keys @ q / float(np.sqrt(len(q)))
    e = np.exp(s - s.max())
    return e / e.sum() @ values, (values, keys)


# %% role="proof"
from minilora import Tensor, ops

q, k, v = rng.standard_normal((3, 1, 6, 4))
whole = ops.attention(
    Tensor(q), Tensor(k), Tensor(v), heads=1, causal=True
).data
cache = (np.zeros((0, 4)), np.zeros((0, 4)))
for t in range(6):
    o, cache = step(cache, q[0, t], k[0, t], v[0, t])
    assert np.allclose(o, whole[0, t], rtol=1e-10)
