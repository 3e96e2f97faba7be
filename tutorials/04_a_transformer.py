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
# # A transformer from primitives, then fused
#
# **You know:** arrays (tutorial 02), pullbacks and the tape (tutorial 03).
#
# **You will know:** what happens to a token on its way through GPT-2, how attention, layer norm and the
# loss are put together from sums, products and exponentials, how their gradients look when they are derived on paper, and
# why doing so halves time and memory.
#
# **Minutes:** forty to read; the code runs in half a minute.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 04.

# %%
import time
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora import Tensor, gradients, ops
from minilora.data import Batch
from minilora.ops import (
    add,
    divide,
    exp,
    getitem,
    log,
    matmul,
    mean,
    multiply,
    reshape,
    sqrt,
    subtract,
    tanh,
    transpose,
)

rng = np.random.default_rng(0)

# %% [markdown]
# The names imported last are **primitives**: one array function and its pullbacks each. From them we now build everything that GPT-2 needs.
#
# ## 1. Layer norm
#
# Each token's vector is brought to mean 0 and variance 1, then stretched by a learned gain $\gamma$ and shifted by a learned bias $\beta$ (Ba et al., 2016):
#
# $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad y = \gamma \odot \hat x + \beta$$


# %%
def layer_norm(x, gain, bias, epsilon=1e-5):
    """x: [..., width] -> the same."""
    centred = subtract(x, mean(x, axis=-1, keepdims=True))
    variance = mean(multiply(centred, centred), axis=-1, keepdims=True)
    normal = divide(centred, sqrt(add(variance, epsilon)))
    return add(multiply(normal, gain), bias)


# %% [markdown]
# Six primitives, and the tape derives the backward pass. On paper it is one line. With $g = \partial L/\partial y$ and $h = g \odot \gamma$, and means over the width:
#
# $$\frac{\partial L}{\partial x} = \frac{1}{\sqrt{\sigma^2+\varepsilon}}\Bigl(h - \operatorname{mean}(h) - \hat x \cdot \operatorname{mean}(h \odot \hat x)\Bigr)$$
#
# The two means are what comes back through $\mu$ and through $\sigma$: moving all of $x$ by the same amount, or stretching it, changes nothing
# in $\hat x$, so the gradient has no part in these two directions. Check that, and the formula:

# %%
width = 6
arrays = [rng.standard_normal(s) for s in ((4, width), (width,), (width,))]
g = rng.standard_normal((4, width))  # ∂L/∂y, from what comes after

x, gain, bias = (Tensor(a, trainable=True) for a in arrays)
loss = multiply(layer_norm(x, gain, bias), g).sum()
by_tape, _, _ = gradients(loss, [x, gain, bias])

centred = arrays[0] - arrays[0].mean(-1, keepdims=True)
inverse = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
normal = centred * inverse
h = g * arrays[1]
on_paper = inverse * (
    h
    - h.mean(-1, keepdims=True)
    - normal * (h * normal).mean(-1, keepdims=True)
)
norm_error = np.abs(by_tape - on_paper).max()
along_ones = np.abs(by_tape.sum(-1)).max()
print(f"tape against paper: {norm_error:.1e}")
print(f"its part along (1, 1, …, 1): {along_ones:.1e}")

# %% [markdown]
# The formula needs $\hat x$ and one number a row. The tape of primitives has kept half a dozen arrays of the size of $x$ for the same answer.
# An op whose backward pass was derived on paper is called **fused**. The library has both: `minilora/ops/normalize.py`, and the
# composed twin in `minilora/ops/reference.py`, which a test holds it to.
#
# ## 2. Attention
#
# Every token asks a question, a *query* $q_i$. Every token offers a *key* $k_j$ and a *value* $v_j$. How well a key answers a query decides how
# much of the value is taken:
#
# $$\text{out}_i = \sum_{j \le i} p_{ij} v_j, \qquad p_{i\cdot} = \operatorname{softmax}\Bigl(\frac{q_i \cdot k_j}{\sqrt d}\Bigr)_{j \le i}$$
#
# Only $j \le i$: a model that predicts the next token must not see it. Forbidden scores get $-10^9$ added, and $e^{-10^9}$ is zero. The width is
# cut into *heads*, each of which does this by itself; $d$ is the width of one head.


# %%
def softmax(x):
    largest = x.data.max(axis=-1, keepdims=True)  # changes nothing on paper
    e = exp(subtract(x, largest))
    return divide(e, e.sum(axis=-1, keepdims=True))


def split(x, heads):
    """[rows, tokens, width] -> [rows, heads, tokens, width / heads]."""
    rows, tokens, _ = x.shape
    return transpose(
        reshape(x, shape=(rows, tokens, heads, -1)), axes=(0, 2, 1, 3)
    )


def attention(q, k, v, heads):
    """q, k, v: [rows, tokens, width] -> [rows, tokens, width]."""
    q, k, v = (split(x, heads) for x in (q, k, v))
    rows, _, tokens, size = q.shape
    scores = matmul(q, transpose(k, axes=(0, 1, 3, 2)))  # [rows, heads, i, j]
    hide = np.triu(np.full((tokens, tokens), -1e9, dtype=q.dtype), k=1)
    p = softmax(add(multiply(scores, size**-0.5), hide))
    out = transpose(matmul(p, v), axes=(0, 2, 1, 3))  # back to tokens first
    return reshape(out, shape=(rows, tokens, -1))


# %% [markdown]
# The backward pass on paper. Through $O = PV$ as through any product: $\bar V = P^\top \bar O$ and $\bar P = \bar O V^\top$. Through the softmax
# of a row, whose derivative is $\partial p_j / \partial s_l = p_j(\delta_{jl} - p_l)$:
#
# $$\bar s_j = p_j\Bigl(\bar p_j - \sum_l \bar p_l\, p_l\Bigr)$$
#
# and then through $S = QK^\top/\sqrt d$: $\bar Q = \bar S K/\sqrt d$ and $\bar K = \bar S^\top Q/\sqrt d$. So $P$ is all one has to keep. The library
# goes on from here: $P$ is as large as the *square* of the number of tokens, so for long texts it keeps nothing but one number a row and computes
# blocks of $P$ again. Equal they are all the same:

# %%
shape = (2, 12, 16)
start = [rng.standard_normal(shape) for _ in range(3)]
g = rng.standard_normal(shape)


def with_gradients(function):
    """The value, and the gradients of Σ g·value."""
    tensors = [Tensor(a, trainable=True) for a in start]
    out = function(*tensors)
    return [out.data, *gradients(multiply(out, g).sum(), tensors)]


composed = with_gradients(lambda q, k, v: attention(q, k, v, heads=4))
fused = with_gradients(
    lambda q, k, v: ops.attention(q, k, v, heads=4, causal=True)
)
attention_errors = [
    np.abs(a - b).max() for a, b in zip(composed, fused, strict=True)
]
print("value, ∂q, ∂k, ∂v:", ", ".join(f"{e:.0e}" for e in attention_errors))

# %% [markdown]
# Does it really not look ahead? Change the last token, and see which outputs move:

# %%
changed = [a.copy() for a in start]
for a in changed:
    a[:, -1] += 1.0
before, after = (
    attention(*(Tensor(a) for a in arrays), heads=4).data
    for arrays in (start, changed)
)
moved = np.abs(after - before).max(axis=(0, 2)) > 0
print("outputs that moved:", np.flatnonzero(moved), "of", len(moved))

# %% [markdown]
# ## 3. The rest of a block
#
# Between the attentions stands an MLP, on each token by itself: up to four times the width, GELU, and down again. GPT-2's GELU is the one with the tanh:


# %%
def gelu(x):
    """½x (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    cube = multiply(multiply(x, x), x)  # never a power: see tutorial 02
    inner = multiply(add(x, multiply(cube, 0.044715)), (2 / np.pi) ** 0.5)
    return multiply(multiply(x, 0.5), add(tanh(inner), 1.0))


def linear(x, layer):
    return add(matmul(x, transpose(layer.weight)), layer.bias)


def block(x, b, heads):
    """Attention and MLP, each on a normalised input and added to it."""
    h = layer_norm(x, b.norm_1.gain, b.norm_1.bias)
    a = b.attention
    out = attention(*(linear(h, l) for l in (a.query, a.key, a.value)), heads)
    x = add(x, linear(out, a.output))
    h = layer_norm(x, b.norm_2.gain, b.norm_2.bias)
    return add(x, linear(gelu(linear(h, b.mlp.up)), b.mlp.down))


# %% [markdown]
# The sums `add(x, …)` are the **residual stream**. A block never replaces what came before, it adds to it; so a gradient finds a way from the loss to the
# first layer that no matrix stands in.
#
# The whole model: rows of two tables are added, one for the token and one for its place; the blocks; a last norm; and scores for each token of the
# vocabulary by the *same* table that the tokens came from (it is *tied*).


# %%
def gpt(model, ids):
    """ids: [rows, tokens] -> logits [rows, tokens, vocabulary]."""
    tokens = getitem(model.tokens.weight, index=ids)
    positions = getitem(model.positions.weight, index=np.arange(ids.shape[1]))
    x = add(tokens, positions)  # [rows, tokens, width]
    for b in model.blocks:
        x = block(x, b, model.config.heads)
    x = layer_norm(x, model.norm.gain, model.norm.bias)
    return matmul(x, transpose(model.tokens.weight))


model = minilora.load("tiny-gpt").astype(np.float64)
text = "The old captain opened the door and looked out at the sea."
ids = np.array([model.tokenizer.encode(text)])  # [1, tokens]

mine = gpt(model, ids).data
theirs = model.logits(ids)
model_error = np.abs(mine - theirs).max()
print(f"your GPT against the library's: {model_error:.1e}")

# %% [markdown]
# Forty lines, and it is GPT-2. What does it think comes next?

# %%
prompt = "The old captain opened the"
logits = gpt(model, np.array([model.tokenizer.encode(prompt)])).data[0, -1]
best = np.argsort(logits)[::-1][:5]
p = np.exp(logits - logits.max())
p /= p.sum()
for token in best:
    print(f"{model.tokenizer.pieces([token])[0]!r:12} {p[token]:.1%}")

# %% [markdown]
# ## 4. The loss
#
# At each position the model gives a probability to every token; the loss is minus the logarithm of the one that was right, on average (*cross-entropy*):
#
# $$L = -\frac1n \sum_i \ln p_i(t_i), \qquad p_i = \operatorname{softmax}(z_i)$$
#
# On paper its gradient is the simplest of all, *what the model thought minus what was true*:
#
# $$\frac{\partial L}{\partial z_i} = \frac1n\,(p_i - e_{t_i})$$


# %%
def cross_entropy(z, targets):
    """z: [n, vocabulary]; targets: [n]."""
    p = getitem(softmax(z), index=(np.arange(len(targets)), targets))
    return multiply(mean(log(p)), -1.0)


targets = ids[0, 1:]
z = Tensor(mine[0, :-1], trainable=True)
my_loss = cross_entropy(z, targets)
(by_tape,) = gradients(my_loss, [z])

p = np.exp(z.data - z.data.max(-1, keepdims=True))
p /= p.sum(-1, keepdims=True)
truth = np.eye(p.shape[-1])[targets]
on_paper = (p - truth) / len(targets)
loss_error = np.abs(by_tape - on_paper).max()
print(
    f"loss a token: {my_loss.item():.3f}; gradient, tape against paper: {loss_error:.1e}"
)

# %% [markdown]
# With GPT-2's vocabulary of 50,257, $z$ is the largest array of the whole model. But the loss does not need all of it at once: the library makes the logits of a part of
# the vocabulary at a time and keeps only sums (`minilora/ops/cross_entropy.py`).
#
# ## 5. What fusing is worth
#
# The same step, forward and backward with respect to every weight, by your primitives and by the library's fused ops: how long, and how much memory at its peak?

# %%
model = minilora.load("tiny-gpt")  # float32
weights = list(model.parameters())
ids = rng.integers(0, model.config.vocabulary, (4, 128))
targets = np.roll(ids, -1, axis=1)

batch = Batch(ids, targets, np.ones(ids.shape, dtype=bool))


def by_primitives():
    z = reshape(gpt(model, ids), shape=(ids.size, -1))
    return gradients(cross_entropy(z, targets.ravel()), weights)


def by_fused_ops():
    return gradients(model.loss(batch), weights)


def measured(step):
    """Seconds (the shorter of two), peak of arrays in MB, the gradients."""
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        result = step()
        seconds.append(time.perf_counter() - began)
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(seconds), peak / 1e6, result


slow, much, first = measured(by_primitives)
fast, little, second = measured(by_fused_ops)
a, b = (
    np.concatenate([g.ravel() for g in gradient])
    for gradient in (first, second)
)
step_error = np.linalg.norm(a - b) / np.linalg.norm(b)
print(f"primitives: {slow:.2f} s, {much:4.0f} MB")
print(f"fused:      {fast:.2f} s, {little:4.0f} MB")
print(f"gradients differ by {step_error:.0e} of their length")

figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 2.8))
left.bar(["primitives", "fused"], [slow, fast], color=["C1", "C0"])
left.set_title("Seconds a step")
right.bar(["primitives", "fused"], [much, little], color=["C1", "C0"])
right.set_title("Peak of arrays, MB")
figure.tight_layout()
plt.show()

# %% [markdown]
# Nothing was approximated. Each fused op does the same sums, keeps less, and walks over its arrays fewer times.
#
# ## What was claimed, checked

# %%
assert norm_error < 1e-12  # layer norm, on paper
assert along_ones < 1e-12  # and nothing along what it removes
assert max(attention_errors) < 1e-12  # attention, composed and fused
assert np.flatnonzero(moved).tolist() == [11]  # nobody looks ahead
assert model_error < 1e-9  # your GPT is the library's
assert loss_error < 1e-12  # what was thought minus what was true
assert abs(p.sum(-1) - 1).max() < 1e-12
assert step_error < 1e-3  # the same gradients in float32
assert little < 0.6 * much  # with far less memory
print("all of it holds")
