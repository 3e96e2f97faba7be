# ---
# title: LoRA's gradients from the full one
# topic: gradient identities
# difficulty: 2
# minutes: 10
# ---

# %% [markdown]
# # LoRA's gradients from the full one
#
# Let $G = \partial L/\partial W$ be the gradient that full fine-tuning would follow, taken at
# $W = W_0 + sBA$. LoRA sees the loss through $W$ alone, so the chain rule gives its
# gradients from $G$, whatever the model and the loss:
#
# $$\frac{\partial L}{\partial A} = s\,B^\top G, \qquad
# \frac{\partial L}{\partial B} = s\,G A^\top$$
#
# Here you go all the way: given data and weights of the loss
# $L = \tfrac12 \lVert x W^\top - y \rVert^2$, write `lora_gradients(x, y, W0, A, B, s)`.

# %%
import numpy as np


# %% role="solution"
def lora_gradients(x, y, W0, A, B, s):
    """x: [n, k]; y: [n, d]; W0: [d, k]; A: [r, k]; B: [d, r]; s: a number
    -> (∂A: [r, k], ∂B: [d, r])."""
    ### BEGIN SOLUTION
    W = W0 + s * B @ A
    G = (x @ W.T - y).T @ x
    return s * B.T @ G, s * G @ A.T
    ### END SOLUTION


# %% [markdown] role="hint"
# First $G$: with $e = xW^\top - y$, $G = e^\top x$, of the shape of $W$. At which $W$?

# %% [markdown] role="hint"
# $G$ is taken where the adapted model stands: `W = W0 + s * B @ A`.

# %% role="check" points=3
"""an adapter in the middle of its training"""
x, y, W0, A, B = (
    rng.standard_normal(s).round(1)
    for s in ((4, 3), (4, 2), (2, 3), (1, 3), (2, 1))
)
dA, dB = lora_gradients(x, y, W0, A, B, 0.5)
answer = {"∂A": dA, "∂B": dB}

# %% role="check" points=1
"""at the start, B = 0"""
x, y, W0, A = (
    rng.standard_normal(s).round(1) for s in ((4, 3), (4, 2), (2, 3), (1, 3))
)
dA, dB = lora_gradients(x, y, W0, A, np.zeros((2, 1)), 2.0)
answer = {"∂A": dA, "∂B": dB}

# %% role="check" points=2 hidden=true
"""square matrices"""
x, y, W0, A, B = rng.standard_normal((5, 4, 4))
dA, dB = lora_gradients(x, y, W0, A, B, 3.0)
answer = {"∂A": dA, "∂B": dB}

# %% role="wrong"
"""G was taken at W₀, where the pretrained model stands; the adapted one stands at
W₀ + sBA."""


def lora_gradients(x, y, W0, A, B, s):
    G = (x @ W0.T - y).T @ x
    return s * B.T @ G, s * G @ A.T


# %% role="wrong"
"""Both gradients are off by exactly the scale: was s forgotten?"""


def lora_gradients(x, y, W0, A, B, s):
    G = (x @ (W0 + s * B @ A).T - y).T @ x
    return B.T @ G, G @ A.T


# %% role="wrong"
"""The order is (∂A, ∂B), in the shapes of A and B."""


def lora_gradients(x, y, W0, A, B, s):
    G = (x @ (W0 + s * B @ A).T - y).T @ x
    return s * G @ A.T, s * B.T @ G


# %% role="wrong"
"""The loss was averaged over the rows; here it is the sum, ½‖xWᵀ − y‖²."""


def lora_gradients(x, y, W0, A, B, s):
    G = (x @ (W0 + s * B @ A).T - y).T @ x / len(x)
    return s * B.T @ G, s * G @ A.T


# %% role="wrong"
"""G is twice too large: the ½ before the square takes away the 2 of its
derivative."""


def lora_gradients(x, y, W0, A, B, s):
    G = 2 * (x @ (W0 + s * B @ A).T - y).T @ x
    return s * B.T @ G, s * G @ A.T


# %% role="proof"
from minilora import Tensor, gradients, ops

x, y, W0, A, B = (
    rng.standard_normal(s) for s in ((5, 4), (5, 3), (3, 4), (2, 4), (3, 2))
)
a, b = Tensor(A, trainable=True), Tensor(B, trainable=True)
e = ops.lora_linear(Tensor(x), Tensor(W0), None, a, b, scale=0.7) - y
due = gradients(ops.sum(e * e) * 0.5, [a, b])
for mine, theirs in zip(lora_gradients(x, y, W0, A, B, 0.7), due, strict=True):
    assert np.allclose(mine, theirs, rtol=1e-10)
