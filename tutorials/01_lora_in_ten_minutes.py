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
# # LoRA in ten minutes
#
# **You know:** Python, NumPy arrays, the product of two matrices, and that a network is trained by
# following the gradient of a loss.
#
# **You will know:** what LoRA changes in a layer and what it leaves alone, why a gradient needs so little
# room there, how to adapt a pretrained language model on a laptop, and how to put the result back into the
# model's own weights without a trace, or take it out again to the last bit.
#
# **Minutes:** ten to read; the code runs in less than one, on two processor cores.
#
# The method is from *LoRA: Low-Rank Adaptation of Large Language Models* (Hu et al., 2021,
# [arXiv 2106.09685](https://arxiv.org/abs/2106.09685)); section numbers below are the paper's.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora.data import ExampleLoader
from minilora.data.tasks import load_task
from minilora.train import evaluate_task

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. A linear layer
#
# `tiny-gpt` comes with the package: a transformer of GPT-2's shape, pretrained on old books and on made-up
# tables. Nearly all it knows lies in its linear layers. Here is one, the *query* of the first attention:

# %%
model = minilora.load("tiny-gpt")
query = model.get_module("blocks.0.attention.query")
W = query.weight.data
b = query.bias.data

print(f"{model.count_parameters():,} parameters in the model")
print(f"W is {W.shape[0]} × {W.shape[1]}: {W.size:,} of them in this layer")

# %% [markdown]
# The layer computes $h = W_0 x + b$. Arrays hold one input a *row*, so in code it reads `x @ W.T + b`.
# By hand and by the library:

# %%
x = rng.standard_normal((10, 256), dtype=np.float32)  # [inputs, in]
by_hand = x @ W.T + b  # [inputs, out]
by_library = query(minilora.Tensor(x)).data

largest_difference = np.abs(by_hand - by_library).max()
print(f"largest difference: {largest_difference:.1e}")

# %% [markdown]
# ## 2. The low-rank update
#
# To teach the model something new, *full fine-tuning* changes every weight: $W_0$ becomes $W_0 + \Delta W$, and
# $\Delta W$ has as many numbers as $W_0$. LoRA leaves $W_0$ as it is and learns $\Delta W$ as a product of two
# thin matrices (section 4.1):
#
# $$h = W_0 x + \Delta W x = W_0 x + s\,B A x, \qquad s = \frac{\alpha}{r}$$
#
# where $A$ is $r \times 256$, $B$ is $256 \times r$, and the *rank* $r$ is small. The scale $s$ only keeps the size of
# the update from depending on the choice of $r$ too much.

# %%
rank, alpha = 8, 16.0
s = alpha / rank
A = rng.standard_normal((rank, 256), dtype=np.float32)  # [rank, in]
B = rng.standard_normal((256, rank), dtype=np.float32)  # [out, rank]

delta_W = s * B @ A  # [out, in]
print(f"numbers in ΔW:      {delta_W.size:,}")
print(f"numbers in A and B: {A.size + B.size:,}")
print(f"share:              {(A.size + B.size) / delta_W.size:.2%}")
print(f"rank of ΔW:         {np.linalg.matrix_rank(delta_W)}")

# %% [markdown]
# **Never multiply $BA$ out.** $B(Ax)$ is the same vector as $(BA)x$, and on the way the data is only $r$ numbers wide.
# This is LoRA in one line of NumPy:


# %%
def lora(x, W, b, A, B, s):
    """x: [inputs, in] -> [inputs, out]."""
    return x @ W.T + b + s * (x @ A.T) @ B.T


in_one_line = lora(x, W, b, A, B, s)
multiplied_out = x @ (W + delta_W).T + b
difference = np.abs(in_one_line - multiplied_out).max()
print(
    f"largest difference, relative: {difference / np.abs(in_one_line).max():.1e}"
)

# %% [markdown]
# The library does the same. `adapt` wraps the layers that `targets` names, and here are its layer, given our $A$
# and $B$, and our line side by side:

# %%
place = "blocks.0.attention.query"
other = minilora.load("tiny-gpt")
tuned = minilora.adapt(other, minilora.LoRA(rank, alpha, targets=place))
tuned.parameters[f"{place}.A"].data[...] = A
tuned.parameters[f"{place}.B"].data[...] = B
layer = other.get_module(place)
print(layer)

theirs = layer(minilora.Tensor(x)).data
lora_difference = np.abs(in_one_line - theirs).max() / np.abs(theirs).max()
print(f"largest difference, relative: {lora_difference:.1e}")

# %% [markdown]
# ## 3. Where does it start, and what does it learn?
#
# $A$ starts random and $B$ starts at **zero**. Then $\Delta W = 0$: before the first step the adapted model says
# exactly what the pretrained one says.
#
# What is the gradient? Let $G = \partial L / \partial W$ be the gradient that full fine-tuning would follow, at
# $W = W_0 + s B A$. The chain rule gives
#
# $$\frac{\partial L}{\partial B} = s\, G A^\top, \qquad \frac{\partial L}{\partial A} = s\, B^\top G .$$
#
# So LoRA sees $G$ only through $A$ and $B$. At the start $B = 0$, so $\partial L/\partial A = 0$, and the first step
# moves $B$ alone. That is a statement about *any* loss and *any* model, so let us not believe it but check it:
# on the whole model, with a real batch, in double precision.
#
# First the task. NL2SQL asks for the SQL of a question:

# %%
task = load_task("nl2sql", seed=0)
example = task.train[0]
print(example.prompt + example.completion)

# %%
loader = ExampleLoader(
    task.train, model.tokenizer, rows=16, context=model.config.context, seed=0
)
batch = loader.batch(0)
place = "blocks.3.attention.value"

# full fine-tuning's gradient
exact = minilora.load("tiny-gpt").astype(np.float64)
weight = exact.get_module(place).weight
(G,) = minilora.gradients(exact.loss(batch), [weight])  # [256, 256]

# LoRA's gradients
exact = minilora.load("tiny-gpt").astype(np.float64)
tuned = minilora.adapt(exact, minilora.LoRA(rank, alpha, targets=place))
A, B = tuned.parameters.values()
dA, dB = minilora.gradients(tuned.loss(batch), [A, B])  # [8, 256], [256, 8]

stated = s * G @ A.data.T
identity_error = np.linalg.norm(dB - stated) / np.linalg.norm(stated)
print(f"∂L/∂B against s·G·Aᵀ: relative error {identity_error:.1e}")
print(f"∂L/∂A, where B is zero: largest entry {np.abs(dA).max():.1e}")

# %% [markdown]
# The two sides were computed by two different models, and agree to the last few of sixteen digits.
# Nobody computed $G$ for the adapted one: $\partial L/\partial B$ has 2,048 numbers, $G$ has 65,536. That is what makes
# LoRA's training lighter: no gradient and no optimizer state for the weights that stay.
#
# ## 4. Adapt the model
#
# Now for real: LoRA on the query and the value of every attention, as in the paper. Only $A$'s and $B$'s are
# trained; everything else is frozen.

# %%
method = minilora.LoRA(rank, alpha, targets=("query", "value"))
base_parameters = model.count_parameters()
tuned = minilora.adapt(model, method, name="sql")

share = tuned.trainable / base_parameters
print(f"trainable: {tuned.trainable:,} numbers, {share:.1%} of the model")

# %% [markdown]
# By the formula of section 5.1 there are $2 \cdot \hat L \cdot d \cdot r$ of them, with $\hat L$ adapted matrices of
# $d \times d$ numbers:

# %%
by_formula = 2 * (2 * 6) * 256 * rank  # query and value in each of 6 layers
by_formula

# %% [markdown]
# `fit` trains what is trainable, and only the completion (the SQL) counts in the loss, which is in *nats*: minus the natural
# logarithm of the probability that the right token got. The learning rate is
# far above what full fine-tuning takes, as in the paper, whose GPT-3 was fully tuned at $5 \cdot 10^{-6}$ and
# adapted by LoRA at $2 \cdot 10^{-4}$.

# %%
settings = minilora.Training(steps=110, learning_rate=8e-3, warmup=10)
history = minilora.fit(tuned.model, loader.batch, settings, progress=False)

first, last = np.mean(history.losses[:5]), np.mean(history.losses[-10:])
print(f"loss per token: {first:.2f} at the start, {last:.2f} at the end")

# %%
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(range(1, 111), history.losses)
axes.set(xlabel="step", ylabel="loss per token (nats)", ylim=(0, None))
axes.set_title("Training loss while the model learns to write SQL")
plt.show()

# %% [markdown]
# ## 5. Ask it
#
# The test asks about tables that were never seen in training, with names the model has to copy from the
# question. What counts is whether SQLite returns the right rows. The base, with the adapter switched off, and
# the adapted model, on the same 60 questions:

# %%
questions = task.unseen[:60]


def answers():
    limit = task.answer_tokens
    return evaluate_task(
        model, task, questions, model.tokenizer, limit=limit, progress=False
    )


with tuned.disabled():
    before = answers()
after = answers()
print(f"right rows before: {before.metrics['execution']:.0%}")
print(f"right rows after:  {after.metrics['execution']:.0%}")

# %% [markdown]
# A model this small, trained for well under a minute, gets many wrong; `minilora quickstart` trains it for
# longer, and beside full fine-tuning and adapter layers. One answer in full:

# %%
right = task.right(questions, after.predictions)
number = right.index(True)
question, sql = questions[number], after.predictions[number]
print(question.prompt)
print()
print("before:", before.predictions[number].split("\n")[0])
print("after: ", sql)
print("wanted:", question.completion.strip())
print("SQLite:", task.run(question, sql))

# %% [markdown]
# ## 6. What was learned?
#
# $\Delta W = s B A$ is a $256 \times 256$ matrix that can point in at most $r = 8$ directions. Its singular values say how
# strongly it acts along each; after the eighth there is nothing. $W_0$'s own, for comparison, use all 256:

# %%
layer = model.get_module("blocks.3.attention.value")
delta_W = layer.adapters["sql"].update()  # [256, 256]
of_update = np.linalg.svd(delta_W, compute_uv=False)
of_base = np.linalg.svd(layer.base.weight.data, compute_uv=False)

figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(range(1, 33), of_base[:32], "o-", label="W₀", markersize=4)
axes.plot(range(1, 33), of_update[:32], "o-", label="ΔW", markersize=4)
axes.axvline(rank + 0.5, color="gray", linestyle=":", label="r = 8")
axes.set(xlabel="singular value, by size", ylabel="size", ylim=(0, None))
axes.set_title("Singular values of a weight and of its update")
axes.legend()
plt.show()

# %% [markdown]
# ## 7. Merge it, and take it out again
#
# A finished adapter need not stay beside the weight. $W_0 + sBA$ is a matrix like $W_0$, so the adapted model can be as
# fast as the base was (section 4.1): *no additional inference latency*.

# %%
ids = np.array([model.tokenizer.encode(questions[0].prompt)])  # [1, tokens]
kept = layer.base.weight.data.copy()
beside = tuned.logits(ids)

tuned.merge()
merged = tuned.logits(ids)
merge_difference = np.abs(merged - beside).max() / np.abs(beside).max()
print(f"logits, merged or not: relative difference {merge_difference:.1e}")

# %% [markdown]
# The difference is rounding: two ways to add up the same numbers. It is also why one must not
# un-merge by subtraction. In floating point $(W_0 + \Delta W) - \Delta W$ is not $W_0$:

# %%
subtracted = (kept + delta_W) - delta_W
print(
    f"{(subtracted != kept).mean():.0%} of the weights are not what they were"
)

tuned.unmerge()
print(
    "after unmerge, all bits equal:",
    np.array_equal(layer.base.weight.data, kept),
)

# %% [markdown]
# `merge` keeps the old arrays and `unmerge` puts them back.
#
# ## 8. Keep it
#
# What is saved is the adapter alone. A hundred tasks cost one base and a hundred small files:

# %%
with tempfile.TemporaryDirectory() as folder:
    tuned.save(folder)
    adapter_bytes = sum(file.stat().st_size for file in Path(folder).iterdir())
    again = minilora.load_adapter(minilora.load("tiny-gpt"), folder)

model_bytes = 4 * base_parameters  # float32
print(f"the adapter's files: {adapter_bytes / 1e3:,.0f} kB")
print(f"the model's weights: {model_bytes / 1e3:,.0f} kB")

same = np.array_equal(again.logits(ids), tuned.logits(ids))
print("loaded again, logits equal:", same)

# %% [markdown]
# ## What was claimed, checked
#
# A tutorial that is wrong should fail. This one ends by asserting what it said:

# %%
assert largest_difference < 1e-4  # the layer by hand is the library's
assert lora_difference < 1e-5  # and so is LoRA in one line
assert identity_error < 1e-12  # ∂L/∂B = s·G·Aᵀ
assert np.all(dA == 0)  # at the start only B learns
assert tuned.trainable == by_formula  # the paper's count
assert last < 0.6 * first  # it learns
assert (
    after.metrics["execution"] > before.metrics["execution"]
)  # and answers more
assert np.sum(of_update > 1e-5 * of_update[0]) <= rank  # ΔW has rank r at most
assert merge_difference < 1e-4  # merging changes nothing but rounding
assert np.any(subtracted != kept)  # subtracting is not undoing
assert np.array_equal(
    layer.base.weight.data, kept
)  # unmerging is, to the last bit
assert same  # a saved adapter is the same
assert adapter_bytes < 0.05 * model_bytes
print("all of it holds")
