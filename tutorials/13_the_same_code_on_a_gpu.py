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
# # The same code on a GPU
#
# **You know:** arrays and backends (tutorial 02), what a training step is (tutorial 06), LoRA (tutorial 08).
#
# **You will know:** why one program runs on both, what a card does while the host goes on, what makes the host wait and how to find such places, how to time
# work on a device, and what a fused kernel saves.
#
# **Minutes:** twenty to read; the code runs in half a minute.
#
# Where this machine has no card that CuPy reaches, the cells that need one say so and are left out; no figure of a card stands here that was not measured when this page was made.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora.backend import (
    elementwise,
    namespace,
    synchronise,
    to_device,
    to_host,
)
from minilora.backend.devices import cuda
from minilora.data import Batch
from minilora.models.gpt import GPT, GPTConfig
from minilora.train import fit

found = cuda()
device = "cuda" if found.reason is None else "cpu"
where = found.cards[0].name if found.cards and device == "cuda" else "the CPU"
print(f"computing on {where}")
if found.reason is not None:
    print(f"CUDA cannot be used here: {found.reason}")

# %% [markdown]
# ## 1. The array decides
#
# CuPy has NumPy's functions for arrays that lie in the memory of a card. So a function that asks its *argument* for the module runs wherever the argument is: no
# switch, no `if`, no second version. `namespace(x)` answers `numpy` or `cupy`.


# %%
def softmax(x):
    xp = namespace(x)
    e = xp.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


rng = np.random.default_rng(0)
host = rng.standard_normal((4, 1000))
there = to_device(host, device)
answer = softmax(there)
print(type(answer).__module__, "computed it;", namespace(answer).__name__)
softmax_apart = np.abs(to_host(answer) - softmax(host)).max()
print(f"at most {softmax_apart:.1e} from NumPy's")

# %% [markdown]
# Arrays of the two never mix: `host + there` is an error on a card, and not a silent copy. What moves an array is written down, `to_device` and `to_host`. A whole model moves with `model.to("cuda")`; an adapter that is
# installed afterwards begins there.

# %%
CONFIG = GPTConfig(vocabulary=40, context=32, width=64, layers=2, heads=4)


def make_batch(step):
    dice = np.random.default_rng(step)
    start = dice.integers(0, CONFIG.vocabulary, (8, 1))
    tokens = (start + 3 * np.arange(33)) % CONFIG.vocabulary
    return Batch(tokens[:, :-1], tokens[:, 1:], np.ones((8, 32), bool))


def make_model(place):
    model = GPT(CONFIG, np.random.default_rng(1)).to(place)
    return minilora.adapt(model, minilora.LoRA(4), rng=2)


on_host, on_device = make_model("cpu"), make_model(device)
losses = [m.loss(make_batch(0)).item() for m in (on_host, on_device)]
print("the loss of one batch, host and device:", losses)

# %% [markdown]
# Batches stay on the host: they are small, are checked there, and move with each step. Dropout masks are drawn on the host too, from an explicit generator, so that
# a run on a card begins like one on a processor.
#
# ## 2. What the host waits for
#
# A card works through a queue. `x @ y` puts a product into it and comes back at once, before anything is computed; the result is an array that *will* hold the numbers. The host
# runs ahead, which is good: the queue never runs dry. It has to stop when it wants to *know* something:
#
# | in the code | why the host waits |
# |---|---|
# | `x.item()`, `float(x)`, `int(x)`, `x.tolist()`, `to_host(x)` | the number is asked for |
# | `if x > 0:` | the host must know which way to go |
# | `x[mask]`, `xp.nonzero(x)` | how many elements there are depends on their values |
# | `print(x)` | it is shown |
# | `synchronise(x)` | because one wishes so |
#
# Each empties the queue. None of them may stand inside of a training step. So clipping, which shortens a gradient where it is longer than $c$, is not
# written with an `if`:


# %%
def clip_asking(gradient, longest):
    norm = float(namespace(gradient).sqrt(gradient @ gradient))  # waits
    if norm > longest:
        gradient *= longest / norm


def clip_without_asking(gradient, longest):
    xp = namespace(gradient)
    norm = xp.sqrt(gradient @ gradient)  # stays where it is
    gradient *= xp.minimum(longest / norm, 1.0)


one, other = (to_device(rng.standard_normal(1000), device) for _ in range(2))
other[...] = one
clip_asking(one, 5.0)
clip_without_asking(other, 5.0)
clip_apart = float(abs(to_host(one) - to_host(other)).max())
print(f"both clip alike: {clip_apart:.1e} apart")

# %% [markdown]
# The loss is to be logged, though. `fit` leaves losses and gradient norms where they are and fetches those of `log_every` steps in one transfer. The log tells of
# every step all the same:

# %%
histories = {}
for log_every in (1, 10):
    tuned = make_model(device)
    settings = minilora.Training(
        steps=30, learning_rate=1e-2, workers=1, log_every=log_every
    )
    histories[log_every] = fit(
        tuned.model, make_batch, settings, progress=False
    )
every, tenth = (histories[n].losses for n in (1, 10))
print(f"{len(every)} and {len(tenth)} losses; the same: {every == tenth}")

figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
axes.plot(every, label="read after each step")
axes.plot(tenth, "--", label="read ten at a time")
axes.set(xlabel="step", ylabel="loss, nats a token")
axes.set_title("How often losses are read back changes none of them")
axes.legend()
plt.show()

# %% [markdown]
# The tests of this program count such places without a card: a stand-in for CuPy, made of NumPy arrays, notes each of the calls in the table above, and the whole
# model suite runs on it. A step must note none.
#
# ## 3. How to time a device
#
# A clock around `x @ y` on a card measures how long it takes to *ask* for a product. So: run once before (the first call compiles), wait, start the clock, work,
# wait, stop the clock; repeat and take the median. On the CPU, where nothing is queued, waiting does nothing and the same code is right.


# %%
def seconds(work, array, repeats=7):
    work()
    times = []
    for _ in range(repeats):
        synchronise(array)
        began = time.perf_counter()
        work()
        synchronise(array)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def without_waiting(work, repeats=7):
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


rates = {}
for width in (64, 128, 256, 512, 1024):
    x = to_device(rng.standard_normal((width, width)).astype("float32"), device)
    took = seconds(lambda x=x: x @ x, x)
    rates[width] = 2 * width**3 / took / 1e9
    asked = without_waiting(lambda x=x: x @ x)
    print(
        f"{width:5}: {took * 1e6:9.1f} µs, {rates[width]:8.1f} GFLOP/s"
        f"   (without waiting the clock says {asked * 1e6:9.1f} µs)"
    )
if device == "cpu":
    print("On the CPU nothing is queued, so both clocks are right.")

figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
axes.plot(list(rates), list(rates.values()), "o-")
axes.set(xscale="log", xlabel="width of the square matrices", ylabel="GFLOP/s")
axes.set_title(f"Products of float32 matrices, measured on {where}")
plt.show()

# %% [markdown]
# Small products reach a fraction of what large ones do, on any device; a card, which starts a kernel in microseconds and needs thousands of
# elements to be busy, is far more sensitive to it. A tiny model is no work for it. Whether your model is, only the clock can say, on your card.
#
# ## 4. One kernel instead of twelve
#
# AdamW changes two moments and a step by twelve array operations. On a card each is a kernel of its own that reads its arrays from memory and writes one back, and memory is what
# such work waits for. Fused into one kernel, the gradient and the moments are read once and written once. The operations are written once, for both; NumPy runs them one after another on a piece of the arrays that stays in the cache, CuPy compiles them into one:


# %%
@elementwise
def momentum_step(xp, g, u, momentum, rate):
    """u ← μu + g, and the step ηu in the place of g."""
    u *= momentum
    u += g
    xp.multiply(u, rate, out=g)


g = to_device(np.arange(4.0), device)
u = to_device(np.ones(4), device)
momentum_step(g, u, 0.9, 0.1)
print("u:", to_host(u), " step:", to_host(g))

# %% [markdown]
# Bytes moved for one number of float32 state, counted: AdamW by twelve separate operations, and fused. (Products with a constant read one array and write one; sums read two.)

# %%
separate = {
    "m *= β1": 2, "(1-β1) g": 2, "m += …": 3, "v *= β2": 2, "g *= g": 2,
    "g *= 1-β2": 2, "v += g": 3, "v · c": 2, "√": 2, "+ ε": 2, "m / …": 3,
    "· η": 2,
}  # fmt: skip
fused = 3 + 3  # g, m, v read; g, m, v written
arrays = sum(separate.values())
print(f"{4 * arrays} bytes in {len(separate)} operations, {4 * fused} in one")

# %% [markdown]
# With LoRA the state is small, so on a card the launches count more than the bytes: twelve kernels for each of dozens of little arrays, or one over all of them laid end
# to end, as minilora keeps them.
#
# ## 5. On a card of your own
#
# ```console
# $ pip install "minilora[cuda12]"
# $ minilora devices
# $ minilora finetune --task nl2sql --method lora --device cuda --out runs/sql
# $ pytest -m gpu tests/backend
# ```
#
# The last compares all models and methods with NumPy. The how-to "Compute on a GPU" says what has been run on a card so far, and what has not.

# %%
if device == "cuda":
    times = {}
    for place in ("cpu", "cuda"):
        tuned = make_model(place)
        settings = minilora.Training(
            steps=50, learning_rate=1e-2, workers=1, log_every=50
        )
        history = fit(tuned.model, make_batch, settings, progress=False)
        times[place] = history.seconds / 50
    print({place: f"{1e3 * t:.2f} ms a step" for place, t in times.items()})
else:
    print(f"A step on a card is not timed here: {found.reason}.")

# %% [markdown]
# ## What was claimed

# %%
tolerance = 1e-12 if device == "cpu" else 1e-6
assert namespace(host) is np
assert softmax_apart < tolerance
assert abs(losses[0] / losses[1] - 1) < 1e-5
assert clip_apart < 1e-12
assert len(every) == len(tenth) == 30
np.testing.assert_allclose(every, tenth, rtol=1e-5)
assert every[-1] < every[0]  # and it learns
assert to_host(u).tolist() == [0.9, 1.9, 2.9, 3.9]
np.testing.assert_allclose(to_host(g), 0.1 * to_host(u))
assert all(rate > 0 for rate in rates.values())
assert 4 * fused < 4 * arrays / 4
