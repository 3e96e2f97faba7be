"""From gradients to new parameters: SGD and AdamW.

Comes after the gradients (``parallel``), before the loop that repeats it. An optimizer is a frozen value, ``AdamW(learning_rate=1e-3)``; ``start(parameters)``
gives the state of one run, whose ``step(gradients, learning_rate)`` changes the parameters' own arrays in place.

Weight decay is decoupled (it shrinks the weights themselves, not through the gradient), and touches matrices only: arrays with two or more axes. Biases and the
gains of layer norms, which have one, set an offset or a scale and are left alone, as is usual since GPT-2.

The moments are flat arrays (``Layout``). The update is written once, element by element: on a GPU it is one kernel over them. On the CPU it is some ten passes over a block at a time
(``backend/elementwise.py``): measured on 5.6 M parameters, 16 ms where passes over the whole arrays take 25.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..autograd import Tensor
from ..backend import Array, elementwise, namespace
from ..errors import InputError
from .flat import Layout


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent with momentum μ, and decoupled weight decay λ.

    u ← μ u + g;   θ ← θ − η (u + λ θ)

    With μ = 0 no state is kept. Source: Polyak 1964 (momentum); Loshchilov & Hutter 2019, algorithm 1 (SGDW, without its schedule factor apart from η).
    """

    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_rate("learning_rate", self.learning_rate)
        check_fraction("momentum", self.momentum)
        check_rate("weight_decay", self.weight_decay)

    def start(self, parameters: Sequence[Tensor]) -> "SGDState":
        """The state of a run that trains ``parameters``."""
        return SGDState(self, parameters)


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay λ.

    m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²

    θ ← θ − η ( m̂ / (√v̂ + ε) + λ θ ),   m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)   at the t-th step

    Source: Kingma & Ba 2015, algorithm 1 (moments, bias correction); Loshchilov & Hutter 2019, algorithm 2 (decay).
    """

    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        check_rate("learning_rate", self.learning_rate)
        check_fraction("beta1", self.beta1)
        check_fraction("beta2", self.beta2)
        check_rate("epsilon", self.epsilon)
        check_rate("weight_decay", self.weight_decay)

    def start(self, parameters: Sequence[Tensor]) -> "AdamWState":
        """The state of a run that trains ``parameters``."""
        return AdamWState(self, parameters)


class OptimizerState(Protocol):
    """What a run keeps: ``steps`` taken, and whatever moments the optimizer has."""

    layout: Layout
    steps: int

    def step(self, gradients: Sequence[Array | None] | Array, learning_rate: float | None = None) -> None:
        """Change the parameters by one step down ``gradients``: one array a parameter (None for zeros), or all of them joined in one flat array.

        A flat array is used up: it holds the step taken afterwards. ``learning_rate`` is this step's; the optimizer's own when it is None.
        """

    def state(self) -> dict[str, Array]:
        """The moments by name, flat; the arrays themselves, not copies."""

    def load_state(self, arrays: Mapping[str, Array], steps: int) -> None:
        """Go on from the moments of an earlier run after ``steps`` steps. Raises InputError where names or sizes do not fit."""


class SGDState:
    """A run of ``SGD``: the velocity u, when there is momentum."""

    def __init__(self, settings: SGD, parameters: Sequence[Tensor]) -> None:
        self.settings, self.parameters, self.steps = settings, list(parameters), 0
        self.layout = Layout([parameter.data for parameter in self.parameters])
        self.velocity = self.layout.zeros() if settings.momentum else None

    def step(self, gradients: Sequence[Array | None] | Array, learning_rate: float | None = None) -> None:
        """See ``OptimizerState.step``."""
        rate = self.settings.learning_rate if learning_rate is None else float(learning_rate)
        flat = flat_gradient(self.layout, gradients)
        self.steps += 1
        if self.velocity is None:
            flat *= rate
        else:
            sgd_step(flat, self.velocity, self.settings.momentum, rate)
        move(self.parameters, self.layout, flat, shrink=1.0 - rate * self.settings.weight_decay)

    def state(self) -> dict[str, Array]:
        """See ``OptimizerState.state``."""
        return {} if self.velocity is None else {"velocity": self.velocity}

    def load_state(self, arrays: Mapping[str, Array], steps: int) -> None:
        """See ``OptimizerState.load_state``."""
        load_flat(self.state(), arrays)
        self.steps = steps


class AdamWState:
    """A run of ``AdamW``: the moments m and v, flat."""

    def __init__(self, settings: AdamW, parameters: Sequence[Tensor]) -> None:
        self.settings, self.parameters, self.steps = settings, list(parameters), 0
        self.layout = Layout([parameter.data for parameter in self.parameters])
        self.first, self.second = self.layout.zeros(), self.layout.zeros()

    def step(self, gradients: Sequence[Array | None] | Array, learning_rate: float | None = None) -> None:
        """See ``OptimizerState.step``."""
        s = self.settings
        rate = s.learning_rate if learning_rate is None else float(learning_rate)
        flat = flat_gradient(self.layout, gradients)
        self.steps += 1
        # Both corrections are Python floats: a NumPy float64 here would turn every float32 array below into float64.
        scale_m = rate / (1.0 - s.beta1**self.steps)
        scale_v = 1.0 / (1.0 - s.beta2**self.steps)
        keep = (s.beta1, 1.0 - s.beta1, s.beta2, 1.0 - s.beta2)
        adamw_step(flat, self.first, self.second, *keep, s.epsilon, scale_m, scale_v)
        move(self.parameters, self.layout, flat, shrink=1.0 - rate * s.weight_decay)

    def state(self) -> dict[str, Array]:
        """See ``OptimizerState.state``."""
        return {"first": self.first, "second": self.second}

    def load_state(self, arrays: Mapping[str, Array], steps: int) -> None:
        """See ``OptimizerState.load_state``."""
        load_flat(self.state(), arrays)
        self.steps = steps


@elementwise
def adamw_step(
    xp: Any, g: Array, m: Array, v: Array,
    beta1: float, rest1: float, beta2: float, rest2: float, epsilon: float, scale_m: float, scale_v: float,
) -> None:  # fmt: skip
    """Renew the moments ``m`` and ``v`` of AdamW by the gradient ``g``, and put the step η m̂ / (√v̂ + ε) in its place, all in place.

    rest1, rest2: 1 − β₁ and 1 − β₂; scale_m: η / (1 − β₁ᵗ), scale_v: 1 / (1 − β₂ᵗ).
    """
    m *= beta1
    m += rest1 * g
    v *= beta2
    g *= g
    g *= rest2
    v += g
    xp.multiply(v, scale_v, out=g)  # from here on g holds the denominator, and then the step
    xp.sqrt(g, out=g)
    g += epsilon
    xp.divide(m, g, out=g)
    g *= scale_m


@elementwise
def sgd_step(xp: Any, g: Array, u: Array, momentum: float, rate: float) -> None:
    """Renew the velocity ``u`` by the gradient ``g``, and put the step η u in its place, all in place."""
    u *= momentum
    u += g
    xp.multiply(u, rate, out=g)


def flat_gradient(layout: Layout, gradients: Sequence[Array | None] | Array) -> Array:
    """The gradients joined in one flat array that the step may overwrite."""
    if hasattr(gradients, "shape"):
        if tuple(gradients.shape) != (layout.size,):
            raise ValueError(f"a flat gradient has shape ({layout.size},), not {tuple(gradients.shape)}")
        return gradients
    flat = layout.zeros()
    layout.join(gradients, flat)
    return flat


def move(parameters: Sequence[Tensor], layout: Layout, steps: Array, shrink: float) -> None:
    """θ ← shrink · θ − step for matrices, θ ← θ − step for vectors, in place."""
    for parameter, step in zip(parameters, layout.views(steps), strict=True):
        if parameter.ndim >= 2 and shrink != 1.0:
            parameter.data *= shrink
        parameter.data -= step


def load_flat(own: Mapping[str, Array], given: Mapping[str, Array]) -> None:
    """Copy the arrays of ``given`` into ``own``; names and sizes must be the same."""
    if own.keys() != given.keys():
        raise InputError(f"the optimizer keeps {sorted(own)}, but the state given holds {sorted(given)}")
    for name, array in given.items():
        if array.shape != own[name].shape:
            raise InputError(
                f"optimizer state {name!r} has {array.size} elements, but the parameters have {own[name].size}"
            )
        own[name][...] = namespace(own[name]).asarray(array)


def check_rate(name: str, value: float) -> None:
    """Raise InputError unless value ≥ 0 and finite."""
    if not 0 <= value < float("inf"):
        raise InputError(f"{name} must be a number of at least 0, not {value!r}")


def check_fraction(name: str, value: float) -> None:
    """Raise InputError unless 0 ≤ value < 1."""
    if not 0 <= value < 1:
        raise InputError(f"{name} must be at least 0 and below 1, not {value!r}")
