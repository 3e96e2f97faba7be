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
# # Adapter layers and their latency
#
# **You know:** pullbacks (tutorial 03), the blocks of a transformer (04), and what full fine-tuning keeps in memory (06).
#
# **You will know:** how to adapt a model with small networks between its layers, how to write one, why it cannot be merged into a weight, and
# what that costs when the model is used: the paper's Table 1, measured on your machine.
#
# **Minutes:** twenty-five to read; the code runs in less than half a minute.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 07.

# %%
import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora import Tensor, gradients, ops
from minilora.data import ExampleLoader
from minilora.data.tasks import load_task
from minilora.lab.latency import latencies
from minilora.models.sizes import size
from minilora.nn import Module, Parameter

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. A bottleneck
#
# Freeze the pretrained model, and put something small *between* its layers that is trained. Houlsby et al. (2019) take a network that makes the vector narrow, bends it, makes
# it wide again, and adds the result to what came in:
#
# $$y = h + U\,\sigma(D h + b_D) + b_U, \qquad D: r \times d,\quad U: d \times r,\quad \sigma(u) = \frac{u}{1 + e^{-u}}$$
#
# ($\sigma$ is called *swish*.) With $U = 0$ and $b_U = 0$ it does nothing, and that is how it starts. By hand, and the library's with the same numbers:


# %%
def bottleneck(h, D, b_D, U, b_U):
    """h: [..., d] -> [..., d]."""
    u = h @ D.T + b_D  # [..., r]
    return h + (u / (1 + np.exp(-u))) @ U.T + b_U


d, r = 256, 16
exact = minilora.load("tiny-gpt").astype(np.float64)
tuned = minilora.adapt(exact, minilora.Adapter("houlsby", width=r))
for parameter in tuned.parameters.values():  # away from the start
    parameter.data[...] += 0.05 * rng.standard_normal(parameter.shape)

place = "blocks.2.mlp.down"
keys = ("down.weight", "down.bias", "up.weight", "up.bias")
ours = [tuned.parameters[f"{place}.{key}"].data for key in keys]
theirs = exact.get_module(place).adapters["default"]

h = rng.standard_normal((10, d))
difference = np.abs(bottleneck(h, *ours) - theirs(Tensor(h)).data).max()
print(theirs)
print(f"largest difference: {difference:.1e}")

# %% [markdown]
# Its gradients, on paper. Let $\delta = \partial L/\partial y$ be what comes from above. It goes past the bottleneck unchanged, and through it:
#
# $$\gamma = \sigma'(u) \odot U^\top \delta, \qquad \partial D = \gamma\,h^\top, \qquad \partial U = \delta\,\sigma(u)^\top, \qquad
# \partial h = \delta + D^\top \gamma$$
#
# Because of the bare $\delta$ in $\partial h$, layers below are no worse off than without the adapter.

# %%
D, b_D, U, b_U = ours
delta = rng.standard_normal((10, d))
u = h @ D.T + b_D
sigmoid = 1 / (1 + np.exp(-u))
gamma = (delta @ U) * (sigmoid + u * sigmoid * (1 - sigmoid))
on_paper = [delta + gamma @ D, gamma.T @ h, delta.T @ (u * sigmoid)]

x = Tensor(h, trainable=True)
wrt = [x, theirs.down.weight, theirs.up.weight]
by_tape = gradients((theirs(x) * delta).sum(), wrt)
gradient_error = max(
    np.abs(a - b).max() for a, b in zip(on_paper, by_tape, strict=True)
)
print(f"∂h, ∂D, ∂U on paper and by the tape: {gradient_error:.1e}")

# %% [markdown]
# ## 2. Where they sit
#
# Houlsby's stand twice in each block: after the attention's output projection and after the MLP, each before the sum with the residual stream. In the paper's tables they are
# *AdapterH*. Lin et al. (2020) put one at the end of a block, behind a layer norm of its own (*AdapterL*); Pfeiffer et al. (2021) one after the MLP (*AdapterP*); and AdapterDrop
# (Rücklé et al., 2021, *AdapterD*) leaves some blocks without. All of them in closed form, with $\hat L$ adapters (the paper's section 5.1):
#
# $$|\Theta| = \hat L_{\text{Adpt}}\,(2 d r + r + d) + 2\,\hat L_{\text{LN}}\,d$$

# %%
L = 6  # blocks of tiny-gpt
kinds = {
    "AdapterH": minilora.Adapter("houlsby", width=r),
    "AdapterL": minilora.Adapter("lin", width=r),
    "AdapterP": minilora.Adapter("pfeiffer", width=r),
    "AdapterD": minilora.Adapter("houlsby", width=r, layers=(3, 4, 5)),
}
one = 2 * d * r + r + d
formula = {
    "AdapterH": 2 * L * one,
    "AdapterL": L * one + 2 * L * d,
    "AdapterP": L * one,
    "AdapterD": 2 * 3 * one,
}
counted = {}
for name, method in kinds.items():
    adapted = minilora.adapt(minilora.load("tiny-gpt"), method)
    counted[name] = adapted.trainable
    print(f"{name}: {counted[name]:8,} by count, {formula[name]:8,} on paper")

gpt3 = size("gpt3-175b")
on_gpt3 = minilora.Adapter("houlsby", width=1).trainable(gpt3)
print(f"GPT-3, AdapterH with r = 1: {on_gpt3:,} (Table 4: 7.1M)")

# %% [markdown]
# ## 3. Your adapter in the model
#
# A module here is an object with parameters and a `__call__`, and `set_module` puts one in another's place. That is all there is to adapting a model. Yours, with the
# numbers of the library's:


# %%
class MyAdapter(Module):
    """A layer, and a bottleneck behind it."""

    def __init__(self, base, D, b_D, U, b_U):
        self.base = base
        self.D, self.b_D = Parameter(D), Parameter(b_D)
        self.U, self.b_U = Parameter(U), Parameter(b_U)

    def __call__(self, x, rng=None):
        h = self.base(x, rng)
        narrow = ops.silu(ops.linear(h, self.D, self.b_D))
        return h + ops.linear(narrow, self.U, self.b_U)


mine = minilora.load("tiny-gpt").astype(np.float64).freeze()
for block in range(L):
    for layer in ("attention.output", "mlp.down"):
        path = f"blocks.{block}.{layer}"
        arrays = [tuned.parameters[f"{path}.{key}"].data for key in keys]
        mine.set_module(path, MyAdapter(mine.get_module(path), *arrays))

ids = rng.integers(0, mine.config.vocabulary, (2, 20))
model_error = np.abs(mine.logits(ids) - tuned.logits(ids)).max()
print(f"logits, your adapters and the library's: {model_error:.1e}")
print(f"trained: {mine.count_parameters(trainable_only=True):,}")

# %% [markdown]
# ## 4. Why it cannot be merged
#
# A linear layer followed by a linear layer is a linear layer. Leave $\sigma$ out, and the biases, and the adapter melts into the weight before it:
#
# $$(I + UD)\,W_0 = W_0 + U\,(D W_0),$$
#
# and that is LoRA with $B = U$ and $A = D W_0$. With $\sigma$ it is not linear, and no weight whatever computes the same. A function with a weight and a bias, $f(h) = Mh + c$,
# has $f(h) + f(-h) = 2 f(0)$ for every $h$. Does the adapter?

# %%
W = exact.get_module(place).base.weight.data  # [256, 1024]
x = rng.standard_normal((10, W.shape[1]))
in_series = x @ W.T + (x @ W.T @ D.T) @ U.T
in_one = x @ (W + U @ (D @ W)).T
linear_error = np.abs(in_series - in_one).max()
print(f"without σ: {linear_error:.1e}")

h = rng.standard_normal((2000, d))
change = bottleneck(h, *ours) - h
at_zero = bottleneck(np.zeros(d), *ours)
back = bottleneck(-h, *ours) + h
odd_one_out = np.abs(change + back - 2 * at_zero).max()
print(f"f(h) + f(−h) − 2 f(0), largest: {odd_one_out:.2f}")

# %% [markdown]
# How near does the best weight and bias come? Fit them to the change by least squares, and look at one number of the narrow layer, $\sigma(u)$:

# %%
design = np.hstack([h, np.ones((len(h), 1))])
fit, *_ = np.linalg.lstsq(design, change, rcond=None)
left_over = np.linalg.norm(change - design @ fit)
left_over /= np.linalg.norm(change - change.mean(axis=0))
print(f"not explained by any weight and bias: {left_over:.0%}")

line = np.linspace(-5, 5, 200)
swish = line / (1 + np.exp(-line))
figure, axes = plt.subplots(figsize=(5.5, 3), layout="constrained")
axes.plot(line, swish, label="σ(u), swish")
axes.plot(
    line,
    np.polyval(np.polyfit(line, swish, 1), line),
    "--",
    label="a weight and a bias",
)
axes.set_title("A bend that no weight has")
axes.set_xlabel("u")
axes.legend()
plt.show()

try:
    tuned.merge()
except minilora.InputError as error:
    refusal = str(error)
print("merge:", refusal)

# %% [markdown]
# ## 5. What it costs: Table 1
#
# So the adapter stays where it is, in the way of every token. By arithmetic that is little. For one token a block of a transformer does $12 d^2$ multiplications (four matrices
# of $d \times d$ in the attention, two of $d \times 4d$ in the MLP) and Houlsby's two adapters $4 d r$.
#
# But a processor, and a graphics card all the more, is fast at *large* products and slow at *many small* ones. The adapter's products come after the layer's and cannot be done at the
# same time (the paper's section 3). With much data at once this does not matter. With one short text, as when a model answers somebody, it does. The paper measured GPT-2 medium (Table 1):

# %%
table_1 = {  # milliseconds; batch × tokens, and the adapters' parameters
    "32 × 512, 0.5M": {"LoRA": 1449.4, "AdapterL": 1482.0, "AdapterH": 1492.2},
    "16 × 256, 11M": {"LoRA": 338.0, "AdapterL": 354.8, "AdapterH": 366.3},
    "1 × 128, 11M": {"LoRA": 19.8, "AdapterL": 23.9, "AdapterH": 25.8},
}
for setting, row in table_1.items():
    slower = {k: row[k] / row["LoRA"] - 1 for k in ("AdapterL", "AdapterH")}
    text = ", ".join(f"{k} {v:+.1%}" for k, v in slower.items())
    print(f"{setting:15} {text}")

# %% [markdown]
# Now here, with `tiny-gpt`. The width is chosen so that the adapters hold about as large a share of the model as in the paper's two smaller settings (11 of 355 million, 3 %). Five
# models take turns: the base; LoRA merged into the weights, LoRA beside them; and both kinds of adapter. What else the machine does can only make a trial longer, so
# the time given is not the middle one but the lower quartile.

# %%
r = 32
methods = {
    "base": None,
    "LoRA, merged": minilora.LoRA(8),
    "LoRA, beside": minilora.LoRA(8),
    "AdapterL": minilora.Adapter("lin", width=2 * r),
    "AdapterH": minilora.Adapter("houlsby", width=r),
}
models = {}
for name, method in methods.items():
    models[name] = minilora.load("tiny-gpt")
    if method is not None:
        adapted = minilora.adapt(models[name], method)
        if name == "LoRA, merged":
            adapted.merge()
        else:
            share = adapted.trainable / models["base"].count_parameters()
            print(f"{name}: {share:.1%} of the model")


def measure(rows, tokens, trials):
    """Milliseconds of one forward pass, by model: Latency values."""
    ids = rng.integers(0, 4096, (rows, tokens))

    def call(model):
        return lambda: model.logits(ids)

    calls = {name: call(model) for name, model in models.items()}
    return latencies(calls, trials=trials, warm_up=2)


measured = {
    "1 × 1": measure(1, 1, 60),
    "1 × 16": measure(1, 16, 40),
    "1 × 128": measure(1, 128, 16),
    "4 × 128": measure(4, 128, 6),
}
print(f"\n{'milliseconds':14}" + "".join(f"{s:>16}" for s in measured))
for name in models:
    cells = []
    for row in measured.values():
        here, base = row[name].low, row["base"].low
        cells.append(f"{here:8.2f} {here / base - 1:+7.1%}")
    print(f"{name:14}" + "".join(cells))

# %% [markdown]
# The numbers are your machine's and come out a little different every time; a machine that does other things beside can hide the smaller ones altogether. What the numbers should show: the merged
# LoRA is as fast as the base, up to noise; the adapters cost the more the *less* there is to do, and with much to do they come near to what arithmetic says.

# %%
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
where = np.arange(len(measured))
for i, name in enumerate(list(models)[1:]):
    slower = [
        100 * (row[name].low / row["base"].low - 1) for row in measured.values()
    ]
    axes.bar(where + 0.2 * (i - 1.5), slower, 0.2, label=name)
arithmetic = 4 * d * r / (12 * d * d)
axes.axhline(
    100 * arithmetic,
    color="gray",
    linestyle=":",
    label="AdapterH by arithmetic",
)
axes.axhline(0, color="gray", linewidth=0.8)
axes.set_xticks(where, list(measured))
axes.set_title("Slower than the base, in %, by batch × tokens")
axes.set(xlabel="batch × tokens", ylabel="%")
axes.legend(fontsize=8)
plt.show()
print(f"AdapterH by arithmetic: {arithmetic:+.1%} of a block's products")

# %% [markdown]
# What does not depend on the machine is *how many* steps stand one behind the other. The tape knows: a node's depth is the length of the longest chain of ops that led
# to it.


# %%
def steps_of(model):
    """How many ops stand one behind the other, up to the head."""
    model.unfreeze()  # an op of constants alone leaves no node
    depth = model.hidden(ids).node.depth
    model.freeze()
    return depth


chain = {name: steps_of(model) for name, model in models.items()}
for name, count in chain.items():
    print(f"{name:14}{count:4}")

# %% [markdown]
# LoRA beside its weights adds no op, because the library computes $W_0 x + sB(Ax)$ in one; but inside of it are two thin products more, and they too take their time. Merged, they are gone.
#
# ## 6. They learn
#
# Nothing is wrong with adapters as learners. A few steps on the SQL task of tutorial 01, and the loss of a batch that was not trained on:

# %%
model = minilora.load("tiny-gpt")
task = load_task("nl2sql", seed=0)
loader = ExampleLoader(
    task.train, model.tokenizer, rows=8, context=model.config.context, seed=0
)
unseen = loader.batch(500)
plain = model.logits(ids)
loss_before = model.loss(unseen).item()
tuned = minilora.adapt(model, minilora.Adapter("houlsby", width=16))
at_start = tuned.logits(ids)  # before any step

settings = minilora.Training(
    steps=12, learning_rate=3e-3, warmup=2, dropout=False
)
minilora.fit(tuned.model, loader.batch, settings, progress=False)
loss_after = tuned.loss(unseen).item()
print(f"loss: {loss_before:.2f} → {loss_after:.2f}")

# %% [markdown]
# ## What was claimed, checked

# %%
assert difference < 1e-12  # your bottleneck is the library's
assert gradient_error < 1e-12  # and so are its pullbacks, on paper
assert counted == formula  # section 5.1
assert on_gpt3 == 7_078_080
assert model_error < 1e-9  # your adapters in the model
assert linear_error < 1e-9  # without σ it is LoRA
assert odd_one_out > 0.1  # with σ it is no weight at all
assert left_over > 0.05
assert "cannot be merged" in refusal
printed = [2.2, 3.0, 5.0, 8.4, 20.7, 30.3]  # per cent, as in Table 1
recomputed = [
    100 * (row[k] / row["LoRA"] - 1)
    for row in table_1.values()
    for k in ("AdapterL", "AdapterH")
]
assert np.abs(np.subtract(printed, recomputed)).max() < 0.1
assert chain["LoRA, merged"] == chain["base"]  # merged, nothing is added
extra = 2 * L * 4  # two a block: down, swish, up, and a sum
assert chain["AdapterH"] == chain["base"] + extra  # one behind the other
assert np.array_equal(plain, at_start)  # they start by doing nothing
assert loss_after < loss_before  # and learn
print("all of it holds")
