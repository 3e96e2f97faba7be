"""LoRA's gradients and full fine-tuning's, side by side, on the layers of a real model at one and the same point W = W₀ + sBA.

Comes after ``methods`` and before ``identities/``, which compares what is measured here. Everything is done in float64, on copies: the model that is given stays as
it is.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ..autograd import gradients
from ..backend import Array
from ..data.batches import Batch
from ..methods import FullFineTuning, LoRA, adapt, linear_shapes, select
from ..models.base import Model

Factors = Mapping[str, tuple[Array, Array]]
"""(A, B) by the path of the layer; A: [rank, in], B: [out, rank]."""


@dataclass(frozen=True)
class LayerGradients:
    """One layer at W = W₀ + sBA: its factors, their gradients under LoRA, and the gradient G = ∂L/∂W under full fine-tuning.

    A, dA: [rank, in]; B, dB: [out, rank]; G: [out, in]; scale: s = α/r. All float64.
    """

    A: Array
    B: Array
    scale: float
    dA: Array
    dB: Array
    G: Array


M = TypeVar("M", bound=Model)


def copy_of(model: M, dtype: np.typing.DTypeLike = np.float32) -> M:
    """The same model in arrays of its own, all trainable. model: a plain one, without adapters; the tokenizer is shared."""
    copied = copy.deepcopy(model, {id(model.tokenizer): model.tokenizer})
    return copied.astype(dtype).freeze().unfreeze()  # so that each parameter gets a place of its own on tapes


def measure(model: Model, batch: Batch, method: LoRA, factors: Factors) -> dict[str, LayerGradients]:
    """Both gradients of the loss on ``batch``, for every layer that ``method`` adapts, at the point that ``factors`` says.

    LoRA's are those of the adapted model, where the weight W₀ is frozen and sBA stands beside it. Full fine-tuning's are those of a plain model whose weights are
    W₀ + sBA. The two share no arithmetic but the frozen layers around. Dropout is off.
    """
    tuned = adapt(copy_of(model, np.float64), method)
    for path, (A, B) in factors.items():
        tuned.parameters[f"{path}.A"].data = A.astype(np.float64)
        tuned.parameters[f"{path}.B"].data = B.astype(np.float64)
    own = dict(
        zip(tuned.parameters, gradients(tuned.loss(batch), list(tuned.parameters.values())), strict=True)
    )

    full = adapt(tuned.fuse(), FullFineTuning())
    weights = {path: full.parameters[f"{path}.weight"] for path in factors}
    G = dict(zip(weights, gradients(full.loss(batch), list(weights.values())), strict=True))

    return {
        path: LayerGradients(
            A, B, method.scale, _present(own[f"{path}.A"]), _present(own[f"{path}.B"]), _present(G[path])
        )
        for path, (A, B) in factors.items()
    }


def random_factors(model: Model, method: LoRA, rng: np.random.Generator) -> Factors:
    """A as LoRA draws it, U(−1/√in, 1/√in), and B Gaussian with standard deviation 0.02, as if after some training."""
    return {
        path: (
            rng.uniform(-1, 1, (method.rank, k)) / np.sqrt(k),
            0.02 * rng.standard_normal((out, method.rank)),
        )
        for path, (out, k) in _shapes(model, method).items()
    }


def orthonormal_factors(model: Model, method: LoRA, rng: np.random.Generator) -> Factors:
    """A with orthonormal rows (AAᵀ = I; with r = in also AᵀA = I) and B with orthonormal columns."""
    return {
        path: (_orthonormal(rng, k, method.rank).T, _orthonormal(rng, out, method.rank))
        for path, (out, k) in _shapes(model, method).items()
    }


def at_the_start(factors: Factors) -> Factors:
    """The same A, and B = 0."""
    return {path: (A, np.zeros_like(B)) for path, (A, B) in factors.items()}


def _shapes(model: Model, method: LoRA) -> dict[str, tuple[int, int]]:
    shapes = linear_shapes(model.config)
    return {path: shapes[path] for path in select(shapes, method.targets)}


def _orthonormal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """[rows, columns] with orthonormal columns."""
    Q, _ = np.linalg.qr(rng.standard_normal((rows, columns)))
    return Q


def _present(gradient: Array | None) -> Array:
    if gradient is None:
        raise AssertionError("the loss does not depend on a layer that is adapted")
    return gradient
