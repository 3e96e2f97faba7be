"""What LoRA's gradients and steps are, in terms of full fine-tuning's: statements that hold exactly, and how exactly they hold here.

Comes after ``layer_gradients.py``, which measures both gradients on a real model. With G = ∂L/∂W at W = W₀ + sBA, s = α/r, each function below states one
identity of the paper's method, and returns the relative error ‖found − stated‖ / ‖stated‖ on one layer: some 1e-14 in float64, where a wrong factor would give 1.
``check_identities`` runs all of them on all adapted layers, and keeps the worst.
"""

import numpy as np

from ...autograd import largest
from ...backend import Array
from ...data.batches import Batch
from ...methods import LoRA
from ...models.base import Model
from ..layer_gradients import (
    Factors,
    LayerGradients,
    at_the_start,
    measure,
    orthonormal_factors,
    random_factors,
)
from .finding import Finding, relative, worst, wrong

RATE = 0.1
"""η of the steps that are compared. Any other would do: the identities hold for all."""


def gradient_of_A(at: LayerGradients) -> float:
    """∂A = s·Bᵀ G: what A learns is the full gradient seen through B."""
    return relative(at.dA, at.scale * at.B.T @ at.G)


def gradient_of_B(at: LayerGradients) -> float:
    """∂B = s·G Aᵀ: what B learns is the full gradient seen through A."""
    return relative(at.dB, at.scale * at.G @ at.A.T)


def A_rests_at_the_start(at: LayerGradients) -> float:
    """∂A = 0 where B = 0. The error is ‖∂A‖ / ‖∂B‖."""
    return float(np.linalg.norm(at.dA) / np.linalg.norm(at.dB))


def one_step(at: LayerGradients) -> float:
    """A step of gradient descent gives sB′A′ = sBA − ηs²(G AᵀA + BBᵀ G) + η²s³ G AᵀBᵀ G."""
    s, G = at.scale, at.G
    first = G @ at.A.T @ at.A + at.B @ at.B.T @ G
    stated = s * at.B @ at.A - RATE * s**2 * first + RATE**2 * s**3 * G @ at.A.T @ at.B.T @ G
    return relative(after_a_step(at), stated)


def first_step(at: LayerGradients) -> float:
    """The first step, from B = 0, is ΔW₁ = −ηs² G AᵀA: full fine-tuning's step, projected on the rows of A."""
    return relative(after_a_step(at), -RATE * at.scale**2 * at.G @ at.A.T @ at.A)


def first_step_is_full(at: LayerGradients) -> float:
    """With r = in and AᵀA = I the first step is ΔW₁ = −ηs² G: full fine-tuning at the learning rate ηs²."""
    return relative(after_a_step(at), -RATE * at.scale**2 * at.G)


def gauge(at: LayerGradients, regauged: LayerGradients, R: Array) -> float:
    """(BR)(R⁻¹A) = BA is the same model, and its gradients are Rᵀ∂A and ∂B R⁻ᵀ. R: [rank, rank], invertible."""
    return largest([relative(regauged.dA, R.T @ at.dA), relative(regauged.dB, at.dB @ np.linalg.inv(R).T)])


def balance(at: LayerGradients) -> float:
    """Bᵀ∂B = ∂A Aᵀ, because the loss does not see the gauge; so BᵀB − AAᵀ is conserved under gradient flow. The error is beside ‖B‖‖∂B‖: the products may be near 0."""
    difference = float(np.linalg.norm(at.B.T @ at.dB - at.dA @ at.A.T))
    return difference / float(np.linalg.norm(at.B) * np.linalg.norm(at.dB))


def drift(at: LayerGradients) -> float:
    """A step of gradient descent changes BᵀB − AAᵀ by η²(∂Bᵀ∂B − ∂A∂Aᵀ) and no more."""
    B, A = at.B - RATE * at.dB, at.A - RATE * at.dA
    change = (B.T @ B - A @ A.T) - (at.B.T @ at.B - at.A @ at.A.T)
    # Beside the terms of first order, which cancel: they are what rounding is to be measured by.
    scale = RATE * float(np.linalg.norm(at.B.T @ at.dB)) + float(np.linalg.norm(at.A @ at.A.T))
    return float(np.linalg.norm(change - RATE**2 * (at.dB.T @ at.dB - at.dA @ at.dA.T))) / scale


def tangent_projection(at: LayerGradients) -> float:
    """FALSE, and here to be seen to fail: that G AᵀA + BBᵀ G is the projection of G on the tangent space of the matrices of rank r.

    That projection is P_B G + G P_A − P_B G P_A, with P_A = AᵀA and P_B = BBᵀ; LoRA's direction lacks the last term even where A and B are orthonormal.
    """
    P_A, P_B = at.A.T @ at.A, at.B @ at.B.T
    direction = (at.dB @ at.A + at.B @ at.dA) / at.scale
    return relative(direction, P_B @ at.G + at.G @ P_A - P_B @ at.G @ P_A)


def check_identities(
    model: Model,
    batch: Batch,
    *,
    rank: int = 4,
    alpha: float = 8.0,
    targets: tuple[str, ...] = ("query", "value"),
    seed: int = 0,
) -> list[Finding]:
    """Every identity above on every layer that ``targets`` names, with the gradients of the real loss on ``batch``, in float64.

    The one with r = in, AᵀA = I is checked on query and value, which are square. Raises InputError for what LoRA refuses.
    """
    rng = np.random.default_rng(seed)
    lora = LoRA(rank, alpha, targets)
    factors = random_factors(model, lora, rng)
    R = (
        rng.uniform(0.5, 2.0, rank) * np.linalg.qr(rng.standard_normal((rank, rank)))[0]
    )  # [rank, rank], well conditioned
    trained = measure(model, batch, lora, factors)
    regauged = measure(model, batch, lora, _regauged(factors, R))
    fresh = measure(model, batch, lora, at_the_start(factors))
    whole = LoRA(model.config.width, 2.0 * model.config.width, ("query", "value"))
    square = measure(model, batch, whole, at_the_start(orthonormal_factors(model, whole, rng)))

    anywhere, start = "any A and B", "B = 0, one step of plain gradient descent"
    return [
        worst("gradient of A", "∂A = s Bᵀ G", anywhere, {p: gradient_of_A(x) for p, x in trained.items()}),
        worst("gradient of B", "∂B = s G Aᵀ", anywhere, {p: gradient_of_B(x) for p, x in trained.items()}),
        worst("A rests at the start", "∂A = 0", "B = 0", {p: A_rests_at_the_start(x) for p, x in fresh.items()}),
        worst(
            "one step",
            "sB′A′ = sBA − ηs²(G AᵀA + BBᵀ G) + η²s³ G AᵀBᵀ G",
            "one step of plain gradient descent",
            {p: one_step(x) for p, x in trained.items()},
        ),
        worst("first step", "ΔW₁ = −ηs² G AᵀA", start, {p: first_step(x) for p, x in fresh.items()}),
        worst(
            "first step at full rank",
            "ΔW₁ = −ηs² G",
            f"r = in, AᵀA = I, {start}",
            {p: first_step_is_full(x) for p, x in square.items()},
        ),
        worst(
            "gauge",
            "A → R⁻¹A, B → BR gives Rᵀ∂A, ∂B R⁻ᵀ",
            "R invertible",
            {p: gauge(x, regauged[p], R) for p, x in trained.items()},
        ),
        worst("balance", "Bᵀ∂B = ∂A Aᵀ", anywhere, {p: balance(x) for p, x in trained.items()}),
        worst(
            "drift of the balance",
            "Δ(BᵀB − AAᵀ) = η²(∂Bᵀ∂B − ∂A∂Aᵀ)",
            "one step of plain gradient descent",
            {p: drift(x) for p, x in trained.items()},
        ),
    ]  # fmt: skip


def check_false_identity(model: Model, batch: Batch, *, rank: int = 2, seed: int = 0) -> Finding:
    """``tangent_projection``, which does not hold: its error must be large, or these checks could not fail."""
    lora = LoRA(rank, float(rank), ("query", "value"))
    factors = orthonormal_factors(model, lora, np.random.default_rng(seed))
    errors = {path: tangent_projection(at) for path, at in measure(model, batch, lora, factors).items()}
    return wrong(
        "LoRA's direction is the tangent projection",
        "G AᵀA + BBᵀ G = P_B G + G P_A − P_B G P_A",
        "the cross term is missing, even for orthonormal A and B",
        errors,
    )


def after_a_step(at: LayerGradients) -> Array:
    """sB′A′ after one step of gradient descent on A and B at the rate η: what then stands beside W₀ in the merged weight."""
    return at.scale * (at.B - RATE * at.dB) @ (at.A - RATE * at.dA)


def _regauged(factors: Factors, R: Array) -> Factors:
    inverse = np.linalg.inv(R)
    return {path: (inverse @ A, B @ R) for path, (A, B) in factors.items()}
