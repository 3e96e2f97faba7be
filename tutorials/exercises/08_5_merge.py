# ---
# title: Merging, and taking it out again
# topic: LoRA
# difficulty: 2
# minutes: 15
# ---

# %% [markdown]
# # Merging, and taking it out again
#
# A finished update can be put into the weight: $W = W_0 + sBA$ costs nothing more at
# inference (section 4.1). To take it out again, $W - sBA$ will not do: in floating
# point $(W_0 + \Delta W) - \Delta W$ is not $W_0$, and the weights wander off with every
# switch of task.
#
# Write a `Merged` that keeps what it needs: `merge()` puts $W_0 + sBA$ into
# `self.W`, `unmerge()` gives the old weight back, **bit for bit**. The array that
# came in must not be written into: somebody else may hold it too.

# %%
import numpy as np


# %% role="solution"
class Merged:
    """W: [d, k]; A: [r, k]; B: [d, r]; s: the scale."""

    def __init__(self, W, A, B, s):
        self.W, self.A, self.B, self.s = W, A, B, s
        self.kept = None

    def merge(self):
        """W₀ + sBA takes W's place; nothing where it has it already."""
        ### BEGIN SOLUTION
        if self.kept is None:
            self.kept = self.W
            self.W = self.W + self.s * self.B @ self.A
        ### END SOLUTION

    def unmerge(self):
        """W₀ takes its place again; nothing where it has it already."""
        ### BEGIN SOLUTION
        if self.kept is not None:
            self.W = self.kept
            self.kept = None
        ### END SOLUTION


# %% [markdown] role="hint"
# `self.kept` is the place for $W_0$ while `self.W` is merged, and `None` otherwise.
# It also says whether there is anything to do.

# %% [markdown] role="hint"
# `self.W = self.W + …` makes a new array; `self.W += …` writes into the old one.

# %% role="check" points=2
"""merged"""
W, A, B = (rng.standard_normal(s).round(1) for s in ((3, 3), (1, 3), (3, 1)))
layer = Merged(W, A, B, 0.5)
layer.merge()
answer = layer.W

# %% role="check" points=2
"""merged and unmerged: the difference to the weight before, to the last bit"""
W, A, B = (
    rng.standard_normal(s).astype(np.float32) for s in ((8, 8), (2, 8), (8, 2))
)
layer = Merged(W.copy(), A, B, 0.3)
layer.merge()
layer.unmerge()
answer = {"weights that changed": int((layer.W != W).sum())}

# %% role="check" points=1
"""the array that came in"""
W, A, B = (rng.standard_normal(s) for s in ((4, 3), (2, 3), (4, 2)))
mine = W.copy()
layer = Merged(mine, A, B, 2.0)
layer.merge()
answer = {"numbers in it that changed": int((mine != W).sum())}

# %% role="check" points=2 hidden=true
"""merging twice, unmerging twice, and again"""
W, A, B = (rng.standard_normal(s) for s in ((4, 3), (2, 3), (4, 2)))
layer = Merged(W, A, B, 2.0)
layer.merge()
layer.merge()
twice = layer.W.copy()
layer.unmerge()
layer.unmerge()
back = layer.W.copy()
layer.merge()
answer = {"merged twice": twice, "back": back, "merged again": layer.W}

# %% role="wrong"
"""ΔW was subtracted: in floating point that does not give the old weight back. Keep
the old array, and put it back."""


class Merged:
    def __init__(self, W, A, B, s):
        self.W, self.A, self.B, self.s = W, A, B, s
        self.kept = None

    def merge(self):
        if self.kept is None:
            self.kept = True
            self.W = self.W + self.s * self.B @ self.A

    def unmerge(self):
        if self.kept:
            self.W = self.W - self.s * self.B @ self.A
            self.kept = None


# %% role="wrong"
"""The update is off by exactly the scale: was s forgotten?"""


class Merged:
    def __init__(self, W, A, B, s):
        self.W, self.A, self.B, self.s = W, A, B, s
        self.kept = None

    def merge(self):
        if self.kept is None:
            self.kept = self.W
            self.W = self.W + self.B @ self.A

    def unmerge(self):
        if self.kept is not None:
            self.W, self.kept = self.kept, None


# %% role="wrong"
"""The array that came in was written into, with +=: whoever else holds it now has the
merged weight too."""


class Merged:
    def __init__(self, W, A, B, s):
        self.W, self.A, self.B, self.s = W, A, B, s
        self.kept = None

    def merge(self):
        if self.kept is None:
            self.kept = self.W.copy()
            self.W += self.s * self.B @ self.A

    def unmerge(self):
        if self.kept is not None:
            self.W, self.kept = self.kept, None


# %% role="wrong"
"""Merging twice adds the update twice: the second time there is nothing to do."""


class Merged:
    def __init__(self, W, A, B, s):
        self.W, self.A, self.B, self.s = W, A, B, s
        self.kept = W

    def merge(self):
        self.W = self.W + self.s * self.B @ self.A

    def unmerge(self):
        self.W = self.kept


# %% role="proof"
from minilora import Tensor
from minilora.methods.lora import LoRALinear, LowRank
from minilora.nn import Linear

W, A, B = (rng.standard_normal(s) for s in ((4, 3), (2, 3), (4, 2)))
library = LoRALinear(Linear(W.copy(), None))
library.adapters["a"] = LowRank(A, B, scale=0.5, dropout=0.0)
library.active = "a"
mine = Merged(W.copy(), A, B, 0.5)
library.merge(), mine.merge()
assert np.allclose(mine.W, library.base.weight.data, rtol=1e-12)
library.unmerge(), mine.unmerge()
assert np.array_equal(mine.W, library.base.weight.data)
