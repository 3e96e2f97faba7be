"""What A and B can reach: projections, means over random starts, the best start, and the inputs that a row of A can move along.

Comes after ``low_rank.py``. G is the full gradient at the same point, as there.
"""

import numpy as np

from ...autograd import Tensor, gradients
from ...backend import Array
from ...data.batches import Batch
from ...methods import LoRA, adapt
from ...methods.layers import linear_layers
from ...models.base import Model
from ...nn import Module
from ..layer_gradients import (
    Factors,
    LayerGradients,
    at_the_start,
    copy_of,
    measure,
    orthonormal_factors,
    random_factors,
)
from .finding import Finding, relative, worst, wrong

TARGETS = ("query", "value")
DRAWS = 400
RATE = 0.1


def check(model: Model, batch: Batch, *, rank: int, seed: int) -> list[Finding]:
    """Every statement of this file."""
    rng = np.random.default_rng(seed)
    lora = LoRA(rank, 2.0 * rank, TARGETS)
    drawn = at_the_start(random_factors(model, lora, rng))
    fresh = measure(model, batch, lora, drawn)
    even = measure(model, batch, lora, at_the_start(orthonormal_factors(model, lora, rng)))
    width = model.config.width
    whole = LoRA(width, 2.0 * width, TARGETS)
    square = measure(model, batch, whole, at_the_start(random_factors(model, whole, rng)))
    nothing = measure(model, batch, lora, {p: (0 * A, 0 * B) for p, (A, B) in drawn.items()})
    zero = {
        p: float(np.linalg.norm(x.dA) + np.linalg.norm(x.dB)) / float(np.linalg.norm(x.G))
        for p, x in nothing.items()
    }
    return [
        worst("orthonormal rows project", "(G AᵀA)AᵀA = G AᵀA", "A has orthonormal rows", {p: projects(x) for p, x in even.items()}),
        worst("nothing moves from nothing", "∂A = 0, ∂B = 0", "A = B = 0: a fixed point", zero),
        worst("no full gradient is hidden", "G = ∂B A⁻ᵀ/s, so ∂B = 0 only where G = 0", "r = in, A invertible", {p: recovered(x) for p, x in square.items()}, 1e-9),
        mean_first_step(fresh, rank, rng),
        rank_free(fresh, rank, rng, by=lambda r: 1 / np.sqrt(r), holds=True),
        best_start(model, batch, rank),
        *inputs_span(model, batch, lora, drawn),
        wrong("any rows project", "(G AᵀA)AᵀA = G AᵀA", "the rows of A as LoRA draws it are not orthonormal", {p: projects(x) for p, x in fresh.items()}),
        rank_free(fresh, rank, rng, by=lambda r: 1 / r, holds=False),
    ]  # fmt: skip


def projects(at: LayerGradients) -> float:
    """Whether projecting twice is projecting once."""
    once = at.G @ at.A.T @ at.A
    return relative(once @ at.A.T @ at.A, once)


def recovered(at: LayerGradients) -> float:
    """The full gradient out of B's."""
    return relative(np.linalg.solve(at.A, at.dB.T).T / at.scale, at.G)


def mean_first_step(fresh: dict[str, LayerGradients], rank: int, rng: np.random.Generator) -> Finding:
    """E ΔW₁ = −ηs²rσ² G for Gaussian A of variance σ². A mean over n draws is off by √((in + 1)/(r n)) (the spread of a Wishart matrix): n is such that this is 0.1; twice that is the bound."""
    errors = {}
    for path, at in fresh.items():
        A = rng.standard_normal((100 * (at.A.shape[1] + 1), at.A.shape[1]))  # the rows of all draws
        errors[path] = relative((at.G @ A.T) @ A / len(A), at.G)
    return worst(
        "mean first step",
        "E ΔW₁ = −ηs²rσ² G",
        f"A Gaussian of rank {rank}, B = 0; a mean over random draws, known to a tenth",
        errors,
        0.2,
    )


def rank_free(
    fresh: dict[str, LayerGradients], rank: int, rng: np.random.Generator, *, by: object, holds: bool
) -> Finding:
    """Whether the mean first step along G is the same at r = 1 and at r = ``rank``, for s = α/√r (rsLoRA) or s = α/r."""
    assert callable(by)
    errors = {}
    for path, at in fresh.items():
        steps = []
        for r in (1, rank):
            A = rng.standard_normal((20 * DRAWS, r, at.A.shape[1]))
            along = ((A @ at.G.T) ** 2).sum(axis=(1, 2)).mean() / float(
                np.vdot(at.G, at.G)
            )  # ⟨G AᵀA, G⟩/‖G‖²
            steps.append(by(r) ** 2 * along)
        errors[path] = abs(steps[1] / steps[0] - 1)
    if holds:
        return worst(
            "rank-free first step",
            "E ΔW₁ is the same at every rank",
            f"s = α/√r, A Gaussian; means of {20 * DRAWS} draws",
            errors,
            0.15,
        )
    return wrong(
        "rank-free first step with α/r",
        "E ΔW₁ is the same at every rank",
        "with s = α/r it falls as 1/r",
        errors,
        0.15,
    )


def best_start(model: Model, batch: Batch, rank: int) -> Finding:
    """LoRA-GA: with A the top r right-singular vectors of G and B the next r left ones, G AᵀA + BBᵀG is the best approximation of rank 2r (Eckart & Young 1936).

    The gradients are LoRA's own, of a model whose weights are W₀ − sBA, so that what it computes is the base.
    """
    rank = min(rank, model.config.width // 2)
    lora = LoRA(rank, float(rank), TARGETS)
    empty = {
        p: (A, B)
        for p, (A, B) in at_the_start(orthonormal_factors(model, lora, np.random.default_rng(0))).items()
    }
    factors, best = {}, {}
    for path, at in measure(model, batch, lora, empty).items():
        U, s, Vt = np.linalg.svd(at.G)
        factors[path] = (Vt[:rank], U[:, rank : 2 * rank])
        best[path] = (U[:, : 2 * rank] * s[: 2 * rank]) @ Vt[: 2 * rank]
    shifted = copy_of(model, np.float64)
    for path, (A, B) in factors.items():
        linear_layers(shifted)[path].weight.data -= lora.scale * B @ A
    found = measure(shifted, batch, lora, factors)
    errors = {p: relative((x.dB @ x.A + x.B @ x.dA) / x.scale, best[p]) for p, x in found.items()}
    return worst(
        "LoRA-GA's start",
        "G AᵀA + BBᵀ G = best rank-2r part of G",
        "A, B singular vectors 1…r and r+1…2r of G",
        errors,
        1e-9,
    )


class Listener(Module):
    """A layer that keeps what it was given."""

    def __init__(self, base: Module) -> None:
        self.base = base
        self.heard: list[Array] = []

    def __call__(self, x: Tensor, rng: np.random.Generator | None = None) -> Tensor:
        self.heard.append(x.data.reshape(-1, x.shape[-1]))
        return self.base(x, rng)  # type: ignore[operator, no-any-return]


def inputs_span(model: Model, batch: Batch, lora: LoRA, start: Factors) -> list[Finding]:
    """Rows of A_t − A₀ lie in the span of the inputs that the layer has seen: ∂A = s BᵀG, and G = Σ δ xᵀ. Plain gradient descent keeps them there; Adam does not.

    A few tokens, so that the inputs do not span everything: a quarter of the width, over three steps.
    """
    tokens = max(2, model.config.width // 8)
    few = batch.rows(slice(0, 1))
    few = type(few)(
        few.ids[:, -tokens:],
        few.targets[:, -tokens:],
        few.mask[:, -tokens:],
        None if few.types is None else few.types[:, -tokens:],
    )
    found = []
    for adam in (False, True):
        tuned = adapt(copy_of(model, np.float64), lora)
        rng = np.random.default_rng(0)
        own, listeners = tuned.parameters, {}
        for path, (A, B) in start.items():
            own[f"{path}.A"].data, own[f"{path}.B"].data = A.copy(), 0.02 * rng.standard_normal(B.shape)
            listeners[path] = Listener(tuned.model.get_module(path))
            tuned.model.set_module(path, listeners[path])
        parameters = list(own.values())
        for _ in range(3):
            for parameter, g in zip(parameters, gradients(tuned.loss(few), parameters), strict=True):
                assert g is not None
                parameter.data = parameter.data - (
                    1e-3 * np.sign(g) if adam else RATE * g
                )  # the sign is Adam's first step, without its memory
        errors = {}
        for path, (A, _) in start.items():
            change = own[f"{path}.A"].data - A
            _, s, Vt = np.linalg.svd(np.concatenate(listeners[path].heard), full_matrices=False)
            basis = Vt[s > 1e-12 * s[0]]
            errors[path] = relative(change @ basis.T @ basis, change)
        if adam:
            found.append(
                wrong(
                    "A stays in the span of its inputs under Adam",
                    "A_t − A₀ = (A_t − A₀)P, P on the inputs",
                    "a gradient divided by its own size leaves the span",
                    errors,
                )
            )
        else:
            found.append(
                worst(
                    "A stays in the span of its inputs",
                    "A_t − A₀ = (A_t − A₀)P, P on the inputs",
                    "plain gradient descent, 3 steps",
                    errors,
                    1e-9,
                )
            )
    return found
