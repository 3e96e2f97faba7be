# ---
# title: One step of AdamW
# topic: optimizers
# difficulty: 2
# minutes: 15
# ---

# %% [markdown]
# # One step of AdamW
#
# $$m \leftarrow \beta_1 m + (1-\beta_1)\,g, \qquad
# v \leftarrow \beta_2 v + (1-\beta_2)\,g^2$$
#
# $$\hat m = \frac{m}{1-\beta_1^t}, \qquad \hat v = \frac{v}{1-\beta_2^t}, \qquad
# \theta \leftarrow \theta - \eta\left(\frac{\hat m}{\sqrt{\hat v}+\varepsilon}
# + \lambda\,\theta\right)$$
#
# $m$ and $v$ start at zero, and the divisions make up for that in the first steps
# ($t$ counts from 1). The decay $\lambda\theta$ stands beside the gradient and is not
# part of it: that is the W in AdamW (Loshchilov & Hutter 2019).
#
# Write `adamw(theta, g, m, v, t, …)`, which gives back new arrays.

# %%
import numpy as np


# %% role="solution"
def adamw(
    theta, g, m, v, t, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0
):
    """theta, g, m, v: arrays of one shape; t: 1 at the first step; lr: η;
    decay: λ -> (new theta, new m, new v)."""
    ### BEGIN SOLUTION
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    corrected_m = m / (1 - beta1**t)
    corrected_v = v / (1 - beta2**t)
    direction = corrected_m / (np.sqrt(corrected_v) + epsilon)
    return theta - lr * (direction + decay * theta), m, v
    ### END SOLUTION


# %% [markdown] role="hint"
# Five lines, in the order of the formulas. Keep m and v (to be returned) apart from
# the corrected ones (used in this step only).

# %% [markdown] role="hint"
# At the first step, without decay, $\hat m = g$ and $\hat v = g^2$, so every
# parameter moves by very nearly $\eta$, whatever the size of its gradient. Does
# yours?

# %% role="check" points=2
"""the first step: every number moves by η"""
theta, g = rng.standard_normal((2, 3)).round(1)
theta, m, v = adamw(theta, g + 0.05, np.zeros(3), np.zeros(3), 1, lr=0.1)
answer = {"m": m, "v": v, "θ": theta}

# %% role="check" points=2
"""a later step, from moments that are there"""
theta, g, m = rng.standard_normal((3, 3)).round(1)
v = rng.uniform(0.5, 1, 3).round(1)
theta, m, v = adamw(theta, g, m, v, 7, lr=0.1)
answer = {"m": m, "v": v, "θ": theta}

# %% role="check" points=2
"""weight decay"""
theta, g, m = rng.standard_normal((3, 3)).round(1)
v = rng.uniform(0.5, 1, 3).round(1)
theta, m, v = adamw(theta, g, m, v, 3, lr=0.1, decay=0.5)
answer = {"m": m, "v": v, "θ": theta}

# %% role="check" points=1 hidden=true
"""tiny gradients, where ε matters, and the arrays that came in"""
theta, g, m, v = rng.standard_normal((4, 5)) * 1e-6
v, old = v * v, theta.copy()
new = adamw(theta, g, m, v, 2, lr=0.1, epsilon=1e-6)
answer = {"θ": new[0], "the old θ is as it was": bool((theta == old).all())}

# %% role="wrong"
"""The bias correction is missing: in the first steps m and v are far too small,
because they start at zero."""


def adamw(
    theta, g, m, v, t, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0
):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return theta - lr * (m / (np.sqrt(v) + epsilon) + decay * theta), m, v


# %% role="wrong"
"""The decay went into the gradient, and so through both moments: that is Adam with
L2, not AdamW. Add λθ beside the direction."""


def adamw(
    theta, g, m, v, t, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0
):
    g = g + decay * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mc, vc = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - lr * mc / (np.sqrt(vc) + epsilon), m, v


# %% role="wrong"
"""The root is missing: the direction is m̂/√v̂, which does not depend on the size of
the gradient."""


def adamw(
    theta, g, m, v, t, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0
):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mc, vc = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - lr * (mc / (vc + epsilon) + decay * theta), m, v


# %% role="wrong"
"""The corrected moments were given back: the next step would correct them a second
time."""


def adamw(
    theta, g, m, v, t, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0
):
    m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    v = (beta2 * v + (1 - beta2) * g * g) / (1 - beta2**t)
    return theta - lr * (m / (np.sqrt(v) + epsilon) + decay * theta), m, v


# %% role="wrong"
"""The decay is not multiplied by the learning rate: θ ← θ − η(… + λθ)."""


def adamw(
    theta, g, m, v, t, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0
):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mc, vc = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - lr * mc / (np.sqrt(vc) + epsilon) - decay * theta, m, v


# %% role="proof"
from minilora import Tensor
from minilora.train.optimizers import AdamW

start = rng.standard_normal((4, 3))
leaf = Tensor(start.copy(), trainable=True)
state = AdamW(learning_rate=0.01, weight_decay=0.1).start([leaf])
theta, m, v = start, np.zeros((4, 3)), np.zeros((4, 3))
for t in range(1, 6):
    g = rng.standard_normal((4, 3))
    state.step([g.copy()])
    theta, m, v = adamw(theta, g, m, v, t, lr=0.01, decay=0.1)
    assert np.allclose(theta, leaf.data, rtol=1e-10)
