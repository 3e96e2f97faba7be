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
# # Rank: what an update is made of
#
# **You know:** LoRA (tutorial 01), and that every matrix is $U\,\mathrm{diag}(\sigma)\,V^\top$, its singular value decomposition.
#
# **You will know:** how many directions an update really uses, how to tell whether two runs found the same ones, what the paper's
# amplification factor measures, how much of an adapter may be cut off afterwards, and what an *intrinsic dimension* is.
#
# **Minutes:** thirty to read; the code runs in half a minute.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 10. The sections are the paper's: 7.2 and 7.3.

# %%
import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora.data import ExampleLoader
from minilora.data.tasks import load_task
from minilora.lab.compare import measures
from minilora.methods.combine import compress
from minilora.train import evaluate_loss

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. Three adapters
#
# To compare we need adapters that were trained: one of rank 8 and two of rank 32, each from its own seed, so that no two share a start or an
# order of examples. The training is short, and what we find is what forty steps leave behind, not what a long run would.

# %%
task = load_task("nl2sql", seed=0)
base = minilora.load("tiny-gpt")
examples = task.train[:400]


def trained(rank, seed):
    """LoRA on query and value after forty short steps."""
    model = minilora.load("tiny-gpt")
    method = minilora.LoRA(rank, 2.0 * rank, targets=("query", "value"))
    tuned = minilora.adapt(model, method, rng=seed)
    loader = ExampleLoader(
        examples, model.tokenizer, rows=4, context=512, seed=seed
    )
    settings = minilora.Training(steps=40, learning_rate=8e-3, warmup=4)
    minilora.fit(tuned.model, loader.batch, settings, progress=False)
    return tuned


runs = {
    "r = 8": trained(8, seed=0),
    "r = 32": trained(32, seed=1),
    "r = 32, other seed": trained(32, seed=2),
}
place = "blocks.3.attention.value"
factors = {name: measures.factors(tuned) for name, tuned in runs.items()}
A = {name: pairs[place][0] for name, pairs in factors.items()}  # [r, in]
updates = {
    name: 2.0 * pairs[place][1] @ pairs[place][0]  # s = α/r = 2
    for name, pairs in factors.items()
}
W = base.get_module(place).weight.data.astype(np.float64)  # [out, in]
k = W.shape[1]

held_out = ExampleLoader(
    task.validation[:24], base.tokenizer, rows=8, context=512, seed=0
)
questions = [held_out.batch(i) for i in range(held_out.steps_per_epoch)]


def loss_of(model):
    return evaluate_loss(model, questions).nll


loss_before = loss_of(base)
losses = {name: loss_of(tuned.model) for name, tuned in runs.items()}
print(f"loss a token, not adapted: {loss_before:.2f}")
for name, loss in losses.items():
    print(f"{name + ':':26} {loss:.2f}")

# %% [markdown]
# ## 2. Singular values
#
# $\Delta W = sBA$ has at most $r$ singular values that are not zero. But they need not be alike. One number for how many directions are *really* in use is the
# effective rank (Roy & Vetterli, 2007): with $p_i = \sigma_i / \sum \sigma$,
#
# $$\mathrm{erank} = \exp\Bigl(-\sum_i p_i \ln p_i\Bigr) .$$
#
# It is $r$ if all $r$ are equal and 1 if one has everything.


# %%
def singular_values(X):
    return np.linalg.svd(X, compute_uv=False)


def effective_rank(values):
    p = values[values > 1e-6 * values[0]]
    p = p / values.sum()
    return np.exp(-(p * np.log(p)).sum())


spectra = {name: singular_values(X) for name, X in updates.items()}
spectra["W₀"] = singular_values(W)
ranks = {name: effective_rank(values) for name, values in spectra.items()}
for name, rank in ranks.items():
    print(f"{name:20} effective rank {rank:6.1f}")

figure, axes = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
for name, values in spectra.items():
    axes.semilogy(range(1, 41), values[:40] / values[0] + 1e-9, label=name)
axes.set_ylim(1e-3, 1.5)
axes.set_title("Singular values of three updates and of the weight")
axes.set_xlabel("number, by size")
axes.set_ylabel("size, beside the first")
axes.legend()
plt.show()

# %% [markdown]
# The curves of the updates fall fast; after $r$ they drop to nothing (the picture cuts them off). The weight's own go on.
#
# ## 3. The same subspace?
#
# Equation 4 of the paper measures how much two subspaces share. With $U_A^i$ the first $i$ **right** singular vectors of $A$ as columns,
#
# $$\phi(A, A', i, j) = \frac{\lVert U_A^{i\top} U_{A'}^{j} \rVert_F^2}{\min(i, j)} \in [0, 1] .$$
#
# 1 where the smaller lies within the larger, 0 where they are orthogonal. For $i = j = p$, and distance $d^2$ of the two projections (half of $\lVert P - P' \rVert_F^2$),
# appendix G gives $\phi = \frac{1}{p}(1 - d^2)$; from its own definitions it is $1 - d^2/p$. Try both:


# %%
def right_vectors(X, number):
    """The first right singular vectors, as columns: [in, number]."""
    return np.linalg.svd(X, full_matrices=False)[2][:number].T


def similarity(X, Y, i, j):
    shared = right_vectors(X, i).T @ right_vectors(Y, j)
    return (shared**2).sum() / min(i, j)


first, second = A["r = 8"], A["r = 32"]
p = 4
U, V = right_vectors(first, p), right_vectors(second, p)
distance = ((U @ U.T - V @ V.T) ** 2).sum() / 2
phi = similarity(first, second, p, p)
print(f"φ = {phi:.6f}")
print(f"1 − d²/p   = {1 - distance / p:.6f}")
print(f"(1 − d²)/p = {(1 - distance) / p:.6f}, which is not even positive")

# %% [markdown]
# What does a number like that mean? Two **random** subspaces of a space of $k$ dimensions share $\max(i, j)/k$ on average. Only what is above this is a finding:

# %%
pairs = [(1, 8), (4, 4), (8, 8), (8, 32)]
chance = {}
for i, j in pairs:
    drawn = [
        similarity(
            rng.standard_normal((i, k)), rng.standard_normal((j, k)), i, j
        )
        for _ in range(60)
    ]
    chance[i, j] = np.mean(drawn)
    print(
        f"i = {i}, j = {j:2}: {chance[i, j]:.4f}, expected {max(i, j) / k:.4f}"
    )

# %% [markdown]
# The paper compares the singular vectors of the matrices $A$ (its figures 3 and 4). There is a catch. $(BR)(R^{-1}A)$ is the *same adapter* for every invertible
# $R$ (the gauge, tutorial 09). Does $\phi$ of $A$ see the same? And $\phi$ of the product $BA$?

# %%
B8, A8 = factors["r = 8"][place][::-1]
R = np.diag(np.logspace(0, 2, 8)) @ np.linalg.qr(rng.standard_normal((8, 8)))[0]
A_other, B_other = np.linalg.solve(R, A8), B8 @ R  # the same adapter
gauge = {
    "φ of A, all 8 directions": (A8, A_other, 8),
    "φ of A, the first 2": (A8, A_other, 2),
    "φ of BA, the first 2": (B8 @ A8, B_other @ A_other, 2),
}
same = {name: similarity(X, Y, n, n) for name, (X, Y, n) in gauge.items()}
for name, value in same.items():
    print(f"{name + ':':26} {value:.3f}")

# %% [markdown]
# An adapter that is compared with *itself*, written another way, should give 1. The whole row space of $A$ does. But which of its directions come **first** is a
# property of $BA$, not of $A$. So we look at both; the maps show $\phi$ of ranks 8 and 32, as the paper's figure 3 does with 8 and 64, and of two seeds, as
# figure 4:


# %%
def map_of(X, Y, rows=8, columns=16):
    """φ for every i up to rows and j up to columns."""
    shared = right_vectors(X, rows).T @ right_vectors(Y, columns)
    total = (shared**2).cumsum(0).cumsum(1)
    i, j = np.ogrid[1 : rows + 1, 1 : columns + 1]
    return total / np.minimum(i, j)


names = ["r = 8", "r = 32", "r = 32, other seed"]
maps = {
    "A, r = 8 and 32": map_of(A[names[0]], A[names[1]]),
    "A, two seeds": map_of(A[names[1]], A[names[2]]),
    "ΔW, r = 8 and 32": map_of(updates[names[0]], updates[names[1]]),
    "ΔW, two seeds": map_of(updates[names[1]], updates[names[2]]),
    "by chance": map_of(*rng.standard_normal((2, 32, k))),
}
brightest = max(values.max() for values in maps.values())
figure, axes = plt.subplots(
    1, 5, figsize=(11, 2.6), layout="constrained", sharey=True
)
for ax, (name, values) in zip(axes, maps.items(), strict=True):
    picture = ax.imshow(
        values,
        vmin=0,
        vmax=brightest,
        aspect="auto",
        extent=(0.5, 16.5, 8.5, 0.5),
    )
    ax.set_title(name, fontsize=10)
    ax.set_xlabel("j")
axes[0].set_ylabel("i")
figure.colorbar(picture, label="φ")
plt.show()
for name, values in maps.items():
    print(
        f"{name:18} φ(1, 1) = {values[0, 0]:.2f}, φ(8, 8) = {values[7, 7]:.2f}"
    )

# %% [markdown]
# Read it against *by chance*. The paper's finding (section 7.2, GPT-3, whole trainings) is that the *top* direction is shared, with $\phi > 0.5$, and the others are not.
# Do these runs show it?

# %%
top = {name: values[0, 0] for name, values in maps.items()}
for name, value in top.items():
    verdict = "shared" if value > 0.5 else "not shared"
    print(f"top direction, {name}: {verdict} ({value:.2f})")

# %% [markdown]
# Where it says *not shared*, the paper's finding is **not** seen at this scale: after forty steps of a small model two runs have each found directions that lower the loss, and
# not the same ones. What stands above chance is little. A longer training, or more examples a step, may change that; nothing here says that it would.

# %% [markdown]
# ## 4. The amplification factor
#
# Does $\Delta W$ strengthen what $W$ does already? Take the first $r$ singular vectors of $\Delta W$, left as $U$ and right as $V$, and ask how large $W$ is between them: $\lVert U^\top W V\rVert_F$, with vectors as
# columns. (Section 7.3 prints $U^\top W V^\top$, which only fits if $V$ is stored as rows.) The **amplification factor** is
#
# $$\frac{\lVert \Delta W \rVert_F}{\lVert U^\top W V \rVert_F} .$$
#
# Table 7 does it with the directions of $\Delta W$, with those of $W$ itself and with random ones. For random ones the answer is known beforehand:
# $\lVert W\rVert_F\, r/d$.


# %%
def within(W, X, number):
    """‖Uᵀ W V‖ for the first singular vectors of X."""
    U, _, Vt = np.linalg.svd(X)
    return np.linalg.norm(U[:, :number].T @ W @ Vt[:number].T)


number = 8
delta = updates["r = 8"]
table = {
    "ΔW": within(W, delta, number),
    "W": within(W, W, number),
    "random": within(W, rng.standard_normal(W.shape), number),
}
norm_of_W = np.linalg.norm(W)
expected = norm_of_W * number / len(W)
print(f"‖W‖ = {norm_of_W:.2f}, ‖ΔW‖ = {np.linalg.norm(delta):.2f}")
for name, value in table.items():
    print(f"directions of {name + ':':8} {value:.3f}")
print(f"random ones, expected: {expected:.3f}")
amplification = np.linalg.norm(delta) / table["ΔW"]
print(f"amplification factor: {amplification:.1f}")

# the paper's: layer 48 of GPT-3, r = 4
print(f"paper: {6.91 / 0.32:.1f}; its random, expected {61.95 * 4 / 12288:.4f}")

figure, axes = plt.subplots(figsize=(6, 2.2), layout="constrained")
axes.barh(list(table)[::-1], list(table.values())[::-1], color="C0")
axes.axvline(expected, color="gray", linestyle=":", label="‖W‖ r/d")
axes.set_title("How much of W lies within 8 directions")
axes.set_xlabel("‖UᵀWV‖")
axes.legend()
plt.show()

# %% [markdown]
# Nothing can be above the bar of $W$ itself: its top $r$ singular values are the most that any $r$ directions can hold. How near $\Delta W$ comes to either end says
# whether it works along what $W$ emphasises. And one must be careful with the factor: its numerator grows with every step of training, so that factors of runs of different length
# say little about one another.
#
# ## 5. Cutting off
#
# If few directions matter, the others can be cut off *after* training. The best approximation of rank $q$ keeps the top $q$ singular values (Eckart & Young, 1936), and
# what is lost is known in advance: $\lVert \Delta W - \Delta W_q\rVert^2 = \sum_{i>q}\sigma_i^2$.


# %%
def truncated(X, rank):
    U, values, Vt = np.linalg.svd(X, full_matrices=False)
    return (U[:, :rank] * values[:rank]) @ Vt[:rank]


large = runs["r = 32"]
B32, A32 = factors["r = 32"][place][::-1]
cut = truncated(updates["r = 32"], 4)
lost = np.linalg.norm(updates["r = 32"] - cut)
by_values = np.sqrt((spectra["r = 32"][4:] ** 2).sum())

# the library never makes the product
(B4, A4), lost_share = compress(2.0 * B32, A32, 4)
their_error = np.linalg.norm(B4 @ A4 - cut) / np.linalg.norm(cut)
share = lost / np.linalg.norm(updates["r = 32"])
print(f"lost: {lost:.6f}; by the singular values: {by_values:.6f}")
print(f"lost share: {share:.4f}; the library: {lost_share:.4f}")
print(f"yours and the library's differ by {their_error:.1e}")

# %% [markdown]
# That is the error of the *matrix*. What the loss thinks of it is another question. Cut all twelve updates of the adapter of rank 32 to rank $q$:

# %%
kept = [0, 1, 2, 4, 8, 16, 32]
after_cut = []
for q in kept:
    model = minilora.load("tiny-gpt")
    for path, (A_, B_) in factors["r = 32"].items():
        weight = model.get_module(path).weight
        weight.data = weight.data + truncated(2.0 * B_ @ A_, q).astype(
            np.float32
        )
    after_cut.append(loss_of(model))
    print(f"rank {q:2}: loss {after_cut[-1]:.3f}")

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(range(len(kept)), after_cut, "o-")
axes.set_xticks(range(len(kept)), kept)
axes.axhline(
    losses["r = 8"], color="gray", linestyle=":", label="trained at r = 8"
)
axes.set_title("Loss of an adapter of rank 32, cut to rank q")
axes.set_xlabel("rank q that is kept")
axes.set_ylabel("loss a token")
axes.legend()
plt.show()

# %% [markdown]
# ## 6. Intrinsic dimension
#
# Why should a low rank suffice at all? The paper starts from a measurement of Li et al. (2018), which Aghajanyan et al. (2020) made on language models: train not all $D$ parameters but
# $\theta = \theta_0 + Pz$ with a fixed *random* $P$ of shape $D \times n$. The smallest $n$ with which the task is solved is its **intrinsic dimension**.
#
# Where it is known, the method finds it. Let the task be ten equations in a thousand unknowns. Solutions fill a plane of 990 dimensions, and a random subspace meets
# it as soon as it has ten:

# %%
equations = rng.standard_normal((10, 1000)) / np.sqrt(1000)
wanted = rng.standard_normal(10)
dimensions = np.arange(1, 21)
left = []
for n in dimensions:
    P = rng.standard_normal((1000, n))
    z, *_ = np.linalg.lstsq(equations @ P, wanted, rcond=None)
    left.append(((equations @ P @ z - wanted) ** 2).sum())
solved = dimensions[np.array(left) < 1e-12]
print("solved with", solved[0], "dimensions or more, of 1,000")

# %% [markdown]
# On `tiny-gpt` we take a random subspace that LoRA has at hand: $\Delta W = B_0 Z A_0$ with random orthonormal $A_0$ and $B_0$ that stay, and only the square $Z$ is trained, from
# zero. By the chain rule $\partial Z = B_0^\top\,\partial B$ if $B = B_0 Z$. Twelve layers of $m \times m$ numbers:


# %%
def in_subspace(m, steps=25, rate=0.05):
    """The loss after training Z alone, with m × m numbers a layer."""
    draw = np.random.default_rng(m)
    model = minilora.load("tiny-gpt")
    method = minilora.LoRA(m, float(m), targets=("query", "value"))  # s = 1
    tuned = minilora.adapt(model, method)
    paths = [name[:-2] for name in tuned.parameters if name.endswith(".B")]
    fixed = {}
    for path in paths:
        A_, B_ = (
            np.linalg.qr(draw.standard_normal((k, m)))[0].astype(np.float32)
            for _ in range(2)
        )
        tuned.parameters[f"{path}.A"].data = A_.T.copy()
        tuned.parameters[f"{path}.A"].trainable = False
        fixed[path] = B_
    Z = {
        path: minilora.Tensor(np.zeros((m, m), np.float32), trainable=True)
        for path in paths
    }
    loader = ExampleLoader(
        examples, model.tokenizer, rows=4, context=512, seed=0
    )
    state = minilora.train.AdamW(rate, weight_decay=0.0).start(list(Z.values()))
    for step in range(steps):
        Bs = [tuned.parameters[f"{path}.B"] for path in paths]
        found = minilora.gradients(tuned.loss(loader.batch(step)), Bs)
        state.step(
            [fixed[path].T @ g for path, g in zip(paths, found, strict=True)],
            rate * (1 - step / steps),
        )
        for path, B_ in zip(paths, Bs, strict=True):
            B_.data = fixed[path] @ Z[path].data
    return loss_of(tuned.model)


sizes = [2, 8, 32]
numbers = [12 * m * m for m in sizes]
subspace = [in_subspace(m) for m in sizes]
for n, loss in zip(numbers, subspace, strict=True):
    print(f"{n:6,} numbers: loss {loss:.2f}")

figure, (left_, right_) = plt.subplots(
    1, 2, figsize=(8.5, 3), layout="constrained"
)
left_.semilogy(dimensions, np.maximum(left, 1e-30), "o-")
left_.set_title("Ten equations: what is left")
left_.set_xlabel("dimensions of the subspace")
right_.semilogx(numbers, subspace, "o-", label="random subspaces")
right_.axhline(loss_before, color="gray", linestyle=":", label="not adapted")
right_.set_title("NL2SQL: loss after 25 steps")
right_.set_xlabel("trained numbers")
right_.legend()
plt.show()

# %% [markdown]
# There is no sharp corner here, and 25 steps do not solve the task at any size; a true measurement trains every size to its end. But that a few thousand random directions out of millions go downhill at
# all is the observation that LoRA was built on. LoRA does better than a random subspace of as many numbers because it may *choose* its directions.
#
# ## What was claimed, checked

# %%
assert max(losses.values()) < 0.9 * loss_before  # they were trained
for name, rank in (("r = 8", 8), ("r = 32", 32)):
    assert ranks[name] <= rank + 1e-6
    assert np.all(spectra[name][rank:] < 1e-9 * spectra[name][0])
    theirs = measures.effective_rank(measures.singular_values(updates[name]))
    assert abs(ranks[name] - theirs) < 1e-3  # yours is the library's
assert abs(phi - (1 - distance / p)) < 1e-9  # not (1 − d²)/p
assert abs(phi - (1 - distance) / p) > 0.1
for (i, j), mean in chance.items():
    assert abs(mean - max(i, j) / k) < 0.3 * max(i, j) / k  # chance
assert abs(same["φ of A, all 8 directions"] - 1) < 1e-9
assert same["φ of A, the first 2"] < 0.99  # depends on the gauge
assert abs(same["φ of BA, the first 2"] - 1) < 1e-6  # and does not
for values in maps.values():
    assert 0 <= values.min() <= values.max() <= 1 + 1e-9
top_of_W = np.sqrt((spectra["W₀"][:number] ** 2).sum())
assert abs(table["W"] - top_of_W) < 1e-9
assert table["ΔW"] <= table["W"]  # nothing is above W's own
assert 0.5 < table["random"] / expected < 2
assert abs(lost - by_values) < 1e-9  # Eckart and Young
assert their_error < 1e-9
assert abs(share - lost_share) < 1e-9
assert abs(after_cut[0] - loss_before) < 1e-4  # nothing kept
assert abs(after_cut[-1] - losses["r = 32"]) < 1e-3  # nothing cut
assert solved[0] == 10  # Li et al.'s own example
assert subspace[-1] < loss_before
print("all of it holds")
