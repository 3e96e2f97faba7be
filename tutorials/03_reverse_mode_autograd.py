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
# # Reverse-mode autograd from scratch
#
# **You know:** Python, NumPy arrays, the derivative of a function of one variable, and the chain rule.
#
# **You will know:** what a pullback is, why one sweep backwards gives the gradient with respect to
# millions of weights, how broadcasting hides a sum, how to write the whole engine in sixty lines, and how
# to find out whether a gradient is right without trusting whoever derived it.
#
# **Minutes:** thirty to read; the code runs in a few seconds.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 03.

# %%
import weakref

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora import ops

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. One number through three steps
#
# Take $L = \sin(x^2) \cdot 3$. A program computes it step by step, and each step is a function whose derivative we know:
#
# $$a = x^2, \qquad b = \sin a, \qquad L = 3b .$$
#
# The chain rule multiplies the derivatives of the steps:
#
# $$\frac{dL}{dx} = \frac{dL}{db}\cdot\frac{db}{da}\cdot\frac{da}{dx} = 3 \cdot \cos a \cdot 2x .$$
#
# Multiplied from the left, we start at the end and walk back to the input. Each step then does one thing: it
# takes the derivative of $L$ with respect to its *output* and returns the derivative with respect to its *input*. That function
# is the step's **pullback**:

# %%
x = 0.7
a = x**2
b = np.sin(a)
L = 3 * b

pullbacks = [
    lambda g: g * 3,  # of L = 3b
    lambda g: g * np.cos(a),  # of b = sin a
    lambda g: g * 2 * x,  # of a = x²
]
g = 1.0  # dL/dL
for pullback in pullbacks:
    g = pullback(g)

by_formula = 3 * np.cos(x**2) * 2 * x
print(f"walked back: {g:.12f}")
print(f"by formula:  {by_formula:.12f}")
chain_error = abs(g - by_formula)

# %% [markdown]
# ## 2. The same for arrays
#
# Let $y = f(x)$ be a step on arrays and $L$ a number that depends on $y$. Write $\bar y = \partial L/\partial y$, an array of
# the shape of $y$. The pullback returns $\bar x = \partial L/\partial x$, of the shape of $x$:
#
# $$\bar x_i = \sum_j \bar y_j\,\frac{\partial y_j}{\partial x_i} .$$
#
# As matrices this is $\bar x = J^\top \bar y$ with the Jacobian $J$; but **nobody forms $J$**. For a product of matrices
# $Y = XW$ the sum can be done on paper once and for all:
#
# $$\bar X = \bar Y\, W^\top, \qquad \bar W = X^\top \bar Y .$$
#
# The shapes alone nearly give it away: no other product of these matrices fits. Let us see what the Jacobian would have cost.

# %%
X = rng.standard_normal((30, 20))
W = rng.standard_normal((20, 40))
g_of_Y = rng.standard_normal((30, 40))  # as if it came from the steps after

by_pullback = g_of_Y @ W.T  # [30, 20]

jacobian = np.einsum("ik,lj->ijkl", np.eye(30), W)  # ∂Y[i, j] / ∂X[k, l]
by_jacobian = np.einsum("ij,ijkl->kl", g_of_Y, jacobian)

jacobian_error = np.abs(by_pullback - by_jacobian).max()
print(f"largest difference: {jacobian_error:.1e}")
print(f"numbers in the Jacobian: {jacobian.size:,}")
print(f"numbers in X and W:      {X.size + W.size:,}")

# %% [markdown]
# That is why training walks *backwards*. The loss is one number, so $\bar y$ is never larger than $y$, and one
# walk gives the gradient with respect to every input at once. Walking forwards one would need one walk an input: 5.9 million
# for `tiny-gpt`.
#
# ## 3. Broadcasting hides a sum
#
# In $y = x + b$ with $x$ of shape `[4, 3]` and $b$ of shape `[3]`, NumPy uses each $b_j$ four times. What is used
# several times gets several shares of the gradient, and they **add up**:

# %%


def unbroadcast(g, shape):
    """Sum g over the axes along which an array of this shape was repeated."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))  # axes put in front
    stretched = [i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1]
    return g.sum(axis=tuple(stretched), keepdims=True).reshape(shape)


g_of_y = np.ones((4, 3))
print("gradient of b:", unbroadcast(g_of_y, (3,)))
print("of a column:  ", unbroadcast(g_of_y, (4, 1)).ravel())

# %% [markdown]
# ## 4. The engine
#
# Real programs are not chains: a weight is used in many places, a residual stream splits and joins. So we write down
# *what was computed from what* while the program runs: the **tape**. Each array gets a node; a node holds pairs
# `(parent, pullback)`.
#
# A node holds **no data**. What a pullback needs, its closure has captured. Remember this; it is where LoRA's saving comes
# from.


# %%
class Node:
    """A place on the tape."""

    count = 0

    def __init__(self, parents=()):
        self.parents = parents  # pairs (node, pullback)
        Node.count += 1
        self.number = Node.count  # nodes are numbered as they are made


class Tensor:
    """An array, and its place on the tape; None for a constant."""

    def __init__(self, data, trainable=False, node=None):
        self.data = np.asarray(data)
        self.node = Node() if trainable else node

    def __add__(self, other):
        return add(self, other)

    def __mul__(self, other):
        return multiply(self, other)

    def __matmul__(self, other):
        return matmul(self, other)


def op(function):
    """A function on arrays that returns its value and a pullback for each
    input becomes a function on tensors that writes the tape."""

    def apply(*inputs):
        tensors = [t if isinstance(t, Tensor) else Tensor(t) for t in inputs]
        value, pullbacks = function(*[t.data for t in tensors])
        parents = [
            (t.node, pullback)
            for t, pullback in zip(tensors, pullbacks, strict=True)
            if t.node is not None  # nobody asks for a constant's gradient
        ]
        return Tensor(value, node=Node(parents) if parents else None)

    return apply


# %% [markdown]
# With `op` every function we will ever need looks the same, the value first and then one pullback for each input:


# %%
@op
def add(x, y):
    return x + y, (
        lambda g: unbroadcast(g, x.shape),
        lambda g: unbroadcast(g, y.shape),
    )


@op
def multiply(x, y):
    return x * y, (
        lambda g: unbroadcast(g * y, x.shape),
        lambda g: unbroadcast(g * x, y.shape),
    )


@op
def matmul(x, W):
    return x @ W, (lambda g: g @ W.T, lambda g: x.T @ g)


@op
def tanh(x):
    y = np.tanh(x)
    return y, (lambda g: g * (1 - y * y),)  # tanh' = 1 − tanh²


@op
def mean(x):
    return x.mean(), (lambda g: np.broadcast_to(g / x.size, x.shape),)


# %% [markdown]
# And backwards. A node may pass its gradient on only when **all** its shares are in. Everything that used a
# node was made after it and has a higher number; so it is enough to go through the nodes from the highest number
# to the lowest. It is a loop, not a recursion, and no chain is too long for it:


# %%
def gradients(loss, wrt):
    """∂loss/∂t for each tensor t of wrt."""
    found, to_visit, reached = {loss.node: np.ones(())}, [loss.node], set()
    while to_visit:  # every node that the loss depends on
        node = to_visit.pop()
        if node not in reached:
            reached.add(node)
            to_visit += [parent for parent, _ in node.parents]
    for node in sorted(reached, key=lambda node: -node.number):
        for parent, pullback in node.parents:
            share = pullback(found[node])
            # not +=: the first share may be an array that others hold too
            found[parent] = found[parent] + share if parent in found else share
    return [found.get(t.node) for t in wrt]


# %% [markdown]
# The function $L = x \cdot x + x$ uses $x$ three times; its derivative is $2x + 1$. Engines that *overwrite* a gradient where they
# should add fail here:

# %%
x = Tensor(np.array(5.0), trainable=True)
(twice,) = gradients(x * x + x, [x])
print("x·x + x at 5:", twice)

long = x
for _ in range(20_000):
    long = long + 0.5
(through_a_long_chain,) = gradients(long, [x])
print("through 20,000 sums:", through_a_long_chain)

# %% [markdown]
# ## 5. Is a gradient right?
#
# A wrong pullback does not crash. Training just goes worse, and nobody knows why. So we check every one of them against
# the definition of the derivative, **central differences**:
#
# $$\frac{\partial L}{\partial x_i} \approx \frac{L(x + \varepsilon e_i) - L(x - \varepsilon e_i)}{2\varepsilon} .$$
#
# How small should $\varepsilon$ be? Taylor's formula says that the error falls with $\varepsilon^2$. But the difference of two nearly
# equal numbers loses digits, and that error *grows* as $1/\varepsilon$:


# %%
def by_differences(function, x, epsilon):
    """The gradient of a function of one array, an element at a time."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = epsilon
        gradient[i] = (function(x + step) - function(x - step)) / (2 * epsilon)
    return gradient


values = rng.standard_normal(6)
true_gradient = (1 - np.tanh(values) ** 2) / values.size


def loss_of(x):
    return np.tanh(x).mean(dtype=x.dtype)


epsilons = 10.0 ** np.arange(-12, 0)
errors = {}
for dtype in (np.float64, np.float32):
    at = values.astype(dtype)
    errors[dtype.__name__] = [
        np.abs(by_differences(loss_of, at, dtype(e)) - true_gradient).max()
        for e in epsilons
    ]

figure, axes = plt.subplots(figsize=(6, 3.4))
for name, error in errors.items():
    axes.loglog(epsilons, error, "o-", label=name)
axes.set_title("Error of central differences against the step")
axes.set_xlabel("step ε")
axes.set_ylabel("largest error")
axes.legend()
figure.tight_layout()
plt.show()

best_step = epsilons[np.argmin(errors["float64"])]
print(f"best step in float64: {best_step:.0e}")
print(f"its error:            {min(errors['float64']):.1e}")
print(f"float32 at its best:  {min(errors['float32']):.1e}")

# %% [markdown]
# Two lessons. Gradients are checked in **float64**: in float32 no step shows more than a few digits, and a check
# that accepts an error of a percent accepts mistakes. And the step is neither large nor tiny. Does the check *catch* anything?
# Here is a pullback with a common mistake, the derivative taken of the input where the output was meant:


# %%
@op
def wrong_tanh(x):
    y = np.tanh(x)
    return y, (lambda g: g * (1 - x * x),)


def check(function, x):
    """The largest error of an op's gradient, relative to the gradient."""
    t = Tensor(x, trainable=True)
    (found,) = gradients(mean(function(t)), [t])
    expected = by_differences(lambda x: mean(function(x)).data, x, 1e-5)
    return np.abs(found - expected).max() / np.abs(expected).max()


right_check, wrong_check = check(tanh, values), check(wrong_tanh, values)
print(f"tanh:       {right_check:.1e}")
print(f"wrong tanh: {wrong_check:.1e}")

# %% [markdown]
# The library registers every op with inputs to check it on, and a test goes over the register; no op can escape
# (`minilora gradcheck` runs it for you). How many are there?

# %%
from minilora.autograd import REGISTRY

print(len(REGISTRY), "ops:", ", ".join(sorted(REGISTRY)[:8]), "…")

# %% [markdown]
# ## 6. What a frozen weight saves
#
# Look at `matmul` again. Its first pullback needs $W$, its second needs $x$. If $W$ is a constant, `op` drops the second
# pullback, and with it the only thing that held on to $x$. Python then frees $x$ by itself:

# %%


def is_kept(trainable):
    """Whether x @ W keeps x alive when nobody else does."""
    x = rng.standard_normal((8, 4))
    watched = weakref.ref(x)  # looks at x without keeping it
    upstream = Tensor(x, trainable=True)
    W = Tensor(np.eye(4), trainable=trainable)
    y = upstream @ W
    del x, upstream
    kept = watched() is not None
    del y
    return kept


kept_when_trained, kept_when_frozen = is_kept(True), is_kept(False)
print("W trained, x kept for backward:", kept_when_trained)
print("W frozen, x kept for backward: ", kept_when_frozen)

# %% [markdown]
# This is LoRA's saving of memory, and nobody wrote a line for it. A model whose weights are frozen keeps little for the
# backward pass, and computes no gradient of them; only the thin $A$ and $B$ are asked for. What a step costs follows from
# who asks.
#
# ## 7. Your engine and the library's
#
# `minilora.Tensor` is the same idea with more ops. A network of two layers, in both:

# %%
inputs = np.linspace(-3, 3, 64)[:, None]  # [64, 1]
wanted = np.sin(inputs)
start = [
    rng.standard_normal((1, 16)),
    rng.standard_normal(16),
    rng.standard_normal((16, 1)) / 4,
    np.zeros(1),
]

mine = [Tensor(w, trainable=True) for w in start]
W1, b1, W2, b2 = mine
error = tanh(Tensor(inputs) @ W1 + b1) @ W2 + b2 + -wanted
my_loss = mean(error * error)
my_gradients = gradients(my_loss, mine)

theirs = [minilora.Tensor(w, trainable=True) for w in start]
W1, b1, W2, b2 = theirs
error = ops.tanh(minilora.Tensor(inputs) @ W1 + b1) @ W2 + b2 - wanted
their_loss = (error * error).mean()
their_gradients = minilora.gradients(their_loss, theirs)

engine_errors = [
    np.abs(a - b).max() / np.abs(b).max()
    for a, b in zip(my_gradients, their_gradients, strict=True)
]
print(f"loss: {my_loss.data:.12f} and {their_loss.item():.12f}")
print("gradients differ by", ", ".join(f"{e:.0e}" for e in engine_errors))

# %% [markdown]
# And it learns. A few hundred steps downhill with your engine:

# %%
weights = [w.copy() for w in start]
losses = []
for _ in range(600):
    tensors = [Tensor(w, trainable=True) for w in weights]
    W1, b1, W2, b2 = tensors
    outputs = tanh(Tensor(inputs) @ W1 + b1) @ W2 + b2
    error = outputs + -wanted
    loss = mean(error * error)
    for w, g in zip(weights, gradients(loss, tensors), strict=True):
        w -= 0.05 * g
    losses.append(float(loss.data))

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
left.semilogy(losses)
left.set_title("Loss of your network")
left.set_xlabel("step")
right.plot(inputs, wanted, label="sin x")
right.plot(inputs, outputs.data, "--", label="network")
right.set_title("What it learned")
right.set_xlabel("x")
right.legend()
figure.tight_layout()
plt.show()
print(f"loss: {losses[0]:.3f} at the start, {losses[-1]:.4f} at the end")

# %% [markdown]
# The library's engine is `minilora/autograd/`: `tape.py` has the node and the loop, `op.py` the decorator, `check.py` the
# differences. It differs from yours in three small things: a node knows its *depth* rather than its number (so that tapes on
# several threads don't share a counter), a gradient is freed as soon as it is passed on, and a tape that has been used
# refuses to be used again.
#
# ## What was claimed, checked

# %%
assert chain_error < 1e-12  # pullbacks are the chain rule
assert jacobian_error < 1e-12  # and J transposed, without J
assert unbroadcast(g_of_y, (3,)).tolist() == [4, 4, 4]
assert unbroadcast(g_of_y, (4, 1)).ravel().tolist() == [3, 3, 3, 3]
assert twice == 11  # shares add up
assert through_a_long_chain == 1  # no recursion
assert 1e-8 < best_step < 1e-3  # neither large nor tiny
assert min(errors["float32"]) > 1000 * min(errors["float64"])
assert right_check < 1e-8
assert wrong_check > 1e-2  # the check catches a mistake
assert kept_when_trained
assert not kept_when_frozen  # who isn't asked keeps nothing
assert abs(my_loss.data - their_loss.item()) < 1e-12
assert max(engine_errors) < 1e-12  # your engine is the library's
assert losses[-1] < 0.05 * losses[0]  # and it learns
print("all of it holds")
