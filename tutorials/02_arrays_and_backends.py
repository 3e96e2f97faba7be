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
# # Arrays and backends
#
# **You know:** Python, and what a matrix is.
#
# **You will know:** how a batch of texts lies in an array, how shapes are matched, why some ways of
# writing the same sum are ten times slower than others, what float32 can and cannot show, and how one piece of code
# runs on a processor and on a graphics card.
#
# **Minutes:** twenty to read; the code runs in a few seconds.
#
# Exercises that go with it: `minilora exercise list` shows those numbered 02.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minilora
from minilora.backend import namespace
from minilora.ops import reference

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1. A batch of texts
#
# A language model sees texts as rows of token numbers, `[rows, tokens]`. Each token becomes a vector, and from then on
# everything is an array `[rows, tokens, width]`:

# %%
model = minilora.load("tiny-gpt")
tokenizer = model.tokenizer
texts = [" The old captain opened the door", " The small boat was on the river"]
rows = [tokenizer.encode(text) for text in texts]
length = min(len(row) for row in rows)
ids = np.array([row[:length] for row in rows])  # [rows, tokens]

table = model.tokens.weight.data  # [vocabulary, width]
vectors = table[ids]  # [rows, tokens, width]
print("ids:    ", ids.shape, ids.dtype)
print("table:  ", table.shape, table.dtype)
print("vectors:", vectors.shape)

# %% [markdown]
# `table[ids]` takes a row of the table for each number in `ids`: an array indexed by an array has the shape of the index, and
# behind it what is left of the table.
#
# ## 2. Matching shapes
#
# NumPy lines shapes up **from the right**. Axes must be equal, or one of them 1 (or missing), and then it is repeated:
#
# | | shape | becomes |
# |---|---|---|
# | vectors | `[2, 7, 256]` | `[2, 7, 256]` |
# | positions | `[7, 256]` | `[1, 7, 256]`, repeated for every row |
# | a gain | `[256]` | `[1, 1, 256]`, repeated for every token |
# | a column | `[2, 1, 1]` | one number a row |

# %%
positions = model.positions.weight.data[:length]  # [tokens, width]
x = vectors + positions  # [rows, tokens, width]
print("with positions:", x.shape)

mean = x.mean(
    axis=-1, keepdims=True
)  # [rows, tokens, 1]: keepdims lets it line up again
centred = x - mean
print(
    "means:",
    mean.shape,
    "and after subtracting them at most",
    f"{np.abs(centred.mean(axis=-1)).max():.0e}",
)

# %% [markdown]
# Nothing is copied to "repeat" an axis: NumPy reads the same numbers again, with a *stride* of zero bytes. A stride is how
# far apart in memory two neighbours along an axis are. Transposing changes strides and moves no data either:

# %%
repeated = np.broadcast_to(positions, x.shape)
print("x:          strides", x.strides)
print(
    "repeated:   strides", repeated.strides, "(the first axis takes no memory)"
)
print("transposed: strides", x.transpose(0, 2, 1).strides)

# %% [markdown]
# **A trap.** Files want arrays whose memory runs in order. A transposed array must be copied into order before its bytes
# are written (`np.ascontiguousarray`), or a reader gets the numbers in the wrong places. The library does it in one place,
# where tensors are written.
#
# ## 3. Three axes times a matrix
#
# A linear layer multiplies the last axis of `[rows, tokens, in]` by a matrix. There are several ways to write it, and they
# don't cost the same:

# %%
layer = model.get_module("blocks.0.mlp.up")
W = layer.weight.data  # [out, in]
batch = rng.standard_normal(
    (16, 24, 256), dtype=np.float32
)  # short rows, many of them

ways = {
    "one product": lambda: (batch.reshape(-1, 256) @ W.T).reshape(16, 24, -1),
    "a product a row": lambda: batch @ W.T,
    "einsum": lambda: np.einsum("rti,oi->rto", batch, W),
}


def milliseconds(function, repeats=3):
    """The shortest of a few runs: what else the machine does only adds."""
    function()  # the first run also warms up
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return 1000 * min(times)


cost = {name: milliseconds(way) for name, way in ways.items()}
for name, ms in cost.items():
    print(f"{name:16} {ms:7.2f} ms")

expected = ways["one product"]()
spread = max(np.abs(way() - expected).max() for way in ways.values())
print(f"largest difference: {spread:.0e}")

# %% [markdown]
# All three are the same sums. The first hands the whole work to the matrix library at once, which is free to cut it as suits the
# processor; the second is a product for each row of the batch, and which of these two is faster depends on how long the rows are. The last,
# without being told to (`optimize=True`), loops in plain C. The library takes the axes in front together before every product
# (`minilora/ops/linear.py`, `_rows`).
#
# ## 4. Powers, masks and other slow words
#
# GELU, the activation in GPT-2, has an $x^3$ in it. And attention sets some scores to minus infinity. The obvious spelling
# is not always the fast one:

# %%
scores = rng.standard_normal((8, 256, 256), dtype=np.float32)
mask = np.tril(np.ones((256, 256), dtype=bool))
hide = np.where(mask, np.float32(0), np.float32(-1e9))  # made once
flat = scores.reshape(-1, 256)
ones = np.ones(256, dtype=np.float32)

spellings = [
    ("x**3", lambda: scores**3.0),
    ("x * x * x", lambda: scores * scores * scores),
    ("where(mask, s, -1e9)", lambda: np.where(mask, scores, np.float32(-1e9))),
    ("s + hide", lambda: scores + hide),
    ("rows: x.sum(-1)", lambda: flat.sum(axis=-1)),
    ("rows: x @ ones", lambda: flat @ ones),
]
measured = [(name, milliseconds(function)) for name, function in spellings]

figure, axes = plt.subplots(figsize=(6.5, 3.4))
names = [name for name, _ in measured]
axes.barh(names[::-1], [ms for _, ms in measured][::-1], color=["C1", "C0"] * 3)
axes.set_title("The same numbers, spelt in two ways")
axes.set_xlabel("milliseconds (524,288 numbers)")
figure.tight_layout()
plt.show()

# %% [markdown]
# A power with a float exponent calls a general function for every element; two products don't. How much it is on *your* machine
# the picture tells. Don't learn rules like these by heart: measure, as we just did.
#
# ## 5. What float32 can show
#
# A float32 has 24 binary digits, some seven decimal ones; float64 has 53, some sixteen.

# %%
for dtype in (np.float16, np.float32, np.float64):
    information = np.finfo(dtype)
    print(
        f"{dtype.__name__:8} {information.eps:.1e} between 1 and the next number, largest {information.max:.1e}"
    )

one = np.float32(1)
lost = one + np.float32(1e-8) - one
print("float32: 1 + 1e-8 − 1 =", lost)

long_sum = np.full(10_000_000, 0.1, dtype=np.float32)
running = np.cumsum(long_sum)[-1]  # one after another
pairwise = long_sum.sum()  # NumPy adds up halves of halves
print(
    f"ten million times 0.1, one after another: {running:,.1f}; in halves: {pairwise:,.1f}"
)

# %% [markdown]
# So a sum depends on its *order*, and two programs that compute the same thing agree to some digits, not to the last bit. That
# is why the tests of this library compare gradients in float64, and why `merge` keeps the old weights: $(W + \Delta) - \Delta$ need not be $W$.
#
# **Another trap.** One float64 number makes the whole result float64, which costs twice the time and memory. Python's own floats
# don't do that; NumPy's do:

# %%
weights = np.ones(3, dtype=np.float32)
print("times 0.5:            ", (weights * 0.5).dtype)
print("times np.float64(0.5):", (weights * np.float64(0.5)).dtype)
print("times np.sqrt(64.0):  ", (weights * np.sqrt(64.0)).dtype)

# %% [markdown]
# `np.sqrt` of a Python float is a `np.float64`. In the library scales go through `math.sqrt`, which gives a Python float.
#
# ## 6. Softmax without overflow
#
# $\mathrm{softmax}(s)_i = e^{s_i} / \sum_j e^{s_j}$. In float32 $e^{89}$ is too large already. Subtracting the largest score of each row
# changes nothing on paper, since it stands above and below the line, and everything in practice:


# %%
def softmax(s):
    """Over the last axis; s: [..., n] -> [..., n]."""
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


large = np.array([[100.0, 101.0, 102.0]], dtype=np.float32)
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp(large) / np.exp(large).sum()
print("as written:      ", naive)
print("largest taken off:", softmax(large).round(3))

theirs = reference.softmax(minilora.Tensor(scores)).data
softmax_error = np.abs(softmax(scores) - theirs).max()
print(f"yours and the library's differ by {softmax_error:.0e}")

# %% [markdown]
# ## 7. The array decides
#
# CuPy has NumPy's functions, for arrays that lie on a graphics card. How does one write code for both? Not with a switch. The
# **array** knows where it lives:


# %%
def my_namespace(array):
    """The module that made an array: numpy or cupy."""
    return __import__(type(array).__module__.split(".")[0])


def relu_anywhere(x):
    """Runs where x lies."""
    xp = my_namespace(x)
    return xp.maximum(x, 0)


print("your namespace:       ", my_namespace(scores).__name__)
print("the library's:        ", namespace(scores).__name__)
print("relu:", relu_anywhere(np.array([-1.0, 2.0])))

# %% [markdown]
# Most code needs no namespace at all: operators and methods (`x @ W`, `x.sum(axis=-1)`) go where the array goes. What NumPy and CuPy really
# do differently has a named function each in `minilora/backend/`: moving an array, adding rows in place, the error function, waiting for
# the card, and a few more. Nothing else in the library asks which of the two it has; a model moves with `model.to("cuda")`, and both kinds can live in one process, so that one
# test compares them.
#
# ## What was claimed, checked
#
# Times are measured above and not asserted here: they belong to a machine.

# %%
assert vectors.shape == (2, length, 256)
assert np.abs(centred.mean(axis=-1)).max() < 1e-6
assert repeated.strides[0] == 0  # repeated without a copy
assert not x.transpose(0, 2, 1).flags.c_contiguous
assert spread < 1e-4  # three spellings, one product
assert np.allclose(scores**3.0, scores * scores * scores, rtol=1e-5)
assert np.allclose(flat.sum(axis=-1), flat @ ones, atol=1e-3)
assert lost == 0  # a digit too small to keep
assert abs(running - 1e6) > 100 * abs(pairwise - 1e6)  # the order matters
assert (weights * 0.5).dtype == np.float32
assert (weights * np.float64(0.5)).dtype == np.float64
assert np.isnan(naive).any()
assert softmax_error < 1e-6  # your softmax is the library's
assert my_namespace(scores) is namespace(scores) is np
print("all of it holds")
