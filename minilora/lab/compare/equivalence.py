"""Cases in which two methods are one, followed step by step on a real model in float64: how far apart the two merged weights are.

Comes after ``layer_gradients.py``, whose copies it trains. What is stated exactly must show differences of rounding, some 1e-15; beside each stands the same
pair with one condition dropped, so that one sees what the condition does.

1. LoRA with r = in, AᵀA = I and A held: ∂B = s G Aᵀ, so sB moves by −ηs²·G·AᵀA = −ηs²·G. It *is* full fine-tuning at the rate ηs², at every step.
2. A linear adapter without bias after a layer computes (I + UD)Wx = Wx + U(DW)x: it *is* LoRA with B = U and A = DW.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...autograd import Tensor, gradients
from ...backend import Array
from ...data.batches import Batch
from ...methods import LoRA, adapt
from ...methods.layers import linear_layers, select
from ...models.base import Model
from ...train import SGD, AdamW
from ..identities.series import LinearAdapter
from ..layer_gradients import copy_of

STEPS = 8
RATE = 0.05
TARGETS = ("query", "value")

Updates = dict[str, Array]


@dataclass(frozen=True)
class Equivalence:
    """Two ways of training the same model. exact: whether they must agree; differences: ‖ΔW − ΔW′‖ / ‖ΔW′‖ after each step, over all adapted layers."""

    name: str
    first: str
    second: str
    condition: str
    exact: bool
    differences: Sequence[float]


@dataclass(frozen=True)
class Trained:
    """A model, what is trained of it, and how the update of its weights is read off."""

    model: Model
    parameters: Sequence[Tensor]
    updates: Callable[[], Updates]


def equivalences(base: Model, batches: Sequence[Batch], *, seed: int = 0) -> list[Equivalence]:
    """Every case, on the query and value layers of ``base``, one step of gradient descent a batch."""
    rng = np.random.default_rng(seed)
    width = base.config.width
    rank = min(8, width)
    orthogonal = {path: np.linalg.qr(rng.standard_normal((width, width)))[0] for path in _paths(base)}
    narrow = {
        path: np.linalg.qr(rng.standard_normal((width, rank)))[0].T for path in _paths(base)
    }  # D: [r, out]
    weights = {path: linear_layers(base)[path].weight.data.astype(np.float64) for path in _paths(base)}
    of_narrow = {path: D @ weights[path] for path, D in narrow.items()}  # A = DW: [r, in]
    s = 2.0
    full = run(full_weights(base), batches, SGD(RATE * s**2))

    def against_full(
        name: str, condition: str, exact: bool, found: Sequence[Updates], other: Sequence[Updates]
    ) -> Equivalence:
        return Equivalence(
            name,
            f"LoRA, r = {width}, AᵀA = I",
            "full fine-tuning at the rate ηs²",
            condition,
            exact,
            apart(found, other),
        )

    def as_lora(name: str, condition: str, exact: bool, *, hold: bool) -> Equivalence:
        adapter = run(linear_adapter(base, narrow, hold=hold), batches, SGD(RATE))
        lora = run(low_rank(base, of_narrow, scale=1.0, hold=hold), batches, SGD(RATE))
        return Equivalence(
            name,
            f"linear adapter of width {rank}",
            "LoRA with B = U, A = DW",
            condition,
            exact,
            apart(adapter, lora),
        )

    both = run(low_rank(base, orthogonal, scale=s, hold=False), batches, SGD(RATE))
    held = run(low_rank(base, orthogonal, scale=s, hold=True), batches, SGD(RATE))
    adam = run(low_rank(base, orthogonal, scale=s, hold=True), batches, AdamW(1e-3, weight_decay=0.0))
    adam_full = run(full_weights(base), batches, AdamW(1e-3 * s**2, weight_decay=0.0))
    return [
        against_full("full rank, A held", "gradient descent, A held", True, held, full),
        against_full("full rank, A trained too", "A is trained too: exact in the first step alone", False, both, full),
        against_full("full rank, Adam", "A held, but Adam", False, adam, adam_full),
        as_lora("linear adapter, D held", "gradient descent, D and A held", True, hold=True),
        as_lora("linear adapter, D trained too", "D and A are trained too: exact in the first step alone", False, hold=False),
    ]  # fmt: skip


def run(trained: Trained, batches: Sequence[Batch], optimizer: SGD | AdamW) -> list[Updates]:
    """One step a batch; the updates of the weights after each."""
    state = optimizer.start(trained.parameters)
    found = []
    for batch in batches:
        state.step(gradients(trained.model.loss(batch), trained.parameters))
        found.append(trained.updates())
    return found


def apart(first: Sequence[Updates], second: Sequence[Updates]) -> list[float]:
    """The relative difference after each step, all layers together."""
    return [
        _norm({p: a[p] - b[p] for p in a}) / max(_norm(b), 1e-300) for a, b in zip(first, second, strict=True)
    ]


def full_weights(base: Model) -> Trained:
    """The plain model, of which the layers' weights alone are trained."""
    model = copy_of(base, np.float64)
    model.freeze()
    layers = {path: linear_layers(model)[path] for path in _paths(model)}
    start = {path: layer.weight.data.copy() for path, layer in layers.items()}
    for layer in layers.values():
        layer.weight.trainable = True
    parameters = [layer.weight for layer in layers.values()]
    return Trained(
        model, parameters, lambda: {p: layer.weight.data - start[p] for p, layer in layers.items()}
    )


def low_rank(base: Model, A: Mapping[str, Array], *, scale: float, hold: bool) -> Trained:
    """LoRA from these A and B = 0. hold: A is not trained."""
    rank = len(next(iter(A.values())))
    tuned = adapt(copy_of(base, np.float64), LoRA(rank, scale * rank, TARGETS))
    for path, rows in A.items():
        tuned.parameters[f"{path}.A"].data = rows.copy()
    own = tuned.parameters
    for name, parameter in own.items():
        parameter.trainable = not (hold and name.endswith(".A"))
    parameters = [parameter for parameter in own.values() if parameter.trainable]
    return Trained(
        tuned.model, parameters, lambda: {p: scale * own[f"{p}.B"].data @ own[f"{p}.A"].data for p in A}
    )


def linear_adapter(base: Model, D: Mapping[str, Array], *, hold: bool) -> Trained:
    """A linear adapter after every layer, from these D and U = 0. hold: D is not trained."""
    model = copy_of(base, np.float64)
    model.freeze()
    layers = linear_layers(model)
    adapters = {}
    for path, rows in D.items():
        adapters[path] = LinearAdapter(layers[path], np.zeros(rows.T.shape), rows.copy())
        adapters[path].D.trainable = not hold
        model.set_module(path, adapters[path])
    parameters = [p for a in adapters.values() for p in (a.U, a.D) if p.trainable]
    return Trained(model, parameters, lambda: {path: a.update() for path, a in adapters.items()})


def _paths(model: Model) -> list[str]:
    return select(linear_layers(model), TARGETS)


def _norm(updates: Updates) -> float:
    return float(np.sqrt(sum(float(np.vdot(x, x)) for x in updates.values())))
