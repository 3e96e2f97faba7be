"""How far merging is from exact: the same layer, adapted and merged, in each precision that a merged weight may be kept in.

    y = Wx + b + sB(Ax)        against        y′ = round(W + sBA)x + b

In real numbers they are equal. What is measured is the rounding. Comes after ``tuned.py``.
"""

from dataclasses import dataclass

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError
from .low_rank import LoRALinear
from .together import low_rank_parts
from .tuned import Tuned

DTYPES = ("float64", "float32", "float16")


@dataclass(frozen=True)
class MergeError:
    """The largest error that merging makes when W + sBA is kept in ``dtype``: max|y − y′|/max|y| over random inputs, and at which layer.

    Infinite where a weight is too large for the precision.
    """

    dtype: str
    error: float
    layer: str
    expected: float
    """What rounding alone makes of it: 4·ε, ε the spacing of numbers in ``dtype`` around 1. A larger error wants an explanation, such as an update far larger than W."""


@dataclass(frozen=True)
class MergeReport:
    """What ``verify_merge`` found. errors: by precision; restored: whether unmerging gave back every weight to the last bit; text: the report in words."""

    errors: tuple[MergeError, ...]
    restored: bool

    @property
    def text(self) -> str:
        """One line a precision."""
        lines = [
            f"{e.dtype}: largest relative error {e.error:.1e}, at {e.layer}"
            + ("" if e.error <= e.expected else f" (more than rounding, {e.expected:.1e})")
            for e in self.errors
        ]
        lines.append(
            "unmerging " + ("gives back every bit" if self.restored else "does NOT give back the base")
        )
        return "\n".join(lines)


def verify_merge(
    tuned: Tuned, *, dtypes: tuple[str, ...] = DTYPES, rows: int = 64, rng: np.random.Generator | int = 0
) -> MergeReport:
    """Measure the active LoRA adapter's merging at every layer, on ``rows`` random inputs, and try unmerging. The model is as before afterwards.

    All is computed in float64 but for W + sBA, which is rounded to each of ``dtypes``. Raises InputError where no adapter is active, where it is merged, where it cannot be merged,
    and where it has no low-rank updates (full fine-tuning has nothing to merge).
    """
    adapter = tuned.active_adapter("verify")
    tuned.check_unmerged("verifying the merge")
    adapter.check_merge()
    layers = low_rank_parts(adapter)
    if not layers:
        raise InputError(
            f"the adapter {tuned.active!r} has no low-rank updates, so there is nothing that merging could round"
        )
    generator = np.random.default_rng(rng)
    worst = dict.fromkeys(dtypes, (-1.0, ""))
    for path, layer in layers.items():
        for dtype, error in _errors(layer, str(tuned.active), dtypes, rows, generator).items():
            worst[dtype] = max(worst[dtype], (error, path))
    before = {path: to_host(layer.base.weight.data).tobytes() for path, layer in layers.items()}
    tuned.merge()
    tuned.unmerge()
    after = {path: to_host(layer.base.weight.data).tobytes() for path, layer in layers.items()}
    errors = (
        MergeError(dtype, error, path, 4 * float(np.finfo(dtype).eps))
        for dtype, (error, path) in worst.items()
    )
    return MergeReport(tuple(errors), before == after)


def _errors(
    layer: LoRALinear, name: str, dtypes: tuple[str, ...], rows: int, rng: np.random.Generator
) -> dict[str, float]:
    """The relative error of one layer by precision."""
    update = layer.adapters[name]
    W, A, B = (_exact(p.data) for p in (layer.base.weight, update.A, update.B))
    bias = 0.0 if layer.base.bias is None else _exact(layer.base.bias.data)
    x = rng.standard_normal((rows, W.shape[1]))
    y = x @ W.T + bias + update.scale * (x @ A.T) @ B.T  # [rows, out]
    merged = W + update.scale * B @ A
    errors: dict[str, float] = {}
    for dtype in dtypes:
        with np.errstate(over="ignore"):
            kept = merged.astype(dtype).astype(np.float64)
        wrong = np.abs(y - (x @ kept.T + bias)).max() if np.isfinite(kept).all() else np.inf
        errors[dtype] = float(wrong / np.abs(y).max())
    return errors


def _exact(array: Array) -> Array:
    return to_host(array).astype(np.float64)
