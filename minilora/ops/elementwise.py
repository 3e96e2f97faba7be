"""Functions that act on each element by itself: arithmetic with broadcasting, and the activations."""

import math
from types import ModuleType
from typing import Any

from ..autograd import op
from ..backend import Array, elementwise, namespace
from ..backend import erf as error_function
from .broadcast import unbroadcast

Result = tuple[Array, tuple[Any, ...]]


def _shape(x: Array) -> tuple[int, ...]:
    return tuple(getattr(x, "shape", ()))  # a Python number has none


@op(check=[(3, 1, 4), (2, 4)])
def add(x: Array, y: Array) -> Result:
    """x + y, with broadcasting. Kept for the backward pass: the shapes."""
    of_x, of_y = _shape(x), _shape(y)  # not x and y: a sum's terms need not live until the backward pass
    return x + y, (lambda g: unbroadcast(g, of_x), lambda g: unbroadcast(g, of_y))


@op(check=[(3, 1, 4), (2, 4)])
def subtract(x: Array, y: Array) -> Result:
    """x − y, with broadcasting. Kept for the backward pass: the shapes."""
    of_x, of_y = _shape(x), _shape(y)
    return x - y, (lambda g: unbroadcast(g, of_x), lambda g: unbroadcast(-g, of_y))


@op(check=[(3, 1, 4), (2, 4)])
def multiply(x: Array, y: Array) -> Result:
    """x · y, element by element, with broadcasting."""
    of_x, of_y = _shape(x), _shape(y)  # each pullback keeps the other factor, and of its own the shape alone
    return x * y, (lambda g: unbroadcast(g * y, of_x), lambda g: unbroadcast(g * x, of_y))


@op(check=lambda rng: [rng.standard_normal((3, 1, 4)), rng.uniform(0.5, 2.0, (2, 4))])
def divide(x: Array, y: Array) -> Result:
    """x / y, element by element, with broadcasting: ∂x = g/y, ∂y = −g·x/y²."""
    of_x, of_y = _shape(x), _shape(y)
    return x / y, (
        lambda g: unbroadcast(g / y, of_x),
        lambda g: unbroadcast(-g * x / (y * y), of_y),
    )


@op(check=[(3, 4)])
def negative(x: Array) -> Result:
    """−x."""
    return -x, (lambda g: -g,)


@op(check=[(3, 4)])
def exp(x: Array) -> Result:
    """eˣ, which is its own derivative."""
    y = namespace(x).exp(x)
    return y, (lambda g: g * y,)


@op(check=lambda rng: [rng.uniform(0.5, 2.0, (3, 4))])
def log(x: Array) -> Result:
    """ln x, for x > 0: ∂x = g/x."""
    return namespace(x).log(x), (lambda g: g / x,)


@op(check=lambda rng: [rng.uniform(0.5, 2.0, (3, 4))])
def sqrt(x: Array) -> Result:
    """√x, for x > 0: ∂x = g/(2√x)."""
    y = namespace(x).sqrt(x)
    return y, (lambda g: g / (2 * y),)


@op(check=[(3, 4)])
def tanh(x: Array) -> Result:
    """tanh x: ∂x = g·(1 − tanh² x)."""
    y = namespace(x).tanh(x)
    return y, (lambda g: g * (1 - y * y),)


@elementwise
def _sigmoid(xp: ModuleType, x: Array, y: Array) -> None:
    # 1/(1 + e⁻ˣ) overflows for large −x; the tanh form never does.
    xp.multiply(x, 0.5, out=y)
    xp.tanh(y, out=y)
    y *= 0.5
    y += 0.5


@op(check=[(3, 4)])
def sigmoid(x: Array) -> Result:
    """σ(x) = 1/(1 + e⁻ˣ): ∂x = g·σ(1 − σ)."""
    y = namespace(x).empty_like(x)
    _sigmoid(x, y)
    return y, (lambda g: g * (y * (1 - y)),)


@op(check=lambda rng: [rng.uniform(0.1, 1.0, (3, 4)) * rng.choice([-1.0, 1.0], (3, 4))])
def relu(x: Array) -> Result:
    """max(x, 0): ∂x = g where x > 0. (At 0 the derivative is taken as 0.)"""
    positive = x > 0
    return x * positive, (lambda g: g * positive,)


@op(check=[(3, 4)])
def silu(x: Array) -> Result:
    """x·σ(x), also called swish: ∂x = g·(σ + x·σ(1 − σ)). The activation of Houlsby's adapters."""
    s = namespace(x).empty_like(x)
    _sigmoid(x, s)
    return x * s, (lambda g: g * (s + x * s * (1 - s)),)


@op(check=[(3, 4)])
def erf(x: Array) -> Result:
    """The error function 2/√π ∫₀ˣ e^(−t²) dt: ∂x = g·2/√π·e^(−x²)."""
    return error_function(x), (lambda g: g * (2 / math.sqrt(math.pi)) * namespace(x).exp(-x * x),)


@op(check=[(3, 4)])
def gelu_exact(x: Array, *, needs: tuple[bool, ...]) -> Result:
    """x·Φ(x) = ½·x·(1 + erf(x/√2)), Φ the normal distribution: GELU as BERT, RoBERTa and DeBERTa have it (Hendrycks & Gimpel 2016).

    ∂x = g·(Φ(x) + x·φ(x)) with φ(x) = e^(−x²/2)/√(2π). Only the derivative is kept for the backward pass.
    """
    y = error_function(x * math.sqrt(0.5))
    if not needs[0]:
        y += 1
        y *= 0.5
        y *= x
        return y, (None,)
    slope = namespace(x).empty_like(x)
    _gelu_exact_of_erf(x, y, slope)
    return y, (lambda g: g * slope,)


@elementwise
def _gelu_exact_of_erf(xp: ModuleType, x: Array, y: Array, slope: Array) -> None:
    # y holds erf(x/√2), and then Φ, and then the value
    y += 1
    y *= 0.5
    xp.multiply(x, x, out=slope)
    slope *= -0.5
    xp.exp(slope, out=slope)
    slope *= 1 / math.sqrt(2 * math.pi)
    slope *= x
    slope += y
    y *= x


_GELU_SCALE = math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715


def _gelu_gate(xp: ModuleType, x: Array, y: Array, polynomial: Array) -> None:
    # y: ½(1 + tanh u) = σ(2u) = 1/(1 + e⁻²ᵘ) with u = √(2/π)·(x + 0.044715·x³): by processor an exponential costs half of a tanh or as much, and where it overflows the quotient is 0
    # polynomial: holds x² and then −2u/x
    polynomial *= -2 * _GELU_SCALE * _GELU_CUBIC
    polynomial -= 2 * _GELU_SCALE
    xp.multiply(polynomial, x, out=y)
    xp.exp(y, out=y)
    y += 1
    xp.divide(1, y, out=y)


@elementwise
def _gelu(xp: ModuleType, x: Array, y: Array) -> None:
    _gelu_gate(xp, x, y, x * x)
    y *= x


@elementwise
def _gelu_and_slope(xp: ModuleType, x: Array, y: Array, slope: Array) -> None:
    # the slope is σ + x·σ(1 − σ)·∂(2u)/∂x, and with p = −2u/x, a polynomial, ∂(2u)/∂x = −3p − 4√(2/π); y holds σ first, and then the value
    xp.multiply(x, x, out=slope)
    _gelu_gate(xp, x, y, slope)
    slope *= -3
    slope -= 4 * _GELU_SCALE
    rest = 1 - y
    rest *= y
    rest *= x
    slope *= rest
    slope += y
    y *= x


@op(check=[(3, 4)])
def gelu(x: Array, *, needs: tuple[bool, ...]) -> Result:
    """½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))): the tanh form of GELU, as in GPT-2 (Hendrycks & Gimpel 2016).

    Only the derivative is kept for the backward pass, not x and not the tanh. x·x·x, never x**3: a power with an exponent is 90 times slower in NumPy.
    """
    y = namespace(x).empty_like(x)
    if not needs[0]:
        _gelu(x, y)
        return y, (None,)
    slope = namespace(x).empty_like(x)
    _gelu_and_slope(x, y, slope)
    return y, (lambda g: g * slope,)
