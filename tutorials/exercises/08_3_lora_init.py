# ---
# title: Where LoRA starts
# topic: LoRA
# difficulty: 1
# minutes: 10
# ---

# %% [markdown]
# # Where LoRA starts
#
# At the start $\Delta W = BA$ must be zero, so that training begins at the
# pretrained model. The paper takes $A$ random and $B = 0$. The authors' code draws $A$
# from the uniform distribution on $(-1/\sqrt k, 1/\sqrt k)$, where $k$ is the layer's
# input width.
#
# Why not both zero? Then $\partial A = sB^\top G$ and $\partial B = sGA^\top$ are zero
# too, for ever.
#
# Write `start(d, k, r, rng)`, in float32, drawing from `rng` alone.

# %%
import numpy as np


# %% role="solution"
def start(d, k, r, rng):
    """d: outputs; k: inputs; r: rank; rng: a numpy Generator
    -> (A: float32 [r, k], B: float32 [d, r])."""
    ### BEGIN SOLUTION
    bound = 1 / np.sqrt(k)
    A = rng.uniform(-bound, bound, (r, k)).astype(np.float32)
    return A, np.zeros((d, r), dtype=np.float32)
    ### END SOLUTION


# %% [markdown] role="hint"
# `rng.uniform(low, high, shape)` gives float64; `.astype(np.float32)` makes it
# float32. `np.zeros` takes `dtype=`.

# %% role="check" points=1
"""shapes and dtypes"""
A, B = start(3, 5, 2, rng)
answer = {"zeros in place of A": 0 * A, "B": B}

# %% role="check" points=2
"""how A is spread, over many numbers"""
A, B = start(8, 400, 200, rng)
answer = {
    "no |A| is above 1/√k": bool(np.abs(A).max() <= 1 / 20),
    "some come close to it": bool(np.abs(A).max() > 0.049),
    "the standard deviation of A over 1/√(3k)": round(
        float(A.std()) * 1200**0.5, 1
    ),
    "A leans to neither side": bool(abs(A.mean()) < 0.001),
}

# %% role="check" points=1 hidden=true
"""equal generators give equal starts, and two draws from one do not"""
one, two = np.random.default_rng(5), np.random.default_rng(5)
first = start(2, 3, 2, one)[0]
answer = {
    "equal generators": bool((first == start(2, 3, 2, two)[0]).all()),
    "a second draw differs": bool((first != start(2, 3, 2, one)[0]).all()),
}

# %% role="wrong"
"""Both are zero: then neither ever gets a gradient, and nothing is learned."""


def start(d, k, r, rng):
    return np.zeros((r, k), dtype=np.float32), np.zeros(
        (d, r), dtype=np.float32
    )


# %% role="wrong"
"""Both are random: ΔW = BA is not zero then, and the model does not start as the
pretrained one. B = 0."""


def start(d, k, r, rng):
    A, B = rng.uniform(-1, 1, (r, k)), rng.uniform(-1, 1, (d, r))
    return (A / np.sqrt(k)).astype(np.float32), B.astype(np.float32)


# %% role="wrong"
"""The bound is 1/√r; it is 1/√k, of the width that A sums over, so that Ax keeps
the size of x."""


def start(d, k, r, rng):
    bound = 1 / np.sqrt(r)
    A = rng.uniform(-bound, bound, (r, k)).astype(np.float32)
    return A, np.zeros((d, r), dtype=np.float32)


# %% role="wrong"
"""A is normally distributed, as the paper's text has it; here the uniform
distribution of the authors' code is wanted."""


def start(d, k, r, rng):
    A = (rng.standard_normal((r, k)) / np.sqrt(k)).astype(np.float32)
    return A, np.zeros((d, r), dtype=np.float32)


# %% role="wrong"
"""A is in [0, 1/√k): it should lean to neither side."""


def start(d, k, r, rng):
    A = (rng.random((r, k)) / np.sqrt(k)).astype(np.float32)
    return A, np.zeros((d, r), dtype=np.float32)


# %% role="proof"
import minilora
from minilora.nn import Linear, Module


class Model(Module):
    def __init__(self):
        W = np.zeros((300, 400), dtype=np.float32)
        self.query = Linear(W, np.zeros(300, dtype=np.float32))


method = minilora.LoRA(rank=200, targets=("query",))
tuned = minilora.adapt(Model(), method, rng=np.random.default_rng(3))
A, B = start(300, 400, 200, rng)
library_A, library_B = (p.data for p in tuned.parameters.values())
assert A.shape == library_A.shape
assert A.dtype == B.dtype == library_A.dtype
for quantity in (
    np.std,
    np.max,
    np.min,
):  # drawn alike, if not number by number
    assert np.isclose(quantity(A), quantity(library_A), rtol=0.02)
assert np.array_equal(B, library_B)
