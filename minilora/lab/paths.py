"""Where training takes the merged weight, from two starts that differ by a rotation: gradient descent cannot tell them apart, Adam can.

Comes after ``layer_gradients.py``. A and QA, with Q orthogonal, span the same rows, and from B = 0 both start at the same model. Under plain gradient descent
BA then takes the same path from both. Adam divides each entry of a gradient by its own size, so its path hangs on the axes that A happens to be written in.
"""

import numpy as np

from ..autograd import gradients
from ..backend import Array
from ..data.batches import Batch
from ..methods import LoRA, adapt
from ..models.base import Model
from ..train import SGD, AdamW
from .identities import Finding, relative, worst
from .layer_gradients import Factors, at_the_start, copy_of, random_factors

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
        layer = min(errors, key=lambda path: errors[path])
        return Finding(name, statement, "false: Adam's steps hang on the axes", errors[layer], layer)
    return worst(name, statement, "Q orthogonal, B = 0, plain gradient descent", errors)


def merged_after(
    model: Model, batch: Batch, method: LoRA, factors: Factors, optimizer: SGD | AdamW
) -> dict[str, Array]:
    """s·BA of every layer after ``STEPS`` steps on the same batch from these factors, in float64."""
    tuned = adapt(copy_of(model, np.float64), method)
    for path, (A, B) in factors.items():
        tuned.parameters[f"{path}.A"].data = A.copy()
        tuned.parameters[f"{path}.B"].data = B.copy()
    parameters = list(tuned.parameters.values())
    state = optimizer.start(parameters)
    for _ in range(STEPS):
        state.step(gradients(tuned.loss(batch), parameters))
    values = tuned.arrays(str(tuned.active))
    return {path: method.scale * values[f"{path}.B"] @ values[f"{path}.A"] for path in factors}
