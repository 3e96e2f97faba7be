# ---
# title: LoRA's forward pass
# topic: LoRA
# difficulty: 1
# minutes: 10
# ---

# %% [markdown]
# # LoRA's forward pass
#
# The weight stays, and a product of two thin matrices is added (section 4.1):
#
# $$h = W_0 x + \frac{\alpha}{r}\,B A x$$
#
# $A$ is $r \times k$ and $B$ is $d \times r$. Write `lora(x, W, A, B, alpha)` for rows
# of inputs. Do not form $BA$: through the rank it is far cheaper. The rank is the
# number of rows of $A$.

# %%
import numpy as np


# %% role="solution"
def lora(x, W, A, B, alpha):
    """x: [..., k]; W: [d, k]; A: [r, k]; B: [d, r]; alpha: a number
    -> [..., d]."""
    ### BEGIN SOLUTION
    return x @ W.T + (alpha / len(A)) * (x @ A.T) @ B.T
    ### END SOLUTION


# %% [markdown] role="hint"
# For rows, $BAx$ becomes `x @ A.T @ B.T`: first down to $r$ numbers, then up.

# %% [markdown] role="hint"
# $r$ is `len(A)`, and the scale is `alpha / len(A)`.

# %% role="check" points=2
"""rank 2, α = 4"""
shapes = ((2, 4), (3, 4), (2, 4), (3, 2))
answer = lora(*(rng.standard_normal(s).round(1) for s in shapes), 4.0)

# %% role="check" points=1
"""B = 0: nothing is changed yet"""
x, W, A = (rng.standard_normal(s).round(1) for s in ((2, 3), (3, 3), (1, 3)))
answer = lora(x, W, A, np.zeros((3, 1)), 1.0)

# %% role="check" points=2 hidden=true
"""square matrices, three axes, float32"""
x, W, A, B = (
    rng.standard_normal(s).astype(np.float32)
    for s in ((2, 3, 4), (4, 4), (4, 4), (4, 4))
)
answer = lora(x, W, A, B, 32.0)

# %% role="wrong"
"""The update is off by exactly α/r: was the scale forgotten?"""


def lora(x, W, A, B, alpha):
    return x @ W.T + x @ A.T @ B.T


# %% role="wrong"
"""The update was scaled by α; it is α divided by the rank, r = len(A)."""


def lora(x, W, A, B, alpha):
    return x @ W.T + alpha * (x @ A.T) @ B.T


# %% role="wrong"
"""W₀x is missing: LoRA adds to what the layer computes."""


def lora(x, W, A, B, alpha):
    return alpha / len(A) * (x @ A.T) @ B.T


# %% role="wrong"
"""The scale fell on W₀x too; it belongs to the update alone."""


def lora(x, W, A, B, alpha):
    return alpha / len(A) * (x @ W.T + (x @ A.T) @ B.T)


# %% role="wrong"
"""The scale divides by the width of A; the rank is the number of its rows."""


def lora(x, W, A, B, alpha):
    return x @ W.T + alpha / A.shape[1] * (x @ A.T) @ B.T


# %% role="proof"
from minilora import Tensor, ops

arrays = [rng.standard_normal(s) for s in ((5, 4), (3, 4), (2, 4), (3, 2))]
x, W, A, B = map(Tensor, arrays)
library = ops.lora_linear(x, W, None, A, B, scale=8.0 / 2).data
assert np.allclose(lora(*arrays, 8.0), library, rtol=1e-12)
