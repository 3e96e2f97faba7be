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
# # LoRA: the reparametrisation
#
# **You know:** LoRA's idea (tutorial 01), pullbacks (03), optimizers (06), and what adapter layers cost (07).
#
# **You will know:** why the start of $A$ and $B$ is what it is and what others would do; what the scale $\alpha/r$ is for and when $\alpha/\sqrt r$ is better; how to merge and
# unmerge without leaving a trace; what a switch of task costs; and you will have written LoRA's layer and trained with it.
#
# **Minutes:** thirty-five to read; the code runs in less than half a minute. A section with a point, such as 4.1, is the paper's.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 08.

# %%
import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora import Tensor, gradients, ops
from minilora.data import ExampleLoader
from minilora.data.tasks import load_task
from minilora.lab.switching import storage, switch_cost
from minilora.models.sizes import size
from minilora.nn import Module, Parameter

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. The layer
#
# Full fine-tuning learns $W$. Adapters learn something else, between the weights. LoRA learns $W$ again, but writes it in other variables (section 4.1):
#
# $$W = W_0 + s\,B A, \qquad A: r \times k,\quad B: d \times r,\quad s = \frac{\alpha}{r}$$
#
# That is a **reparametrisation**: $W_0$ is fixed, and gradient descent walks in $A$ and $B$. The layer needs no more than you know. The merging comes in section 4 below:


# %%
class MyLoRA(Module):
    """A linear layer that stays, and a low-rank update beside it."""

    def __init__(self, base, A, B, s):
        self.base, self.s = base, s
        self.A, self.B = Parameter(A), Parameter(B)
        self.kept = None  # the old weight, while the update is merged

    def __call__(self, x, rng=None):
        y = self.base(x, rng)
        if self.kept is not None:
            return y
        low = ops.linear(x, self.A, None)  # [..., r]: never B @ A
        return y + ops.linear(low, self.B, None) * self.s

    def merge(self):
        self.kept = self.base.weight.data
        update = self.s * (self.B.data @ self.A.data)
        self.base.weight.data = self.kept + update  # a new array

    def unmerge(self):
        self.base.weight.data, self.kept = self.kept, None


# %% [markdown]
# The library computes the same in one op, whose pullbacks are written on paper. With $g$ the gradient of the output, and $\gamma = s\,g B$, which is only $r$ wide:
#
# $$\partial x = g W_0 + \gamma A, \qquad \partial A = \gamma^\top x, \qquad \partial B = s\,g^\top (x A^\top)$$
#
# All of them, by three ways:

# %%
place, r, alpha = "blocks.3.attention.value", 8, 16.0
exact = minilora.load("tiny-gpt").astype(np.float64)
base = exact.get_module(place)
tuned = minilora.adapt(exact, minilora.LoRA(r, alpha, targets=place))
theirs = exact.get_module(place)
A, B = tuned.parameters.values()
B.data[...] = 0.1 * rng.standard_normal(B.shape)  # away from the start
mine = MyLoRA(base, A.data, B.data, alpha / r)

inputs = rng.standard_normal((10, 256))
g = rng.standard_normal((10, 256))


def with_gradients(layer, A, B):
    x = Tensor(inputs, trainable=True)
    y = layer(x)
    return [y.data, *gradients((y * g).sum(), [x, A, B])]


s = alpha / r
W, b = base.weight.data, base.bias.data
low, gamma = inputs @ A.data.T, s * g @ B.data
on_paper = [
    inputs @ W.T + b + s * low @ B.data.T,
    g @ W + gamma @ A.data,
    gamma.T @ inputs,
    s * g.T @ low,
]
layer_errors = [
    max(np.abs(p - m).max(), np.abs(p - t).max())
    for p, m, t in zip(
        on_paper,
        with_gradients(mine, mine.A, mine.B),
        with_gradients(theirs, A, B),
        strict=True,
    )
]
print("y, ∂x, ∂A, ∂B differ by", ", ".join(f"{e:.0e}" for e in layer_errors))

# %% [markdown]
# What does it cost beside the layer? For $n$ inputs, $W_0 x$ takes $n\,d k$ multiplications and $B(Ax)$ takes $n\,r(d+k)$. Were $BA$ multiplied out first, it would be
# $r\,d k$ for that and $n\,dk$ more for using it: as much again as the layer.

# %%
n, d, k = 512, 256, 256
layer_work, thin_work = n * d * k, n * r * (d + k)
multiplied_out = r * d * k + n * d * k
print(f"through the rank: {thin_work / layer_work:+.1%} of the layer's work")
print(f"multiplied out:   {multiplied_out / layer_work:+.1%}")

# %% [markdown]
# Nothing is lost by writing it so: *every* matrix of rank $r$ is a $BA$ (cut its singular value decomposition in two). But many $B$, $A$ make the same $\Delta W$: $(BR)(R^{-1}A) = BA$ for any
# invertible $R$. Where one starts among them therefore matters, and how the size is shared between $A$ and $B$.
#
# ## 2. Where to start
#
# Training should begin at the pretrained model, so $BA = 0$. What are the choices? Remember, with $G$ the gradient of full fine-tuning,
#
# $$\partial A = s\,B^\top G, \qquad \partial B = s\,G A^\top.$$
#
# | start | $\Delta W$ | $\partial A$ | $\partial B$ | |
# |---|---|---|---|---|
# | $A = 0$, $B = 0$ | 0 | 0 | 0 | it never moves |
# | $A$ random, $B = 0$ | 0 | 0 | $sGA^\top$ | the paper's |
# | $A = 0$, $B$ random | 0 | $sB^\top G$ | 0 | its mirror image |
# | both random | not 0 | | | begins at a damaged model |
#
# On `tiny-gpt` with a batch of the SQL task:

# %%
task = load_task("nl2sql", seed=0)
tokenizer = exact.tokenizer
loader = ExampleLoader(
    task.train, tokenizer, rows=4, context=exact.config.context, seed=0
)
batch = loader.batch(0)


def pair(start, r, rng, k=256, d=256):
    """A and B at the start."""
    A = rng.uniform(-1, 1, (r, k)) / np.sqrt(k)
    B = rng.uniform(-1, 1, (d, r)) / np.sqrt(r)
    return {
        "both zero": (0 * A, 0 * B),
        "A random": (A, 0 * B),
        "B random": (0 * A, B),
        "both random": (A, B),
    }[start]


starts = ("both zero", "A random", "B random", "both random")
fresh = minilora.load("tiny-gpt")
everywhere = minilora.adapt(fresh, minilora.LoRA(r, alpha))
with everywhere.disabled():
    loss_of_base = fresh.loss(batch).item()
found = {}
print(f"the base's loss: {loss_of_base:.3f}\n")
for start in starts:
    for name, parameter in everywhere.parameters.items():
        first, second = pair(start, r, rng)
        parameter.data[...] = first if name.endswith(".A") else second
    loss = everywhere.loss(batch)
    of = dict(
        zip(
            everywhere.parameters,
            gradients(loss, list(everywhere.parameters.values())),
            strict=True,
        )
    )
    length = {
        letter: sum(
            float((g**2).sum()) for n, g in of.items() if n[-1] == letter
        )
        ** 0.5
        for letter in "AB"
    }
    found[start] = loss.item(), length["A"], length["B"]
    print(
        f"{start:12} loss {loss.item():.3f}",
        f"  |∂A| {length['A']:6.3f}   |∂B| {length['B']:.3f}",
    )

# %% [markdown]
# How do they go on? A small problem that runs at once: a weight $W_0$, data that was made by $W_0$ plus a matrix of rank 4, and SGD on $A$ and $B$.

# %%
k = d = 32
target = rng.standard_normal((d, 4)) @ rng.standard_normal((4, k)) / 8
data = rng.standard_normal((256, k))


def train(start, rate=0.1, steps=100):
    """The loss at each step."""
    A, B = pair(start, 4, np.random.default_rng(3), k, d)
    losses = []
    for _ in range(steps):
        error = data @ (B @ A - target).T  # [n, d]
        losses.append((error**2).sum() / (2 * len(data)))
        G = error.T @ data / len(data)  # ∂L/∂W
        A, B = A - rate * B.T @ G, B - rate * G @ A.T
    return losses


figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
curves = {start: train(start) for start in starts}
for start, losses in curves.items():
    axes.semilogy(losses, label=start)
axes.set_title("Loss from four starts")
axes.set(xlabel="step", ylabel="loss")
axes.legend()
plt.show()

# %% [markdown]
# Both zero is a standstill. The two with one zero both learn. With both random this small problem learns as well: here nothing was worth keeping. But in a pretrained network what is damaged at the start is what one
# came for: see its loss in the first column above.
#
# How is $A$ drawn? The paper's text says Gaussian; its code draws from $U(-1/\sqrt k, 1/\sqrt k)$, and so does the library.
#
# ## 3. The scale
#
# The first step moves $B$ by $-\eta s\,G A^\top$, so $W$ moves by
#
# $$\Delta W_1 = -\eta\,s^2\,G A^\top A.$$
#
# Let the entries of $A$ have variance $\sigma^2$. Then $A^\top A$ is on average $r\sigma^2 I$, and the first step is full fine-tuning's with the rate $\eta\,s^2 r\sigma^2$. How it depends on the rank is up to $s$:
#
# | scale | $s^2 r$ | the first step |
# |---|---|---|
# | $s$ constant | $\propto r$ | grows with the rank |
# | $s = \alpha/r$, the paper's | $\propto 1/r$ | shrinks with the rank |
# | $s = \alpha/\sqrt r$, *rsLoRA* (Kalajdzievski, 2023) | constant | the same for every rank |
#
# Look at it for a real gradient. How much would the loss fall, to first order, compared with full fine-tuning at the same rate? That is $\eta\,\lVert\partial B\rVert^2$ over $\eta\,\lVert G\rVert^2$:

# %%
with tuned.disabled():
    weight = base.weight
    weight.trainable = True
    (G,) = gradients(exact.loss(batch), [weight])  # [256, 256]
    weight.trainable = False

ranks = [1, 2, 4, 8, 16, 32, 64, 128]
scales = {
    "s = 2": lambda r: 2.0,
    "s = 16 / r": lambda r: 16 / r,
    "s = 16 / √r": lambda r: 16 / r**0.5,
}


def fall(scale, r, draws=20):
    drawn = [pair("A random", r, rng)[0] for _ in range(draws)]
    shares = [np.sum((scale(r) * G @ A.T) ** 2) / np.sum(G**2) for A in drawn]
    return np.mean(shares)


falls = {name: [fall(f, r) for r in ranks] for name, f in scales.items()}
figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
for name, values in falls.items():
    axes.loglog(ranks, values, "o-", label=name, base=2)
axes.set_title("What the first step gains, against full fine-tuning")
axes.set(xlabel="rank r", ylabel="‖∂B‖² / ‖G‖²")
axes.legend()
plt.show()
powers = {
    name: np.polyfit(np.log(ranks), np.log(values), 1)[0]
    for name, values in falls.items()
}
print({name: f"r^{power:.2f}" for name, power in powers.items()})

# %% [markdown]
# So under $\alpha/r$ a high rank learns more slowly unless $\alpha$ is raised with it; and a comparison of ranks at one learning rate compares rates too. In the library it is a value:

# %%
for scaling in ("lora", "rslora"):
    scale_of = [minilora.LoRA(r, 16.0, scaling=scaling).scale for r in ranks]
    print(f"{scaling:7}", ", ".join(f"{s:.3g}" for s in scale_of))

# %% [markdown]
# $\alpha$ itself is little more than a learning rate; tutorial 09 says exactly how much more.
#
# ## 4. Merge, and take it out again
#
# Merged, the layer is a linear layer with another weight: no op more, no time more. To go back, the paper subtracts $sBA$ (section 4.1). On paper that is right. In floating point
# $(W_0 + \Delta W) - \Delta W$ is not $W_0$: the sum was rounded to the digits that $W_0 + \Delta W$ has. How far do the weights drift if one goes from task to task, a hundred times?

# %%
layer = minilora.load("tiny-gpt").get_module(place)
W0 = layer.weight.data.copy()


def new_task():
    """An update of rank 8."""
    B, A = rng.standard_normal((256, r)), rng.standard_normal((r, 256))
    return (B @ A / 80).astype(np.float32)


drift, lost = {}, {}
for dtype in (np.float32, np.float16):
    start = W0.astype(dtype)
    W, shares = start.copy(), []
    for _ in range(100):
        update = new_task().astype(dtype)
        W += update
        W -= update
        shares.append((start != W).mean())
    name = dtype.__name__
    drift[name] = shares
    lost[name] = np.abs(W - start).max() / np.abs(start).max()

mine = MyLoRA(
    layer,
    rng.standard_normal((r, 256), dtype=np.float32),
    rng.standard_normal((256, r), dtype=np.float32),
    0.1,
)
x = Tensor(rng.standard_normal((5, 256), dtype=np.float32))
beside = mine(x).data
for _ in range(100):
    mine.merge()
    merged = mine(x).data
    mine.unmerge()
merge_error = np.abs(merged - beside).max() / np.abs(beside).max()
all_bits = np.array_equal(layer.weight.data, W0)

figure, axes = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
for name, shares in drift.items():
    label = f"by subtraction, {name}"
    axes.plot(range(1, 101), 100 * np.array(shares), label=label)
axes.plot(range(1, 101), np.zeros(100), label="the old array kept")
axes.set_title("Weights that are not what they were, in %")
axes.set(xlabel="switches of task", ylabel="%")
axes.legend()
plt.show()
for name, shares in drift.items():
    text = f"{shares[-1]:.0%} changed, by up to {lost[name]:.0e} of the largest"
    print(f"by subtraction, {name}: {text}")
print(f"kept: all bits equal: {all_bits}")
print(f"merged against beside: {merge_error:.0e}")

# %% [markdown]
# In float32 the drift is small in size; in float16, in which large models are kept, it is a thousand times as large and more. Keeping the old array costs memory for the adapted weights, and that is the trade: the library keeps it.
#
# ## 5. Two tasks
#
# One base, two adapters. What is not active keeps its numbers, and going back brings the same bits:

# %%
model = minilora.load("tiny-gpt")
tuned = minilora.adapt(model, minilora.LoRA(r, alpha), name="sql", rng=1)
tuned.add("prose", minilora.LoRA(4, 8.0, targets=("key", "output")), rng=2)
for name in ("sql", "prose"):
    tuned.use(name)
    for key, parameter in tuned.parameters.items():
        if key.endswith(".B"):
            parameter.data[...] = 0.1 * rng.standard_normal(parameter.shape)

ids = np.array([tokenizer.encode("The old captain opened the door")])
answers = []
for name in ("sql", "prose", "sql"):
    tuned.use(name)
    answers.append(tuned.logits(ids))
there_and_back = np.array_equal(answers[0], answers[2])
print("sql, prose and sql again, the same bits:", there_and_back)

cost = switch_cost(tuned, "sql", "prose", trials=8)
print(f"beside the weights, by name: {cost.use.low:8.3f} ms")
print(f"merged, out and in again:    {cost.merged.low:8.3f} ms")
print(f"from the adapter's file:     {cost.load.low:8.3f} ms")
print(f"a whole model's weights:     {cost.model.low:8.3f} ms")

# %% [markdown]
# By name nothing is copied at all. From its file an adapter takes about as long as this small model's whole weights, because the library first makes sure that the adapter was made for this base, by
# a fingerprint of 64 numbers of each of its weights.
#
# On disk the difference is plain. The paper reckons with a hundred tasks on GPT-3: 354 GB with LoRA, 35 TB with a model a task (section 4.2). By closed form:

# %%
disk = storage(size("gpt3-175b"), minilora.LoRA(4), 100)
print(f"adapters: {disk.adapters / 1e9:,.0f} GB")
print(f"models:   {disk.models / 1e12:,.1f} TB")

# %% [markdown]
# What merging cannot do is serve two tasks in one batch: the weight is one task's. Beside the weights it is possible, and tutorial 14 does it.
#
# ## 6. Train with your own
#
# Put `MyLoRA` in the place of every query and value, with the library's start, and let `fit` train both:

# %%
theirs = minilora.load("tiny-gpt")
tuned = minilora.adapt(theirs, minilora.LoRA(r, alpha))
own = minilora.load("tiny-gpt").freeze()
for i in range(6):
    for layer in ("query", "value"):
        path = f"blocks.{i}.attention.{layer}"
        A, B = (tuned.parameters[f"{path}.{letter}"].data for letter in "AB")
        linear = own.get_module(path)
        own.set_module(path, MyLoRA(linear, A.copy(), B.copy(), alpha / r))
print(f"trained: {own.count_parameters(trainable_only=True):,} in yours,")
print(f"         {tuned.trainable:,} in the library's")

settings = minilora.Training(
    steps=14, learning_rate=8e-3, warmup=2, dropout=False
)
unseen = loader.batch(900)
before = own.loss(unseen).item()
mine_log, their_log = (
    minilora.fit(model, loader.batch, settings, progress=False).losses
    for model in (own, theirs)
)
after = own.loss(unseen).item()
log_error = np.abs(np.subtract(mine_log, their_log)).max()
print("yours:      ", ", ".join(f"{loss:.3f}" for loss in mine_log[:5]), "…")
print("the library:", ", ".join(f"{loss:.3f}" for loss in their_log[:5]), "…")
print(f"a batch that was not trained on: {before:.2f} → {after:.2f}")

# %% [markdown]
# And merged, your model is a plain one again:

# %%
layers = [m for _, m in own.named_modules() if isinstance(m, MyLoRA)]
weights = [layer.base.weight.data.copy() for layer in layers]
beside = own.logits(ids)
for layer in layers:
    layer.merge()
own_merge = np.abs(own.logits(ids) - beside).max() / np.abs(beside).max()
for layer in layers:
    layer.unmerge()
restored = all(
    np.array_equal(layer.base.weight.data, W)
    for layer, W in zip(layers, weights, strict=True)
)
print(f"merged: {own_merge:.0e}; taken out, all bits equal: {restored}")

# %% [markdown]
# ## What was claimed, checked

# %%
assert max(layer_errors) < 1e-12  # your layer is the library's, and paper's
assert thin_work < 0.1 * layer_work < layer_work < multiplied_out
for start in ("both zero", "A random", "B random"):
    assert abs(found[start][0] - loss_of_base) < 1e-4  # they change nothing
assert found["both random"][0] > 1.1 * loss_of_base  # this one does
assert found["both zero"][1:] == (0, 0)  # a standstill
assert found["A random"][1] == 0 < found["A random"][2]
assert found["B random"][2] == 0 < found["B random"][1]
assert curves["both zero"][0] == curves["both zero"][-1]
for start in ("A random", "B random"):
    assert curves[start][-1] < 0.01 * curves[start][0]
assert [round(power) for power in powers.values()] == [1, -1, 0]  # s²r
assert min(shares[-1] for shares in drift.values()) > 0.05
assert lost["float16"] > 1000 * lost["float32"]  # subtracting is not undoing
assert all_bits  # keeping is
assert merge_error < 1e-5
assert there_and_back
assert 350 < disk.adapters / 1e9 < 356  # section 4.2
assert 34 < disk.models / 1e12 < 36
assert log_error < 1e-2  # you trained as the library does
assert after < before
assert own_merge < 1e-4
assert restored
print("all of it holds")
