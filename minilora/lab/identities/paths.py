"""Where training takes the merged weight, from two starts that differ by a rotation: gradient descent cannot tell them apart, Adam can.

Comes after ``layer_gradients.py``. A and QA, with Q orthogonal, span the same rows, and from B = 0 both start at the same model. Under plain gradient descent
BA then takes the same path from both. Adam divides each entry of a gradient by its own size, so its path depends on the axes that A happens to be written in.
"""

import numpy as np

from ...autograd import gradients
from ...backend import Array
from ...data.batches import Batch
from ...methods import LoRA, adapt
from ...models.base import Model
from ...train import SGD, AdamW
from ..layer_gradients import Factors, at_the_start, copy_of, random_factors
from .finding import Finding, relative, worst, wrong

STEPS = 3


def check_rotation(
    model: Model, batch: Batch, optimizer: SGD | AdamW, *, rank: int = 4, seed: int = 0
) -> Finding:
    """How much the merged updates differ after a few steps from A and from QA: the largest relative difference over the layers.

    With ``SGD`` it is rounding; with ``AdamW`` the two are different models, and the smallest difference over the layers is given, because it must be large in all.
    """
    rng = np.random.default_rng(seed)
    lora = LoRA(rank, 2.0 * rank, ("query", "value"))
    start = at_the_start(random_factors(model, lora, rng))
    Q, _ = np.linalg.qr(rng.standard_normal((rank, rank)))
    rotated = {path: (Q @ A, B) for path, (A, B) in start.items()}
    first, second = (merged_after(model, batch, lora, factors, optimizer) for factors in (start, rotated))
    errors = {path: relative(second[path], update) for path, update in first.items()}
    name = f"rotation under {type(optimizer).__name__}"
    statement = f"A₀ → QA₀ leaves sBA unchanged over {STEPS} steps"
    if isinstance(optimizer, AdamW):
        return wrong(name, statement, "Adam's steps hang on the axes", errors)
    return worst(name, statement, "Q orthogonal, B = 0, plain gradient descent", errors)


def merged_after(
    model: Model,
    batch: Batch,
    method: LoRA,
    factors: Factors,
    optimizer: SGD | AdamW,
    of_B: SGD | AdamW | None = None,
) -> dict[str, Array]:
    """s·BA of every layer after ``STEPS`` steps on the same batch from these factors, in float64. of_B: another optimizer for every B."""
    tuned = adapt(copy_of(model, np.float64), method)
    for path, (A, B) in factors.items():
        tuned.parameters[f"{path}.A"].data = A.copy()
        tuned.parameters[f"{path}.B"].data = B.copy()
    own = tuned.parameters
    groups = {end: [p for name, p in own.items() if name.endswith(end)] for end in (".A", ".B")}
    steps_A = optimizer.start(groups[".A"])
    steps_B = (optimizer if of_B is None else of_B).start(groups[".B"])
    for _ in range(STEPS):
        found = gradients(tuned.loss(batch), [*groups[".A"], *groups[".B"]])
        steps_A.step(found[: len(groups[".A"])])
        steps_B.step(found[len(groups[".A"]) :])
    values = tuned.arrays(str(tuned.active))
    return {path: method.scale * values[f"{path}.B"] @ values[f"{path}.A"] for path in factors}


def check_alpha(
    model: Model, batch: Batch, optimizer: type[SGD] | type[AdamW], *, rank: int = 4, seed: int = 0
) -> Finding:
    """α against the learning rate: c·s from (A, B) at η is s from (√c·A, √c·B) at √c·η under Adam (ε = 0, no decay), and at c·η under gradient descent."""
    c, start = 3.0, random_factors(model, LoRA(rank, 2.0 * rank), np.random.default_rng(seed))
    grown = {path: (np.sqrt(c) * A, np.sqrt(c) * B) for path, (A, B) in start.items()}
    one, other = (rate(optimizer, 1.0), rate(optimizer, c if optimizer is SGD else np.sqrt(c)))
    first = merged_after(model, batch, LoRA(rank, 2.0 * c * rank), start, one)
    second = merged_after(model, batch, LoRA(rank, 2.0 * rank), grown, other)
    how = "cη, plain gradient descent" if optimizer is SGD else "√c·η, Adam with ε = 0 and no decay"
    return worst(
        f"alpha under {optimizer.__name__}",
        "c·s from (A, B) at η = s from (√c·A, √c·B) at " + how.split(",")[0],
        how.split(", ")[1],
        {path: relative(second[path], update) for path, update in first.items()},
        1e-12 if optimizer is SGD else 1e-9,
    )


def check_lora_plus(
    model: Model, batch: Batch, optimizer: type[SGD] | type[AdamW], *, rank: int = 4, seed: int = 0
) -> Finding:
    """LoRA+ is another start: rates (η, λη) from (A, B) are equal rates √λ·η from (κA, B/κ), with κ = √λ under Adam (ε = 0, no decay) and λ^¼ under gradient descent."""
    ratio, lora = 10.0, LoRA(rank, 2.0 * rank)
    kappa = ratio**0.25 if optimizer is SGD else ratio**0.5
    start = random_factors(model, lora, np.random.default_rng(seed))
    moved = {path: (kappa * A, B / kappa) for path, (A, B) in start.items()}
    first = merged_after(model, batch, lora, start, rate(optimizer, 0.25), rate(optimizer, 0.25 * ratio))
    second = merged_after(model, batch, lora, moved, rate(optimizer, 0.25 * ratio**0.5))
    return worst(
        f"LoRA+ under {optimizer.__name__}",
        f"rates (η, λη) from (A, B) = rate √λ·η from (κA, B/κ), κ = {'λ^¼' if optimizer is SGD else '√λ'}",
        "plain gradient descent" if optimizer is SGD else "Adam with ε = 0 and no decay",
        {path: relative(second[path], update) for path, update in first.items()},
        1e-12 if optimizer is SGD else 1e-9,
    )


def check_rank(model: Model, batch: Batch, *, rank: int = 4, seed: int = 0) -> Finding:
    """rank ΔW ≤ r, whatever the steps: the (r + 1)th singular value of sBA is 0."""
    lora = LoRA(rank, 2.0 * rank)
    start = random_factors(model, lora, np.random.default_rng(seed))
    updates = merged_after(model, batch, lora, start, AdamW(1e-2, weight_decay=0.0))
    spectra = {path: np.linalg.svd(update, compute_uv=False) for path, update in updates.items()}
    errors = {path: float(s[rank] / s[0]) if rank < len(s) else 0.0 for path, s in spectra.items()}
    return worst("rank of the update", f"rank ΔW ≤ r, after {STEPS} steps of Adam", "any A and B", errors)


def rate(optimizer: type[SGD] | type[AdamW], factor: float) -> SGD | AdamW:
    """The optimizer at some base rate times ``factor``, without anything that would break the identities: no decay, and ε = 0."""
    if optimizer is SGD:
        return SGD(0.05 * factor)
    return AdamW(1e-3 * factor, epsilon=0.0, weight_decay=0.0)
