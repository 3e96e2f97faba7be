"""Weights that are put together and taken apart: merging, PiSSA's split, dropout's mean, and what weight decay pulls towards.

Comes after ``finding.py``. What is said of rounding is measured in float32, which models run in.
"""

import numpy as np

from ...autograd import Tensor
from ...backend import Array
from ...data.batches import Batch
from ...methods import LoRA, adapt
from ...methods.layers import linear_layers, select
from ...methods.low_rank import LoRALinear, LowRank
from ...models.base import Model
from ...nn import Linear, Parameter
from ...train import AdamW
from ..layer_gradients import copy_of, random_factors
from .finding import Finding, relative, worst, wrong

TARGETS = ("query", "value")
CYCLES, DRAWS = 100, 400


def check(model: Model, batch: Batch, *, rank: int, seed: int) -> list[Finding]:
    """Every statement of this file."""
    rng = np.random.default_rng(seed)
    weights = {path: linear_layers(model)[path].weight.data for path in select(linear_layers(model), TARGETS)}
    updates = {
        p: 2 * B @ A for p, (A, B) in random_factors(model, LoRA(rank, 2.0 * rank, TARGETS), rng).items()
    }
    split = {path: pissa(W.astype(np.float64), rank) for path, W in weights.items()}
    return [
        merged_logits(model, batch, rank, seed),
        worst("PiSSA splits the weight", "W_res + sBA = W", "A, B from the top r singular vectors", {p: first for p, (first, _) in split.items()}),
        worst("PiSSA's residual", "‖W_res‖² = Σ_{i>r} σᵢ²", "A, B from the top r singular vectors", {p: second for p, (_, second) in split.items()}),
        dropout_mean(weights, rank, rng),
        decay(weights, rank, rng),
        wrong("adding and taking away gives the bytes back", f"W + ΔW − ΔW = W, {CYCLES} times", "float32 rounds; the error is the share of weights that changed",
              {path: changed(W.astype(np.float32), updates[path].astype(np.float32)) for path, W in weights.items()}, 0.0),
    ]  # fmt: skip


def merged_logits(model: Model, batch: Batch, rank: int, seed: int) -> Finding:
    """The logits beside the weights and merged into them, in float64: they differ by rounding."""
    tuned = adapt(copy_of(model, np.float64), LoRA(rank, 2.0 * rank, TARGETS), rng=seed)
    rng = np.random.default_rng(seed)
    for name, parameter in tuned.parameters.items():
        if name.endswith(".B"):
            parameter.data = 0.02 * rng.standard_normal(parameter.shape)
    beside = tuned.model.logits(batch.ids, batch.mask, batch.types)
    tuned.merge()
    merged = tuned.model.logits(batch.ids, batch.mask, batch.types)
    tuned.unmerge()
    return worst(
        "merged is unmerged",
        "x Wᵀ + s(x Aᵀ)Bᵀ = x(W + sBA)ᵀ",
        "any A and B; all logits",
        {"the whole model": relative(merged, beside)},
    )


def pissa(W: Array, rank: int, scale: float = 2.0) -> tuple[float, float]:
    """The errors of the split and of the residual's norm."""
    U, s, Vt = np.linalg.svd(W, full_matrices=False)
    B, A = U[:, :rank] * np.sqrt(s[:rank] / scale), np.sqrt(s[:rank] / scale)[:, None] * Vt[:rank]
    left = W - scale * B @ A
    rest = float((s[rank:] ** 2).sum())
    # where nothing is left (r = in), beside the weight itself
    return relative(left + scale * B @ A, W), abs(float(np.vdot(left, left)) - rest) / float(np.vdot(W, W))


def dropout_mean(weights: dict[str, Array], rank: int, rng: np.random.Generator) -> Finding:
    """E over masks of LoRA's output is its output without dropout. A mean over n draws is off by its standard error, which is measured; the error is in units of it, so about 1."""
    errors = {}
    for path, W in weights.items():
        layer = LoRALinear(Linear(W.astype(np.float64), None))
        A, B = (rng.standard_normal(shape) for shape in ((rank, W.shape[1]), (len(W), rank)))
        layer.adapters["a"], layer.active = LowRank(A, B, scale=1.0, dropout=0.3), "a"
        x = Tensor(rng.standard_normal((4, W.shape[1])))
        draws = np.stack([layer(x, rng).data for _ in range(DRAWS)])
        standard_error = float(np.linalg.norm(draws.std(axis=0))) / np.sqrt(DRAWS)
        errors[path] = float(np.linalg.norm(draws.mean(axis=0) - layer(x).data)) / standard_error
    return worst(
        "dropout keeps the mean",
        "E[output] = the output without dropout",
        f"on LoRA's input; {DRAWS} draws, in standard errors",
        errors,
        3.0,
    )


def decay(weights: dict[str, Array], rank: int, rng: np.random.Generator) -> Finding:
    """Weight decay on A and B pulls the weight towards W₀, not towards 0: with no gradient, n steps of AdamW leave ΔW times (1 − ηλ)^{2n}, and W₀ untouched."""
    errors, steps = {}, 5
    for path, W in weights.items():
        A, B = (
            Parameter(rng.standard_normal((rank, W.shape[1]))),
            Parameter(rng.standard_normal((len(W), rank))),
        )
        before = B.data @ A.data
        state = AdamW(0.1, weight_decay=0.5).start([A, B])
        for _ in range(steps):
            state.step([np.zeros(A.shape), np.zeros(B.shape)])
        errors[path] = relative(B.data @ A.data, (1 - 0.1 * 0.5) ** (2 * steps) * before)
    return worst(
        "decay pulls towards the base", "ΔW → (1 − ηλ)²ⁿ ΔW", "no gradient, AdamW on A and B", errors
    )


def changed(W: Array, update: Array) -> float:
    """The share of weights that are others after adding and taking away, over and over."""
    moved = W.copy()
    for _ in range(CYCLES):
        moved += update
        moved -= update
    return float((moved != W).mean())
