# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # LoRA against full fine-tuning, to the last digit
#
# **You know:** the chain rule for matrices (tutorial 03), LoRA's layer (tutorial 01), adapters (tutorial 07).
#
# **You will know:** what LoRA's gradients and steps are in terms of full fine-tuning's; which of its knobs are the same knob;
# when an adapter *is* LoRA; and which two sentences that are often said of LoRA are wrong, and by how much.
#
# **Minutes:** forty to read; the code runs in half a minute.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 09.

# %%
import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora import Tensor, gradients, ops
from minilora.data import ExampleLoader
from minilora.data.tasks import load_task
from minilora.lab.identities import check_all, low_rank, paths
from minilora.lab.layer_gradients import LayerGradients
from minilora.lab.whole_model import random_batch, random_model
from minilora.nn import Module
from minilora.train import SGD, AdamW

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. Two models, one point
#
# An identity is worth something if its two sides are computed by different programs. Here they are. The first
# is a plain `tiny-gpt` whose weight is $W = W_0 + sBA$; its gradient with respect to $W$ is $G$, the one that full fine-tuning follows.
# The second keeps $W_0$ frozen with $sBA$ beside it, and its gradients are $\partial A$ and $\partial B$. Both see the same
# question of NL2SQL, in double precision.

# %%
place = "blocks.3.attention.value"
task = load_task("nl2sql", seed=0)
plain = minilora.load("tiny-gpt")
loader = ExampleLoader(
    task.train[:100],
    plain.tokenizer,
    rows=1,
    context=plain.config.context,
    seed=0,
)
batch = loader.batch(0)
W0 = plain.get_module(place).weight.data.astype(np.float64)  # [out, in]
d, k = W0.shape


def full(W):
    """G = ∂L/∂W of a model whose weight is W; [out, in] -> the same."""
    model = minilora.load("tiny-gpt").astype(np.float64)
    weight = model.get_module(place).weight
    weight.data = W
    return gradients(model.loss(batch), [weight])[0]


def lora(A, B, s):
    """∂L/∂A and ∂L/∂B with W₀ frozen and s·BA beside it."""
    model = minilora.load("tiny-gpt").astype(np.float64)
    r = len(A)
    tuned = minilora.adapt(model, minilora.LoRA(r, s * r, targets=place))
    own_A, own_B = tuned.parameters.values()
    own_A.data, own_B.data = A, B
    return gradients(tuned.loss(batch), [own_A, own_B])


def relative(x, y):
    """‖x − y‖ / ‖y‖."""
    return np.linalg.norm(x - y) / np.linalg.norm(y)


found = {}  # every identity's error


def note(name, error):
    found[name] = float(error)
    print(f"{name:34} {error:.1e}")


# %% [markdown]
# ## 2. The gradients
#
# The loss sees $A$ and $B$ through $W = W_0 + sBA$ alone. The chain rule gives
#
# $$\partial A = s\,B^\top G, \qquad \partial B = s\,G A^\top .$$
#
# We take an $A$ as LoRA draws it, and a $B$ that is no longer zero, as after some training.

# %%
r, s = 4, 2.0
A = rng.uniform(-1, 1, (r, k)) / np.sqrt(k)
B = 0.02 * rng.standard_normal((d, r))
dA, dB = lora(A, B, s)
G = full(W0 + s * B @ A)

note("∂A = s BᵀG", relative(dA, s * B.T @ G))
note("∂B = s G Aᵀ", relative(dB, s * G @ A.T))

zero = np.zeros((d, r))
dA_start, dB_start = lora(A, zero, s)
G0 = full(W0)
note("∂A = 0 where B = 0", np.linalg.norm(dA_start) / np.linalg.norm(dB_start))

# %% [markdown]
# A wrong factor would show as an error near 1. Errors of $10^{-15}$ are the rounding of sixteen digits.
#
# ## 3. One step
#
# Gradient descent takes $A' = A - \eta\,\partial A$ and $B' = B - \eta\,\partial B$. Multiply out what then stands beside $W_0$:
#
# $$sB'A' = sBA - \eta s^2\,(G A^\top A + B B^\top G) + \eta^2 s^3\, G A^\top B^\top G .$$
#
# Full fine-tuning would have added $-\eta G$. LoRA adds $G$ seen through the rows of $A$ and through the columns of $B$, and a
# term of second order. From $B = 0$ only one term is left, $\Delta W_1 = -\eta s^2\, G A^\top A$.

# %%
eta = 0.1
after = s * (B - eta * dB) @ (A - eta * dA)
first_order = G @ A.T @ A + B @ B.T @ G
stated = (
    s * B @ A - eta * s**2 * first_order + eta**2 * s**3 * G @ A.T @ B.T @ G
)
note("one step", relative(after, stated))

delta_1 = s * (zero - eta * dB_start) @ A
note("first step = −ηs² G AᵀA", relative(delta_1, -eta * s**2 * G0 @ A.T @ A))

# %% [markdown]
# If $r = k$ and $A^\top A = I$, nothing is lost: the first step **is** full fine-tuning's, at the learning rate $\eta s^2$. And
# from any invertible $A$ the whole of $G$ can be read off $\partial B$.

# %%
Q, _ = np.linalg.qr(rng.standard_normal((k, k)))
_, dB_square = lora(Q, np.zeros((d, k)), s)
note(
    "r = k: a full step at ηs²",
    relative(s * -eta * dB_square @ Q, -eta * s**2 * G0),
)
note("r = k: G = ∂B A⁻ᵀ / s", relative(dB_square @ np.linalg.inv(Q).T / s, G0))

# %% [markdown]
# What of a random $A$ with $r$ rows? With independent entries of variance $\sigma^2$ the mean of $A^\top A$ is $r\sigma^2 I$, so on average
#
# $$\mathrm{E}\,\Delta W_1 = -\eta s^2 r \sigma^2 G .$$
#
# With $s = \alpha/r$ it shrinks as $1/r$; with $s = \alpha/\sqrt r$ it does not hang on the rank at all. That is rsLoRA (Kalajdzievski, 2023). How
# long is the step along $G$, over many draws, with each of the two scales?

# %%
ranks = np.array([1, 2, 4, 8, 16, 32, 64])


def along_G(rank, draws=400):
    """⟨G AᵀA, G⟩/‖G‖² for Gaussian A with σ² = 1/k: mean over draws."""
    A = rng.standard_normal((draws, rank, k)) / np.sqrt(k)
    return ((A @ G0.T) ** 2).sum((1, 2)).mean() / (G0**2).sum()


share = np.array([along_G(rank) for rank in ranks])
step = {"s = α/r": share / ranks**2, "s = α/√r": share / ranks}

figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
for name, values in step.items():
    axes.loglog(ranks, values / step["s = α/√r"][-1], "o-", label=name)
axes.set_xticks(ranks, ranks)
axes.set_title("Mean first step along full fine-tuning's, by rank")
axes.set_xlabel("rank r")
axes.set_ylabel("length, beside α/√r at 64")
axes.legend()
plt.show()

# %% [markdown]
# ## 4. The gauge
#
# $(BR)(R^{-1}A) = BA$ for every invertible $R$: infinitely many pairs are the same model. Their *gradients* differ in a known way:
# $\partial A \to R^\top \partial A$ and $\partial B \to \partial B\,R^{-\top}$.
#
# Whenever a loss does not see a change of its parameters, something is conserved while it is followed downhill (Noether). Here it is
# $B^\top B - A A^\top$: at every point $B^\top \partial B = \partial A\, A^\top$, so that gradient flow (gradient descent in infinitely small steps) leaves it as it was. A step of finite size moves it
# by exactly $\eta^2(\partial B^\top \partial B - \partial A\,\partial A^\top)$.

# %%
R = rng.uniform(0.5, 2, r) * np.linalg.qr(rng.standard_normal((r, r)))[0]
dA_gauged, dB_gauged = lora(np.linalg.inv(R) @ A, B @ R, s)
note(
    "gauge: Rᵀ∂A and ∂B R⁻ᵀ",
    max(
        relative(dA_gauged, R.T @ dA),
        relative(dB_gauged, dB @ np.linalg.inv(R).T),
    ),
)

conserved = np.linalg.norm(B.T @ dB - dA @ A.T)
note("Bᵀ∂B = ∂A Aᵀ", conserved / np.linalg.norm(B) / np.linalg.norm(dB))

B1, A1 = B - eta * dB, A - eta * dA
change = (B1.T @ B1 - A1 @ A1.T) - (B.T @ B - A @ A.T)
drift = eta**2 * (dB.T @ dB - dA @ dA.T)
note(
    "drift of BᵀB − AAᵀ",
    np.linalg.norm(change - drift) / np.linalg.norm(A @ A.T),
)

# %% [markdown]
# ## 5. Several steps, and the first identity that must fail
#
# Turn $A$ by an orthogonal $Q$: $QA$ has the same rows' span, and from $B = 0$ both are the same model. Gradient descent cannot
# tell them apart: $BA$ takes the same path. **Adam can.** It divides every entry of a gradient by its own size, and what an entry is depends on the axes that
# $A$ happens to be written in. So the sentence *"only the subspace of $A_0$ matters"* is true of gradient descent and false of Adam.


# %%
def sgd(eta):
    """A rule that gives a step for every gradient."""
    return lambda gs: [-eta * g for g in gs]


def adam(eta, beta1=0.9, beta2=0.999, epsilon=1e-8):
    t, m, v = 0, None, None

    def rule(gs):
        nonlocal t, m, v
        t += 1
        m = m or [np.zeros_like(g) for g in gs]
        v = v or [np.zeros_like(g) for g in gs]
        m = [beta1 * a + (1 - beta1) * g for a, g in zip(m, gs, strict=True)]
        v = [
            beta2 * a + (1 - beta2) * g * g for a, g in zip(v, gs, strict=True)
        ]
        return [
            -eta
            * (a / (1 - beta1**t))
            / (np.sqrt(b / (1 - beta2**t)) + epsilon)
            for a, b in zip(m, v, strict=True)
        ]

    return rule


def path(A, B, s, rule, rule_of_B=None, steps=3):
    """s·BA after some steps from A and B."""
    for _ in range(steps):
        dA, dB = lora(A, B, s)
        if rule_of_B is None:
            move_A, move_B = rule([dA, dB])
        else:  # a rate of its own for B
            (move_A,), (move_B,) = rule([dA]), rule_of_B([dB])
        A, B = A + move_A, B + move_B
    return s * B @ A


turn, _ = np.linalg.qr(rng.standard_normal((r, r)))
sgd_path = path(A, zero, s, sgd(0.1))
note(
    "A₀ → QA₀ under SGD", relative(path(turn @ A, zero, s, sgd(0.1)), sgd_path)
)

adam_path = path(A, zero, s, adam(1e-3))
turned = path(turn @ A, zero, s, adam(1e-3))
note("A₀ → QA₀ under Adam (false)", relative(turned, adam_path))

swap = np.eye(r)[rng.permutation(r)] * rng.choice([-1, 1], r)
note(
    "… but signed permutations keep it",
    relative(path(swap @ A, zero, s, adam(1e-3)), adam_path),
)

# %% [markdown]
# The last line says why: exchanging rows and signs maps entries to entries, and Adam treats every entry alike.
#
# ## 6. Knobs that are one knob
#
# The paper remarks (section 4.1) that tuning $\alpha$ is roughly like tuning the learning rate. Roughly, or exactly? Let $c$ multiply the scale. Training with $c\,s$ from
# $(A, B)$ at $\eta$ gives the same merged weights as training with $s$ from $(\sqrt c A, \sqrt c B)$, at $c\,\eta$ under gradient descent, and at $\sqrt c\,\eta$
# under Adam (with $\varepsilon = 0$ and no decay). So $\alpha$ is a learning rate *and* a size of the start.

# %%
c = 3.0
root = np.sqrt(c)
note(
    "α is a rate and a start, SGD",
    relative(
        path(root * A, root * B, s, sgd(0.05 * c)),
        path(A, B, c * s, sgd(0.05)),
    ),
)
note(
    "α is a rate and a start, Adam",
    relative(
        path(root * A, root * B, s, adam(1e-3 * root, epsilon=0)),
        path(A, B, c * s, adam(1e-3, epsilon=0)),
    ),
)

# %% [markdown]
# LoRA+ (Hayou et al., 2024) gives $B$ a rate $\lambda$ times as large as $A$'s. It is a change of the *start*: equal rates
# $\sqrt\lambda\,\eta$ from $(\kappa A, B/\kappa)$, with $\kappa = \sqrt\lambda$ under Adam and $\lambda^{1/4}$ under gradient descent, go the same way.

# %%
ratio = 16.0
kappa = ratio**0.25
note(
    "LoRA+ is another start, SGD",
    relative(
        path(kappa * A, B / kappa, s, sgd(0.02 * np.sqrt(ratio))),
        path(A, B, s, sgd(0.02), sgd(0.02 * ratio)),
    ),
)
kappa = ratio**0.5
note(
    "LoRA+ is another start, Adam",
    relative(
        path(kappa * A, B / kappa, s, adam(4e-4 * kappa, epsilon=0)),
        path(A, B, s, adam(4e-4, epsilon=0), adam(4e-4 * ratio, epsilon=0)),
    ),
)

# %% [markdown]
# ## 7. The second identity that must fail
#
# The matrices of rank $r$ form a curved surface. The best direction along it is the projection of $G$ on its tangent space at $BA$, which for
# orthonormal factors ($P_A = A^\top A$, $P_B = BB^\top$) is
#
# $$P_B G + G P_A - P_B G P_A .$$
#
# LoRA moves along $P_B G + G P_A$. It counts twice what lies in both the rows of $A$ and the columns of $B$, so *"LoRA is projected gradient descent"* is wrong even
# with orthonormal factors, by just the **cross term** $P_B G P_A$. (Without orthonormal rows $G A^\top A$ is no projection at all.)

# %%
A_even = np.linalg.qr(rng.standard_normal((k, r)))[0].T  # orthonormal rows
B_even = np.linalg.qr(rng.standard_normal((d, r)))[0]  # and columns
dA_even, dB_even = lora(A_even, B_even, 1.0)
G_even = full(W0 + B_even @ A_even)
P_A, P_B = A_even.T @ A_even, B_even @ B_even.T

direction = dB_even @ A_even + B_even @ dA_even  # s = 1
cross = P_B @ G_even @ P_A
tangent = P_B @ G_even + G_even @ P_A - cross
note("LoRA is the projection (false)", relative(direction, tangent))
note("… with the cross term added", relative(direction, tangent + cross))

once = G0 @ P_A
note("orthonormal rows project", relative(once @ P_A, once))
drawn = G0 @ A.T @ A
note("any rows project (false)", relative(drawn @ A.T @ A, drawn))

# %% [markdown]
# Which start, then, takes the most of $G$ along? LoRA-GA (Wang et al., 2024) takes $A$ from the right singular vectors $1 \ldots r$ of $G$ and $B$ from the left ones
# $r+1 \ldots 2r$, so that nothing is counted twice. The direction is the best approximation of $G$ of rank $2r$ there is. (So that the model does not change, the
# weight underneath becomes $W_0 - sBA$.)

# %%
U, sigma, Vt = np.linalg.svd(G0)
A_best, B_best = Vt[:r], U[:, r : 2 * r]
model = minilora.load("tiny-gpt").astype(np.float64)
model.get_module(place).weight.data = W0 - B_best @ A_best
tuned = minilora.adapt(model, minilora.LoRA(r, r, targets=place))  # s = 1
own_A, own_B = tuned.parameters.values()
own_A.data, own_B.data = A_best, B_best
dA_best, dB_best = gradients(tuned.loss(batch), [own_A, own_B])
direction = dB_best @ A_best + B_best @ dA_best
best = (U[:, : 2 * r] * sigma[: 2 * r]) @ Vt[: 2 * r]
note("LoRA-GA: best rank 2r", relative(direction, best))

share_best = np.linalg.norm(best) ** 2 / np.linalg.norm(G0) ** 2
print(f"it holds {share_best:.0%} of ‖G‖², with {2 * r} of {k} directions")

# %% [markdown]
# ## 8. What stays
#
# Four small facts. $A = B = 0$ is a **fixed point**: nothing would ever move, which is why only one of the two starts at zero.
# The rank of $\Delta W$ is at most $r$, whatever the optimizer. $A$ moves only within what the layer has *seen*: $\partial A = sB^\top G$ and $G = \sum \delta x^\top$, so that
# rows of $A_t - A_0$ are combinations of inputs. (Again only under gradient descent.) And weight decay on $A$ and $B$ pulls the weight back to
# $W_0$, **not** to zero.

# %%
nothing = lora(0 * A, zero, s)
note("A = B = 0 is a fixed point", sum(np.linalg.norm(g) for g in nothing))

spectrum = np.linalg.svd(adam_path, compute_uv=False)
note("rank ΔW ≤ r", spectrum[r] / spectrum[0])


class Listener(Module):
    """A layer that keeps its inputs."""

    def __init__(self, base):
        self.base, self.heard = base, []

    def __call__(self, x, rng=None):
        self.heard.append(x.data.reshape(-1, x.shape[-1]))
        return self.base(x, rng)


listening = minilora.load("tiny-gpt").astype(np.float64)
listener = Listener(listening.get_module(place))
listening.set_module(place, listener)
listening.loss(batch)
heard = listener.heard[0]  # [tokens, in]: fewer than the layer is wide
inputs, _ = np.linalg.qr(heard.T)  # [in, tokens]
tuned = minilora.adapt(
    minilora.load("tiny-gpt").astype(np.float64),
    minilora.LoRA(r, s * r, targets=place),
)
own_A, own_B = tuned.parameters.values()
own_A.data, own_B.data = A, B
(moved,) = gradients(tuned.loss(batch), [own_A])
print(f"{len(heard)} inputs, {k} wide:")
note("∂A in the span of the inputs", relative(moved @ inputs @ inputs.T, moved))
sign = np.sign(moved)  # Adam's first step
note("… Adam's step too (false)", relative(sign @ inputs @ inputs.T, sign))

A_t, B_t = Tensor(A.copy(), trainable=True), Tensor(B.copy(), trainable=True)
state = AdamW(0.1, weight_decay=0.5).start([A_t, B_t])  # ηλ = 0.05
for _ in range(5):
    state.step([0 * A, 0 * B])  # no gradient: nothing but decay
note(
    "decay: ΔW → (1 − ηλ)²ⁿ ΔW",
    relative(B_t.data @ A_t.data, 0.95**10 * B @ A),
)

# %% [markdown]
# ## 9. Adapters
#
# A bottleneck adapter is $h + U\sigma(Dh + b)$. With $\delta = \partial L/\partial\text{output}$, and everything a column,
#
# $$\partial D = (\sigma' \odot U^\top\delta)\,h^\top, \qquad \partial h = \delta + D^\top(\sigma' \odot U^\top\delta) .$$
#
# The tape against this line, with $\sigma = \tanh$, rows for columns as ever:

# %%
h, delta = rng.standard_normal((2, 30, 16))  # [tokens, width]
D, b, U = (rng.standard_normal(shape) for shape in ((3, 16), 3, (16, 3)))
h_t, D_t, b_t, U_t = (Tensor(x, trainable=True) for x in (h, D, b, U))
out = h_t + ops.linear(ops.tanh(ops.linear(h_t, D_t, b_t)), U_t, None)
by_tape = gradients((out * delta).sum(), [D_t, h_t])

slope = 1 - np.tanh(h @ D.T + b) ** 2
through = slope * (delta @ U)  # σ′ ⊙ Uᵀδ, [tokens, r]
note("adapter: ∂D", relative(by_tape[0], through.T @ h))
note("adapter: ∂h", relative(by_tape[1], delta + through @ D))

# %% [markdown]
# What is left of an adapter without its nonlinearity? $(I + UD)W = W + U(DW)$: **LoRA**, with $B = U$ and $A = DW$. Hung behind the layer, in series; and
# yet the same model, with $\partial U = \partial B$ and $\partial D = \partial A\, W^\top$. (The layer's bias has to be added after the adapter.)


# %%
class LinearAdapter(Module):
    """(I + UD) W x + bias."""

    def __init__(self, base, U, D):
        self.base = base
        self.U, self.D = (Tensor(x, trainable=True) for x in (U, D))

    def __call__(self, x, rng=None):
        h = ops.linear(x, self.base.weight, None)
        adapted = h + ops.linear(ops.linear(h, self.D, None), self.U, None)
        return adapted + self.base.bias


U = 0.1 * rng.standard_normal((d, r))
D = rng.standard_normal((r, d)) / np.sqrt(d)
model = minilora.load("tiny-gpt").astype(np.float64)
adapter = LinearAdapter(model.get_module(place), U, D)
model.set_module(place, adapter)
dU, dD = gradients(model.loss(batch), [adapter.U, adapter.D])
dA_as, dB_as = lora(D @ W0, U, 1.0)
note("linear adapter: ∂U = ∂B", relative(dU, dB_as))
note("linear adapter: ∂D = ∂A Wᵀ", relative(dD, dA_as @ W0.T))

# %% [markdown]
# A **prefix** is a third thing. Attention over prefix and text is a mixture of two attentions, $(1-\lambda)\,\text{Attn} + \lambda\,\text{Attn}_P$, where
# $\lambda$ is the share of the weights that falls on the prefix (He et al., 2022):


# %%
def attend(q, K, V):
    """-> the output, and Σ exp(scores), with the scores as they are."""
    weights = np.exp(q @ K.T / np.sqrt(q.shape[-1]))
    total = weights.sum(-1, keepdims=True)
    return weights @ V / total, total


q, K, V = rng.standard_normal((3, 20, 8))
P_k, P_v = rng.standard_normal((2, 5, 8))
text, text_mass = attend(q, K, V)
prefix, prefix_mass = attend(q, P_k, P_v)
lam = prefix_mass / (prefix_mass + text_mass)
together, _ = attend(q, np.vstack([P_k, K]), np.vstack([P_v, V]))
note(
    "a prefix mixes two attentions",
    relative(together, (1 - lam) * text + lam * prefix),
)

# %% [markdown]
# ## 10. Later methods
#
# Each later method writes $W'$ in its own numbers $\theta$. All of their gradients are the chain rule through $W'(\theta)$, which the tape does for us if we
# hand it $\langle G, W'(\theta)\rangle$ with $G$ held fixed.
#
# **DoRA** (Liu et al., 2024): $W' = m \cdot V'/\lVert V'\rVert$ row by row. Turning a row is left to $V'$ and stretching to $m$, so the gradient of $V'$ has
# no part along $V'$. **VeRA** (Kopiczko et al., 2023): $\Delta W = \mathrm{diag}(b)\,B\,\mathrm{diag}(d)\,A$, with only $b$ and $d$ trained. **AdaLoRA** (Zhang et al.,
# 2023): $\Delta W = P \Lambda Q$ with a diagonal $\Lambda$.

# %%
V = Tensor(W0 + s * B @ A, trainable=True)
m = np.linalg.norm(W0, axis=1, keepdims=True)
length = ops.sqrt((V * V).sum(axis=1, keepdims=True))
(dV,) = gradients((V / length * m * G).sum(), [V])
radial = np.abs((dV * V.data).sum(1)).max()
sizes = np.linalg.norm(dV, axis=1) * np.linalg.norm(V.data, axis=1)
note("DoRA: ⟨∂V, V⟩ = 0 in each row", radial / sizes.max())

b, diagonal = rng.standard_normal(d), rng.standard_normal(r)
b_t = Tensor(b[:, None], trainable=True)
d_t = Tensor(diagonal[:, None], trainable=True)
update = b_t * (Tensor(B) @ (d_t * A))
db, dd = gradients((update * G).sum(), [b_t, d_t])
note("VeRA: ∂b", relative(db[:, 0], (G * (B * diagonal @ A)).sum(1)))
note("VeRA: ∂d", relative(dd[:, 0], np.diag(B.T @ np.diag(b) @ G @ A.T)))

(dLambda,) = gradients((Tensor(B) @ (d_t * A) * G).sum(), [d_t])
note("AdaLoRA: ∂Λ", relative(dLambda[:, 0], np.diag(B.T @ G @ A.T)))

# %% [markdown]
# **PiSSA** (Meng et al., 2024) takes $A$ and $B$ from the top of $W$ itself and freezes the rest, whose squared norm is that of the singular values left over.
# **Dropout** on LoRA's input keeps the output's mean; a mean over $n$ draws is off by its standard error, so we measure in units of that. And **merging**: the
# two ways of adding agree to rounding, but adding and subtracting in float32 is not nothing.

# %%
U, sigma, Vt = np.linalg.svd(W0)
top_B = U[:, :r] * np.sqrt(sigma[:r] / s)
top_A = np.sqrt(sigma[:r] / s)[:, None] * Vt[:r]
rest = W0 - s * top_B @ top_A
note(
    "PiSSA: ‖W_res‖² = Σ_{i>r} σᵢ²",
    relative((rest**2).sum(), (sigma[r:] ** 2).sum()),
)

x = rng.standard_normal(k)
keep = (rng.random((2000, k)) < 0.7) / 0.7  # [draws, in]
outputs = s * ((keep * x) @ A.T) @ B.T
error_of_mean = np.linalg.norm(outputs.std(0)) / np.sqrt(len(outputs))
off = np.linalg.norm(outputs.mean(0) - s * x @ A.T @ B.T)
print(f"dropout: the mean is off by {off / error_of_mean:.1f} standard errors")

beside, merged = x @ W0.T + s * (x @ A.T) @ B.T, x @ (W0 + s * B @ A).T
note("merged = beside", relative(merged, beside))

W, change = W0.astype(np.float32), (s * B @ A).astype(np.float32)
for _ in range(100):
    W += change
    W -= change
before = W0.astype(np.float32)
changed = (before != W).mean()
note("+= ΔW; −= ΔW is nothing (false)", changed)

# %% [markdown]
# ## 11. Yours and the library's
#
# `minilora gradcheck` runs the library's own versions, on every adapted layer of a model. They are the same statements. Handed *your* arrays, the
# functions of `minilora.lab.identities` must find what you found; and its paths, which train a whole adapted model, must arrive where yours did:

# %%
at = LayerGradients(A, B, s, dA, dB, G)
even = LayerGradients(A_even, B_even, 1.0, dA_even, dB_even, G_even)
library = {
    "∂A = s BᵀG": low_rank.gradient_of_A(at),
    "∂B = s G Aᵀ": low_rank.gradient_of_B(at),
    "one step": low_rank.one_step(at),
    "Bᵀ∂B = ∂A Aᵀ": low_rank.balance(at),
    "LoRA is the projection (false)": low_rank.tangent_projection(even),
}
for name, error in library.items():
    print(f"{name:34} {found[name]:.1e}  the library: {error:.1e}")

method = minilora.LoRA(r, s * r, targets=place)
start = {place: (A, zero)}
rules = {"SGD": (SGD(0.1), sgd_path)}
rules["Adam"] = (AdamW(1e-3, weight_decay=0.0), adam_path)
path_errors = {}
for name, (optimizer, mine) in rules.items():
    theirs = paths.merged_after(plain, batch, method, start, optimizer)[place]
    path_errors[name] = relative(theirs, mine)
    print(f"three steps of {name}: relative {path_errors[name]:.1e}")

# %% [markdown]
# And all of the library's findings, on a small random transformer; those that say what is wrong must be found out:

# %%
small = random_model(np.random.default_rng(0))
findings = check_all(small, random_batch(small, np.random.default_rng(1)))
hold = [finding for finding in findings if finding.holds]
fail = [finding for finding in findings if not finding.holds]
print(f"{len(hold)} identities hold, {len(fail)} wrong ones were found out:")
for finding in fail:
    print(f"  {finding.statement}: off by {finding.error:.2f}")

# %% [markdown]
# Here are yours. There is nothing between $10^{-12}$ and $10^{-3}$: an identity holds, or it doesn't.

# %%
false = {name: error for name, error in found.items() if "(false)" in name}
true = {name: error for name, error in found.items() if name not in false}
shown = {**true, **false}
figure, axes = plt.subplots(figsize=(7.5, 8.5), layout="constrained")
axes.barh(
    list(shown)[::-1],
    [max(error, 1e-17) for error in shown.values()][::-1],
    color=["C3"] * len(false) + ["C0"] * len(true),
)
axes.set_xscale("log")
axes.set_xlim(1e-18, 10)
axes.margins(y=0.01)
axes.axvline(1e-12, color="gray", linestyle=":")
axes.set_title("Relative error of every identity; red ones are false")
axes.set_xlabel("relative error (10⁻¹⁷ stands for zero)")
plt.show()

# %% [markdown]
# ## What was claimed, checked

# %%
assert len(true) >= 30
assert max(true.values()) < 1e-9  # what holds, holds
assert min(false.values()) > 1e-2  # and what doesn't is seen not to
assert found["A₀ → QA₀ under SGD"] < 1e-12  # gradient descent is blind
assert found["A₀ → QA₀ under Adam (false)"] > 0.05  # Adam sees axes
assert found["… with the cross term added"] < 1e-12
assert np.all(dA_start == 0)  # at the start only B learns
# a step of α/√r does not hang on the rank, one of α/r does
assert abs(step["s = α/√r"][-1] / step["s = α/√r"][2] - 1) < 0.3
assert step["s = α/r"][-1] < 0.1 * step["s = α/r"][2]
for name, error in library.items():  # your checks are the library's
    assert abs(found[name] - error) < 1e-12
assert max(path_errors.values()) < 1e-9
assert all(finding.passed for finding in findings)
print("all of it holds")
