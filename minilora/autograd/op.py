"""The one idiom in which every differentiable function is written.

An op is a function on raw arrays that returns its value and one pullback for each array input, in input order::

    @op(check=[(3, 4), (5, 4)])
    def linear(x, W):
        return x @ W.T, (lambda g: g @ W, lambda g: g.T @ x)

Called with tensors, the decorated function computes the value and writes (parent, pullback) pairs on the tape for those inputs that gradients flow
to; the other pullbacks are dropped, and with them the arrays that only they had captured.

``check=`` says on what inputs the gradients are checked: a list of shapes, or a function ``rng -> arrays`` or ``rng -> (arrays, options)`` where the
domain or the options matter. It is mandatory, and a test goes over ``REGISTRY``, so no op escapes its gradient check.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Array
from .tape import Node, Pullback, is_recording
from .tensor import Tensor

CheckInputs = Sequence[tuple[int, ...]] | Callable[[np.random.Generator], Any]


@dataclass(frozen=True)
class Op:
    """A registered op: its name, the function that tensors are given to, and how its gradients are checked."""

    name: str
    apply: Callable[..., Tensor]
    check: CheckInputs

    def inputs(self, rng: np.random.Generator) -> tuple[list[Array], dict[str, Any]]:
        """Random float64 inputs, and options, on which to check the gradients."""
        if callable(self.check):
            made = self.check(rng)
            return made if isinstance(made, tuple) else (made, {})
        return [rng.standard_normal(shape) for shape in self.check], {}


REGISTRY: dict[str, Op] = {}
"""Every op of the package by name, filled as the modules that define them are imported, and never changed after."""


def op(*, check: CheckInputs) -> Callable[[Callable[..., Any]], Callable[..., Tensor]]:
    """Turn a function on arrays into a differentiable function on tensors; see the module's text for the idiom.

    Positional inputs are arrays or tensors (or None where the function allows it), keywords are options. A function with a keyword ``needs`` is told, as a
    tuple of bools, which inputs gradients flow to, and may then return None in place of the other pullbacks and spare their work.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Tensor]:
        told_needs = "needs" in inspect.signature(function).parameters

        @functools.wraps(function)
        def apply(*inputs: Any, **options: Any) -> Tensor:
            arrays = [x.data if isinstance(x, Tensor) else x for x in inputs]
            recording = is_recording()
            nodes = [x.node if recording and isinstance(x, Tensor) else None for x in inputs]
            if told_needs:
                options["needs"] = tuple(node is not None for node in nodes)
            value, pullbacks = function(*arrays, **options)
            parents = tuple(
                (node, pullback) for node, pullback in zip(nodes, pullbacks, strict=True) if node is not None
            )
            return Tensor(value, node=Node(parents) if parents else None)

        REGISTRY[function.__name__] = Op(function.__name__, apply, check)
        return apply

    return decorate


def once(function: Pullback) -> Pullback:
    """Work that several pullbacks of one op share, done once.

    All pullbacks of an op get the same gradient, and each tape runs once; so the result is kept for the siblings, and freed with them.
    """
    kept: list[Array] = []

    def remembered(g: Array) -> Array:
        if not kept:
            kept.append(function(g))
        return kept[0]

    return remembered
