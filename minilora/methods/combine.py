"""New LoRA adapters out of old ones: a weighted sum, exact, and one of lower rank that is as near as any can be.

    Σ wᵢ·sᵢBᵢAᵢ = [w₁s₁B₁ … wₙsₙBₙ] [A₁; …; Aₙ]

The sum's rank is the sum of the ranks. The best approximation of a lower rank keeps the largest singular values (Eckart & Young 1936). Comes after ``tuned.py``.
"""

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from ..backend import Array, namespace, to_host
from ..errors import InputError
from .base import whole
from .lora import LoRA
from .low_rank import LowRankUpdates
from .tuned import Tuned

Factors = tuple[Array, Array]
"""B: [out, r] and A: [r, in], whose product is an update with its scale in it."""


def combine(tuned: Tuned, weights: Mapping[str, float], *, name: str, rank: int | None = None) -> float:
    """Add to ``tuned`` the LoRA adapter ``name`` whose update is Σ weight · ΔW of the adapters named in ``weights``, on every layer that one of them adapts.

    rank: None keeps the sum exact, by stacking (at most to the smaller side of each matrix, which is exact too); a number re-compresses each layer's sum to that rank, or
    less where the matrix or the sum has less. Returns what was lost: the largest ‖ΔW − ΔW′‖/‖ΔW‖ of all layers (Frobenius), 0 where nothing was cut off.
    Raises InputError where an adapter is not LoRA alone (biases and heads of its own have no place in the sum), and for weights that are not numbers.
    """
    if not weights:
        raise InputError("weights must name at least one adapter, such as {'sql': 0.7, 'german': 0.3}")
    rank = None if rank is None else whole("rank", rank)
    sums: dict[str, Factors] = {}
    for source, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
            raise InputError(f"the weight of {source!r} must be a number, not {weight!r}")
        for path, (B, A) in _factors(tuned, source).items():
            B = B * weight
            if path in sums:
                B = np.concatenate([sums[path][0], B], axis=1)  # [out, r₁ + r₂]
                A = np.concatenate([sums[path][1], A], axis=0)  # [r₁ + r₂, in]
            sums[path] = B, A
    lost = 0.0
    for path, (B, A) in sums.items():
        most = min(len(B), A.shape[1]) if rank is None else min(rank, len(B), A.shape[1])
        if len(A) > most:
            sums[path], loss = compress(B, A, most)
            lost = max(lost, 0.0 if rank is None else loss)
    tuned.add(name, _unscaled({path: len(A) for path, (_, A) in sums.items()}))
    xp = namespace(tuned.model.tokens.weight.data)
    arrays = {f"{path}.A": xp.asarray(A) for path, (_, A) in sums.items()}
    arrays |= {f"{path}.B": xp.asarray(B) for path, (B, _) in sums.items()}
    tuned.installed[name].load(arrays)
    return lost


def recompress(tuned: Tuned, source: str, *, name: str, rank: int) -> float:
    """Add the adapter ``name``, the nearest to ``source`` that has this rank in every layer. Returns what was lost, see ``combine``."""
    return combine(tuned, {source: 1.0}, name=name, rank=rank)


def compress(B: Array, A: Array, rank: int) -> tuple[Factors, float]:
    """The rank-r product nearest to BA, and the share ‖BA − B′A′‖/‖BA‖ that is lost. B: [out, n]; A: [n, in] → B′: [out, r], A′: [r, in].

    BA itself, [out, in], is never formed: with B = Q_B R_B and Aᵀ = Q_A R_A its singular values are those of R_B R_Aᵀ, which is [n, n]. The singular values are
    shared evenly between the factors.
    """
    Q_B, R_B = np.linalg.qr(B)
    Q_A, R_A = np.linalg.qr(A.T)
    U, S, Vt = np.linalg.svd(R_B @ R_A.T)
    root = np.sqrt(S[:rank])
    whole_norm, cut = float(np.linalg.norm(S)), float(np.linalg.norm(S[rank:]))
    factors = (Q_B @ U[:, :rank]) * root, (root[:, None] * Vt[:rank]) @ Q_A.T
    return factors, cut / whole_norm if whole_norm else 0.0


def _factors(tuned: Tuned, name: str) -> dict[str, Factors]:
    """sB and A of each layer, in float64 on the host."""
    tuned.check_known(name)
    adapter = tuned.installed[name]
    if not isinstance(adapter, LowRankUpdates):
        raise InputError(
            f"the adapter {name!r} is {tuned.methods[name]}, and only the updates of LoRA can be added up, without biases or a head of its own"
        )
    found = {}
    for path, layer in adapter.wrapped.items():
        update = layer.adapters[name]
        B, A = (to_host(parameter.data).astype(np.float64) for parameter in (update.B, update.A))
        found[path] = update.scale * B, A
    return found


def _unscaled(ranks: Mapping[str, int]) -> LoRA:
    """LoRA on exactly these layers, with these ranks and the scale 1: α = r."""
    usual = Counter(ranks.values()).most_common(1)[0][0]
    other = {path: rank for path, rank in ranks.items() if rank != usual}
    return LoRA(
        rank=usual,
        alpha=float(usual),
        targets=tuple(ranks),
        ranks=tuple(other.items()),
        alphas=tuple(other.items()),
    )
