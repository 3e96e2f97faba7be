"""The gradient of a whole model against central differences, and a small random model and text to check it on.

Comes before ``gradcheck.py``.
"""

import numpy as np

from ..autograd import gradients, no_grad
from ..backend import to_device, to_host
from ..data.batches import Batch
from ..methods import Method, adapt
from ..models.base import Model
from ..models.gpt import GPT, GPTConfig
from .layer_gradients import copy_of

SMALL = GPTConfig(vocabulary=61, context=24, width=16, layers=2, heads=4)
"""The model that is checked when none is named."""


STEPS, GOOD = (2e-4, 2e-5, 2e-6), 1e-8
"""Steps of the differences; a smaller one is tried while the error is not below ``GOOD``."""

DIRECTIONS = 3
"""Random directions that a whole model's gradient is checked along: a wrong entry shows in each of them, so few are enough, and all entries one by one would take days."""


def model_error(
    model: Model,
    method: Method,
    batch: Batch,
    seed: int,
    directions: int = DIRECTIONS,
    *,
    device: str = "cpu",
) -> float:
    """The largest relative error of ⟨∂L/∂θ, v⟩ over random directions v, θ being all that ``method`` trains in ``model``.

    The differences are central ones of fourth order, (8(f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h with the best of the ``STEPS`` h (a kink of relu within the largest spoils it, and a
    wrong gradient is wrong at all), and v is as large in each array as the array is:
    a step then changes every weight by two parts in 10,000. On tiny-gpt truncation (h⁴) and rounding (ε/h) then meet at some 1e-9. Weights that start at zero are drawn first: at
    B = 0 most of LoRA's gradient would be zero. The model computes on ``device``; directions are drawn, and gradients compared, on the host.
    """
    tuned = adapt(copy_of(model, np.float64).to(device), method, rng=seed)
    parameters = list(tuned.parameters.values())
    rng = np.random.default_rng(seed)
    for parameter in parameters:
        if not to_host(parameter.data).any():
            parameter.data = to_device(0.02 * rng.standard_normal(parameter.shape), device)
    found = [
        np.zeros(p.shape) if g is None else to_host(g)
        for p, g in zip(parameters, gradients(tuned.loss(batch), parameters), strict=True)
    ]
    here = [to_host(parameter.data) for parameter in parameters]

    def loss_at(step: float, v: list[np.ndarray]) -> float:
        for parameter, x, direction in zip(parameters, here, v, strict=True):
            parameter.data = to_device(x + step * direction, device)
        with no_grad():
            return tuned.loss(batch).item()

    def slope(h: float, v: list[np.ndarray]) -> float:
        far, near = loss_at(2 * h, v) - loss_at(-2 * h, v), loss_at(h, v) - loss_at(-h, v)
        return (8 * near - far) / (12 * h)

    worst = 0.0
    for _ in range(directions):
        v = [rng.standard_normal(x.shape) * max(float(np.sqrt(np.mean(x * x))), 0.01) for x in here]
        tape = sum(float(np.sum(g * direction)) for g, direction in zip(found, v, strict=True))
        error = np.inf
        for h in STEPS:
            differences = slope(h, v)
            error = min(error, abs(tape - differences) / max(abs(tape), abs(differences)))
            if error < GOOD:
                break
        worst = max(worst, float(error))
    return worst


def random_model(rng: np.random.Generator) -> GPT:
    """A small GPT with every weight random, also the biases and norms, which usually start at 0 and 1."""
    model = GPT(SMALL, rng, np.float64)
    for parameter in model.parameters():
        parameter.data = parameter.data + 0.1 * rng.standard_normal(parameter.shape)
    return model


def random_batch(model: Model, rng: np.random.Generator, rows: int = 2, tokens: int = 24) -> Batch:
    """Random tokens, a third of them outside the loss. Gradients must be right for any text, so it may as well be this."""
    shape = (rows, min(tokens, 3 * model.config.context // 4))  # a prefix needs room too
    ids, targets = (rng.integers(0, model.config.vocabulary, shape) for _ in range(2))
    targets[:, : shape[1] // 3] = -100
    return Batch(ids, targets, np.ones(shape, bool))
