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
# # Many adapters, one model
#
# **You know:** what LoRA adds to a layer and how it is merged (tutorial 01), batches (tutorial 05).
#
# **You will know:** how one model serves many tasks, what it costs to go from one to another, how a single forward pass can give each row of a
# batch an adapter of its own, what the sum of two adapters is and how to make it small again, and what a hundred tasks take on disk.
#
# **Minutes:** twenty-five to read; the code runs in half a minute.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 14.
#
# Section numbers are those of the LoRA paper ([arXiv 2106.09685](https://arxiv.org/abs/2106.09685)).

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora import Tensor
from minilora.data import ExampleLoader
from minilora.data.tasks import load_task
from minilora.lab.switching import storage, switch_cost
from minilora.methods import combine, mixed
from minilora.models.sizes import size
from minilora.train import evaluate_loss

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. Two adapters
#
# One model, two tasks: to write the SQL of a question, and to describe a place from a list of its properties. Each adapter has its own method;
# `add` installs one under a name, `use` makes it the active one. All that is trained is the active adapter; the rest, the other adapter
# included, is frozen.

# %%
model = minilora.load("tiny-gpt")
places = ("query", "value", "up")
tuned = minilora.adapt(model, minilora.LoRA(8, 16, targets=places), name="sql")
tuned.add("text", minilora.LoRA(4, 8, targets=places), rng=1)

tasks = {
    "sql": load_task("nl2sql", seed=0),
    "text": load_task("descriptions", seed=0),
}
for task in tasks.values():
    print(task.train[0].prompt + task.train[0].completion, end="\n\n")


# %%
def loader(examples, rows):
    return ExampleLoader(
        examples, model.tokenizer, rows=rows, context=1024, seed=0
    )


base_before = {
    name: parameter.data.copy()
    for name, parameter in model.named_parameters()
    if "adapters" not in name
}
settings = minilora.Training(steps=40, learning_rate=8e-3, warmup=5)
for name, task in tasks.items():
    tuned.use(name)
    batches = loader(task.train, rows=6).batch
    history = minilora.fit(model, batches, settings, progress=False)
    first, last = np.mean(history.losses[:5]), np.mean(history.losses[-5:])
    print(f"{name}: {tuned.trainable:,} numbers, loss {first:.2f} → {last:.2f}")

base_same = all(
    np.array_equal(parameter.data, base_before[name])
    for name, parameter in model.named_parameters()
    if name in base_before
)
print("the base's weights are what they were, to the last bit:", base_same)

# %% [markdown]
# Does each do its own task, and what does it do to the other? The loss a token, on examples that nobody was trained on:

# %%
held_out = {
    name: [loader(task.validation, rows=24).batch(0)]
    for name, task in tasks.items()
}


def loss_of(adapter, task):
    if adapter is None:
        with tuned.disabled() as base:
            return evaluate_loss(base, held_out[task]).nll
    tuned.use(adapter)
    return evaluate_loss(model, held_out[task]).nll


adapters = (None, "sql", "text")
losses = np.array([[loss_of(a, task) for task in tasks] for a in adapters])

figure, axes = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
picture = axes.imshow(losses, cmap="viridis_r", aspect="auto")
for (i, j), loss in np.ndenumerate(losses):
    dark = loss > losses.mean()
    axes.text(
        j, i, f"{loss:.2f}", ha="center", color="white" if dark else "black"
    )
axes.set_xticks(range(2), ["SQL", "description"])
axes.set_yticks(range(3), ["base alone", "sql", "text"])
axes.set(xlabel="task", ylabel="active adapter")
axes.set_title("Loss per token: each adapter on each task")
figure.colorbar(picture, label="nats")
plt.show()

# %% [markdown]
# ## 2. The price of a switch
#
# Section 4.2 says that one can go from task to task by swapping LoRA's weights alone. There are several ways to do that, and they cost very different amounts:
#
# - **use**: the adapters lie beside the weights, and one word says which is read;
# - **merged**: $W_0 + sBA$ is in the weight's place, and is exchanged for $W_0 + s'B'A'$;
# - **load**: the other adapter is read from its file;
# - **model**: the weights of a whole model are read, as if each task had been fully fine-tuned.

# %%
cost = switch_cost(tuned, "sql", "text", trials=10)
ways = {
    "use": cost.use.median,
    "merged": cost.merged.median,
    "load": cost.load.median,
    "model": cost.model.median,
}
for way, milliseconds in ways.items():
    print(f"{way:7} {milliseconds:7.2f} ms")

figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
axes.barh(list(ways), list(ways.values()), color=["C0", "C1", "C2", "C3"])
axes.set(xscale="log", xlabel="milliseconds (log scale)")
axes.invert_yaxis()
axes.set_title("From one adapter to another, on this machine")
plt.show()

# %% [markdown]
# With a model of six million numbers, whose file the system has just written and still holds in memory, reading all of it takes about as long as reading an adapter
# with all the checks that its file must pass. The bar `model` grows with the model, and so does `merged`, which makes a new array for every adapted weight; `use` does not: it copies
# nothing, whatever the size of the matrices. Let us check that the array is the very same object:

# %%
place = "blocks.2.attention.value"
layer = model.get_module(place)
kept = layer.base.weight.data
tuned.use("text")
same_array = layer.base.weight.data is kept
print("after use, the weight is the same array:", same_array)

# %% [markdown]
# For merged weights the paper recovers $W_0$ by subtracting $BA$ and then adds $B'A'$ (section 4.1, which leaves the scale out). On paper that is exact. In float32 every
# addition rounds; after a hundred switches to and fro the weight is no longer what it was. The library puts the old array back instead:

# %%
sql, text = (layer.adapters[name].update() for name in ("sql", "text"))
W = kept.copy()
for _ in range(100):
    W += sql
    W -= sql
    W += text
    W -= text
changed = np.mean(kept != W)
print(f"subtracted and added: {changed:.0%} of the weights have changed")

before = kept.copy()
for _ in range(10):
    for name in ("sql", "text"):
        tuned.use(name)
        tuned.merge()
        tuned.unmerge()
restored = np.array_equal(layer.base.weight.data, before)
print("put back: all bits equal:", restored)

# %% [markdown]
# ## 3. One batch, several adapters
#
# A server gets questions of many tasks at once. With merged weights a batch can have one adapter only; the paper names this as a limit (section 4.2).
# But as long as the adapters stand **beside** the weight, the rows of a batch need not agree:
#
# $$h_i = W_0 x_i + s_{a(i)}\, B_{a(i)} A_{a(i)}\, x_i \qquad (\text{row } i \text{ has the adapter } a(i))$$
#
# The large product $W_0 x$ is the same for all and is done **once**. The small ones differ. By hand: pile the $A$'s and the $B$'s up, pick each
# row's own by an index, and multiply row by row. Ranks may differ: rows of zeros fill the thinner ones up, and add nothing. A last pair that is
# all zeros stands for *the base alone*.


# %%
def stack(updates):
    """Updates (A: [r, in], B: [out, r], s) -> A: [n, r, in], B: [n, out, r].

    r is the largest rank; B takes the scale in."""
    r = max(len(A) for A, _, _ in updates)
    A = np.stack([np.pad(A, ((0, r - len(A)), (0, 0))) for A, _, _ in updates])
    B = np.stack(
        [np.pad(s * B, ((0, 0), (0, r - B.shape[1]))) for _, B, s in updates]
    )
    return A, B


def mixed_linear(x, W, b, A, B, which):
    """x: [rows, tokens, in]; which: [rows] -> [rows, tokens, out]."""
    y = x @ W.T + b  # once, for all
    narrow = x @ A[which].transpose(0, 2, 1)  # [rows, tokens, r]
    return y + narrow @ B[which].transpose(0, 2, 1)


base = layer.base
updates = [
    (u.A.data, u.B.data, u.scale)
    for u in (layer.adapters["sql"], layer.adapters["text"])
]
A, B = stack([*updates, (0 * updates[0][0], 0 * updates[0][1], 0.0)])
print("A:", A.shape, " B:", B.shape)

rows = ["sql", "text", None, "text", "sql", None]
which = np.array([["sql", "text", None].index(name) for name in rows])
x = rng.standard_normal((6, 20, 256), dtype=np.float32)
mine = mixed_linear(x, base.weight.data, base.bias.data, A, B, which)

# %% [markdown]
# Is each row what it would be alone? And what does the library's layer say?

# %%
alone = np.empty_like(mine)
for row, name in enumerate(rows):
    alone[row] = x[row] @ base.weight.data.T + base.bias.data
    if name is not None:
        alone[row] += x[row] @ layer.adapters[name].update().T
row_error = np.abs(mine - alone).max() / np.abs(alone).max()

with mixed(tuned, rows):
    theirs = layer(Tensor(x)).data
library_error = np.abs(mine - theirs).max() / np.abs(theirs).max()
print(f"your rows against each alone:  {row_error:.0e}")
print(f"your layer, and the library's: {library_error:.0e}")

# %% [markdown]
# Now the whole model. `mixed` sets the names for every layer; the six rows go through together:

# %%
ids = held_out["sql"][0].ids[:6, :24]  # [6, 24]
with mixed(tuned, rows) as several:
    together = several.logits(ids)  # [6, 24, vocabulary]

one_by_one = np.empty_like(together)
for row, name in enumerate(rows):
    if name is None:
        with tuned.disabled() as plain:
            one_by_one[row] = plain.logits(ids[row])
    else:
        tuned.use(name)
        one_by_one[row] = tuned.logits(ids[row])
model_error = np.abs(together - one_by_one).max() / np.abs(one_by_one).max()
print(f"together against one by one, relative: {model_error:.0e}")


# %% [markdown]
# How long does that take, against a pass for each of the three?


# %%
def milliseconds(work):
    took = []
    for _ in range(7):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return 1e3 * np.median(took)


def one_pass():
    with mixed(tuned, rows) as several:
        several.logits(ids)


def three_passes():
    for name in ("sql", "text"):
        tuned.use(name)
        tuned.logits(ids[[i for i, row in enumerate(rows) if row == name]])
    with tuned.disabled() as plain:
        plain.logits(ids[[i for i, row in enumerate(rows) if row is None]])


print(f"one mixed pass: {milliseconds(one_pass):5.1f} ms")
print(f"three passes:   {milliseconds(three_passes):5.1f} ms")

# %% [markdown]
# With six short rows and a small model both take about as long: the arrays are small, and most of the time goes into calling the functions. What counts at
# scale is the arithmetic. A token costs $d^2$ multiplications by $W_0$ and $2dr$ by an adapter, so the adapters' part is $2r/d$: here, and with GPT-3's
# width and the paper's rank 4,

# %%
shares = {"tiny-gpt, r = 8": 2 * 8 / 256, "GPT-3, r = 4": 2 * 4 / 12_288}
for case, share in shares.items():
    print(f"{case:15}  {share:.3%} more multiplications")

# %% [markdown]
# Training can be mixed too. A loss over all rows is a sum over rows, and row $i$ depends on its own adapter only. So the gradient for `sql`
# must be that of its own rows alone, as if the others weren't there (with the same divisor):

# %%
exact = minilora.load("tiny-gpt").astype(np.float64)
pair = minilora.adapt(exact, minilora.LoRA(4, 8, targets="value"), name="sql")
pair.add("text", minilora.LoRA(4, 8, targets="value"), rng=1)
for name in ("sql", "text"):
    for parameter in pair.installed[name].parameters.values():
        parameter.data[...] = 0.05 * rng.standard_normal(parameter.shape)

batch = held_out["sql"][0].rows(slice(0, 4))
A_and_B = list(pair.installed["sql"].parameters.values())
with mixed(pair, ["sql", "text", "sql", "text"]) as several:
    loss = several.loss(batch, divisor=1.0)
    in_the_batch = minilora.gradients(loss, A_and_B)
pair.use("sql")
own_rows = pair.loss(batch.rows([0, 2]), divisor=1.0)
on_its_own = minilora.gradients(own_rows, A_and_B)

gradient_error = max(
    np.abs(a - b).max() / np.abs(b).max()
    for a, b in zip(in_the_batch, on_its_own, strict=True)
)
print(f"gradients, mixed batch against its own rows: {gradient_error:.0e}")

# %% [markdown]
# ## 4. The sum of two adapters
#
# Updates are matrices, and matrices can be added. Nothing has to be multiplied out: put the factors side by side,
#
# $$w_1 s_1 B_1 A_1 + w_2 s_2 B_2 A_2 = \begin{bmatrix} w_1 s_1 B_1 & w_2 s_2 B_2 \end{bmatrix} \begin{bmatrix} A_1 \\ A_2 \end{bmatrix},$$
#
# and the sum is an adapter of rank $r_1 + r_2$. By hand, for one layer, and the library's `combine`, for all of them:

# %%
weights = {"sql": 0.7, "text": 0.7}
wide_B = np.hstack([0.7 * s * B for _, B, s in updates])  # [256, 12]
wide_A = np.vstack([A for A, _, _ in updates])  # [12, 256]
by_hand = wide_B @ wide_A

combine(tuned, weights, name="both")
theirs = layer.adapters["both"].update()
sum_error = np.abs(by_hand - theirs).max() / np.abs(theirs).max()
print(f"rank {len(wide_A)}; by hand and the library's: {sum_error:.0e}")

# %% [markdown]
# Twelve, where the parts had eight and four. After ten such sums the adapter would be large. Among all matrices of rank $r$ the nearest one to $\Delta W$ (in
# the sum of squared differences) keeps the $r$ largest singular values and drops the rest (Eckart and Young, 1936):
#
# $$\Delta W = \sum_i \sigma_i u_i v_i^\top, \qquad \Delta W_r = \sum_{i \le r} \sigma_i u_i v_i^\top, \qquad \frac{\lVert \Delta W - \Delta W_r\rVert}{\lVert \Delta W\rVert} = \sqrt{\frac{\sum_{i>r} \sigma_i^2}{\sum_i \sigma_i^2}} .$$
#
# $\Delta W$ itself is never made for this. With $B = Q_B R_B$ and $A^\top = Q_A R_A$ its singular values are those of $R_B R_A^\top$, twelve by twelve:


# %%
def compress(B, A, rank):
    """The product nearest to BA of this rank, and all singular values."""
    Q_B, R_B = np.linalg.qr(B)  # [out, n], [n, n]
    Q_A, R_A = np.linalg.qr(A.T)
    U, S, Vt = np.linalg.svd(R_B @ R_A.T)  # of an [n, n] matrix
    return (Q_B @ U[:, :rank]) * S[:rank], Vt[:rank] @ Q_A.T, S


wide_A, wide_B = wide_A.astype(np.float64), wide_B.astype(np.float64)
delta = wide_B @ wide_A
small_B, small_A, S = compress(wide_B, wide_A, rank=4)
lost = np.linalg.norm(delta - small_B @ small_A) / np.linalg.norm(delta)
by_formula = np.sqrt(np.sum(S[4:] ** 2) / np.sum(S**2))
directly = np.linalg.svd(delta, compute_uv=False)
svd_error = np.abs(S - directly[:12]).max() / directly[0]
print(f"cut to rank 4 here, lost: {lost:.4f}; by formula: {by_formula:.4f}")
print(f"singular values, small way against large: {svd_error:.0e}")

# %% [markdown]
# The library does it for all layers and returns what was lost at the worst. How small can the sum be, and does it do both tasks?

# %%
ranks = [12, 8, 6, 4, 2, 1]
lost_at, both = [], []
for r in ranks:
    lost_at.append(combine(tuned, weights, name=f"both-{r}", rank=r))
    both.append([loss_of(f"both-{r}", task) for task in tasks])
small = layer.adapters["both-4"].update()
compress_error = np.abs(small - small_B @ small_A).max() / np.abs(small).max()
print("rank  lost   SQL   description")
for r, share, (first, second) in zip(ranks, lost_at, both, strict=True):
    print(f"{r:4}  {share:4.0%}  {first:.2f}  {second:.2f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
left.plot(range(1, 13), S, "o-", markersize=4)
left.set(xlabel="number", ylabel="singular value", ylim=(0, None))
left.set_title(f"The sum's singular values, {place}", fontsize=9)
for j, (name, color) in enumerate(zip(tasks, ("C0", "C1"), strict=True)):
    right.plot(ranks, [b[j] for b in both], "o-", color=color, label=name)
    right.axhline(losses[j + 1, j], color=color, linestyle=":")
right.set(xlabel="rank of the sum", ylabel="loss per token (nats)")
right.set_title("Loss of the sum; dotted: the task's own adapter", fontsize=9)
right.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# The sum is exact arithmetic; that it is good at both tasks is not. Each adapter was trained as if the other did not exist, and their sum lies above
# the dotted lines here. Whether it is good enough is for you to measure, as here, on the tasks you need.
#
# ## 5. A hundred tasks
#
# Section 4.2 counts what many customized models of GPT-3 175B take, with $r = 4$ on query and value and two bytes a number (float16): one base and a
# small file a task, against a whole model a task. By hand, with GPT-3's 96 layers of width 12,288:

# %%
d, layers = 12_288, 96
small = 2 * layers * 2 * d * 4  # query and value; A and B; r = 4
gpt3 = size("gpt3-175b")
method = minilora.LoRA(rank=4, alpha=4, targets=("query", "value"))
print(f"an adapter: {small:,} numbers, {2 * small / 1e6:.1f} MB")
gigabytes = 2 * gpt3.parameters / 1e9
print(f"the model:  {gpt3.parameters:,} numbers, {gigabytes:.0f} GB")

by_hand = 2 * (gpt3.parameters + 100 * small), 2 * 100 * gpt3.parameters
found = storage(gpt3, method, tasks=100)
print(f"100 adapters and the base: {found.adapters / 1e9:6,.0f} GB")
print(f"100 models:                {found.models / 1e12:6.1f} TB")

# %% [markdown]
# The paper prints 354 GB and 35 TB, from 350 GB a model and 35 MB an adapter. Its 35 MB are a ten-thousandth of 350 GB; counted, it is 37.7 MB, or 36 MiB, and the
# model has 174.6 billion numbers. Within 1 %, the two agree.

# %%
counts = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
stored = [storage(gpt3, method, tasks=int(n)) for n in counts]
figure, axes = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
axes.plot(
    counts, [s.models / 1e9 for s in stored], "o-", label="a model a task"
)
axes.plot(
    counts,
    [s.adapters / 1e9 for s in stored],
    "o-",
    label="one model, an adapter a task",
)
axes.set(xscale="log", yscale="log", xlabel="tasks", ylabel="GB, float16")
axes.set_title("What n tasks take on disk: GPT-3 175B, LoRA with r = 4")
axes.legend()
plt.show()

# %% [markdown]
# The hundred adapters together are about one percent of the model they belong to. That is the paper's point: what differs between tasks is small enough to keep, to send, and to
# change at any moment.
#
# ## What was claimed, checked

# %%
assert base_same  # training two adapters left the base alone
assert losses[1, 0] < losses[0, 0]
assert losses[2, 1] < losses[0, 1]
assert losses[1, 0] < losses[2, 0]
assert losses[2, 1] < losses[1, 1]
assert same_array  # a switch copies nothing
assert changed > 0  # subtracting and adding drifts
assert restored  # putting the old array back does not
assert row_error < 1e-5  # mixed by hand: each row as alone
assert library_error < 1e-5  # and as the library's layer
assert model_error < 1e-4  # the same through the whole model
assert gradient_error < 1e-9  # each adapter learns from its own rows
assert sum_error < 1e-5  # a sum is two factors side by side
assert abs(lost - by_formula) < 1e-9  # Eckart and Young
assert svd_error < 1e-12  # without ever making ΔW
assert compress_error < 1e-5  # your compression is the library's
assert lost_at[0] == 0
assert sorted(lost_at) == lost_at
assert (found.adapters, found.models) == by_hand  # counted twice
assert abs(found.adapters / 354e9 - 1) < 0.01  # the paper's 354 GB
assert abs(found.models / 35e12 - 1) < 0.01  # and its 35 TB
print("all of it holds")
