"""A function of tensors on the host, computed on another device: what a check needs that makes its inputs, and compares its results, with NumPy.

Comes before ``gradcheck.py``. A tensor that moves stays on its tape: forward its array goes over, backward its gradient comes back.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..autograd.tape import Node
from ..backend import namespace, to_device


def across(x: Tensor, device: str) -> Tensor:
    """``x`` on ``device``; the gradient goes back to where ``x`` is."""
    home = "cpu" if namespace(x.data) is np else "cuda"
    node = None if x.node is None else Node(((x.node, lambda g: to_device(g, home)),))
    return Tensor(to_device(x.data, device), node=node)


def on_device(function: Callable[..., Tensor], device: str) -> Callable[..., Tensor]:
    """``function`` computed on ``device``: its tensors, and the arrays among its options, move there, and its value moves back."""

    def run(*inputs: Tensor, **options: Any) -> Tensor:
        moved = {name: _moved(value, device) for name, value in options.items()}
        return across(function(*[across(x, device) for x in inputs], **moved), "cpu")

    return function if device == "cpu" else run


def _moved(value: Any, device: str) -> Any:
    """An option with its arrays on ``device``: an index may be a tuple of them."""
    if isinstance(value, tuple):
        return tuple(_moved(part, device) for part in value)
    return to_device(value, device) if isinstance(value, np.ndarray) else value
