# ---
# title: Tokens and positions become vectors
# topic: arrays and broadcasting
# difficulty: 1
# minutes: 5
# ---

# %% [markdown]
# # Tokens and positions become vectors
#
# A transformer's first act: each token is a number, and the number picks a row
# of a table. To it is added a row of a second table, which the token's *place*
# picks:
#
# $$h_{b,t} = E_{\mathrm{ids}[b,t]} + P_t$$
#
# Write `embed(ids, E, P)` without a loop. The table `P` may be longer than the
# text.

# %%
import numpy as np


# %% role="solution"
def embed(ids, E, P):
    """ids: int [batch, tokens]; E: [vocabulary, width]; P: [context, width]
    -> [batch, tokens, width]."""
    ### BEGIN SOLUTION
    return E[ids] + P[: ids.shape[1]]
    ### END SOLUTION


# %% [markdown] role="hint"
# An array may be indexed with an array of whole numbers: `E[ids]` has the shape
# of `ids`, with a row of `E` in place of each number.

# %% [markdown] role="hint"
# Position `t` gets row `t` of `P`, whatever token stands there. So only the
# first `tokens` rows of `P` are needed, the same ones for every text.

# %% role="check" points=2
"""two texts of three tokens"""
ids = rng.integers(0, 5, (2, 3))
E = rng.standard_normal((5, 2)).round(1)
P = rng.standard_normal((6, 2)).round(1)
answer = embed(ids, E, P)

# %% role="check" points=1 hidden=true
"""as many texts as tokens, the whole context used"""
answer = embed(
    rng.integers(0, 9, (4, 4)),
    rng.standard_normal((9, 5)),
    rng.standard_normal((4, 5)),
)

# %% role="wrong"
"""These are the token's rows alone: the positions are missing."""


def embed(ids, E, P):
    return E[ids]


# %% role="wrong"
"""P was indexed with the tokens. A position is where a token stands, not which
token it is: 0, 1, 2, …"""


def embed(ids, E, P):
    return E[ids] + P[ids % len(P)]


# %% role="wrong"
"""The positions are counted along the batch axis: row b of P was added to all
of text b, but it is token t that gets row t."""


def embed(ids, E, P):
    return E[ids] + P[: len(ids), None]


# %% role="wrong"
"""The last rows of P were taken: a text begins at position 0."""


def embed(ids, E, P):
    return E[ids] + P[len(P) - ids.shape[1] :][::-1]


# %% role="proof"
from minilora import Tensor, ops

ids, E = rng.integers(0, 9, (2, 3)), rng.standard_normal((9, 5))
P = rng.standard_normal((4, 5))
tokens = ops.embedding(Tensor(E), ids=ids)
places = ops.embedding(Tensor(P), ids=np.arange(3))
assert np.array_equal(embed(ids, E, P), (tokens + places).data)
