# ---
# title: A bottleneck adapter
# topic: adapter layers
# difficulty: 1
# minutes: 10
# ---

# %% [markdown]
# # A bottleneck adapter
#
# Houlsby's adapter is a small network in series with a layer. It narrows $h$ from $d$
# numbers to $r$, bends it, widens it again, and adds the result to $h$:
#
# $$y = h + W_{\text{up}}\,\sigma(W_{\text{down}} h + b_{\text{down}}) + b_{\text{up}},
# \qquad \sigma(u) = u \cdot \frac{1}{1 + e^{-u}} \quad\text{(swish)}$$
#
# With $W_{\text{up}} = 0$ and $b_{\text{up}} = 0$ it starts by changing nothing. Write
# `bottleneck(h, W_down, b_down, W_up, b_up)`.

# %%
import numpy as np


# %% role="solution"
def bottleneck(h, W_down, b_down, W_up, b_up):
    """h: [..., d]; W_down: [r, d]; b_down: [r]; W_up: [d, r]; b_up: [d]
    -> [..., d]."""
    ### BEGIN SOLUTION
    u = h @ W_down.T + b_down
    return h + (u / (1 + np.exp(-u))) @ W_up.T + b_up
    ### END SOLUTION


# %% [markdown] role="hint"
# Two linear layers, each `x @ W.T + b`, with swish between them, and `h` added at
# the end.

# %% role="check" points=2
"""rows of four numbers through two"""
shapes = ((2, 4), (2, 4), (2,), (4, 2), (4,))
answer = bottleneck(*(rng.standard_normal(s).round(1) for s in shapes))

# %% role="check" points=1
"""at the start it changes nothing"""
h, W_down = rng.standard_normal((2, 4)).round(1), rng.standard_normal((2, 4))
answer = bottleneck(h, W_down, np.zeros(2), np.zeros((4, 2)), np.zeros(4))

# %% role="check" points=1 hidden=true
"""three axes, float32"""
shapes = ((2, 3, 6), (2, 6), (2,), (6, 2), (6,))
answer = bottleneck(
    *(rng.standard_normal(s).astype(np.float32) for s in shapes)
)

# %% role="wrong"
"""h itself is missing: an adapter adds to its input."""


def bottleneck(h, W_down, b_down, W_up, b_up):
    u = h @ W_down.T + b_down
    return (u / (1 + np.exp(-u))) @ W_up.T + b_up


# %% role="wrong"
"""There is no nonlinearity: then the two matrices are one, and it is LoRA, not an
adapter."""


def bottleneck(h, W_down, b_down, W_up, b_up):
    return h + (h @ W_down.T + b_down) @ W_up.T + b_up


# %% role="wrong"
"""This is the sigmoid σ(u); swish is u·σ(u)."""


def bottleneck(h, W_down, b_down, W_up, b_up):
    u = h @ W_down.T + b_down
    return h + (1 / (1 + np.exp(-u))) @ W_up.T + b_up


# %% role="wrong"
"""This is relu, Pfeiffer's choice; Houlsby's adapters take swish, u·σ(u)."""


def bottleneck(h, W_down, b_down, W_up, b_up):
    u = h @ W_down.T + b_down
    return h + np.maximum(u, 0) @ W_up.T + b_up


# %% role="proof"
from minilora import Tensor
from minilora.methods.adapter import Bottleneck

h, W_down, b_down, W_up, b_up = (
    rng.standard_normal(s) for s in ((3, 4), (2, 4), (2,), (4, 2), (4,))
)
library = Bottleneck(W_down)
library.down.bias.data, library.up.bias.data = b_down, b_up
library.up.weight.data = W_up
mine = bottleneck(h, W_down, b_down, W_up, b_up)
assert np.allclose(mine, library(Tensor(h)).data, rtol=1e-10)
