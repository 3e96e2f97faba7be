"""A tensor is an array and its place on the tape.

Comes after the tape. The operators of a tensor (``+``, ``@``, indexing) are differentiable functions like any other: ``ops``, one floor up, defines them and
puts them in their places below.
"""

import weakref
from collections.abc import Callable, Sequence

import numpy as np

from ..backend import Array, namespace
from .tape import Node, reachable, run_backward


class LeafNode(Node):
    """The end of a tape: it knows its tensor, so that ``backward`` can leave the gradient there."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: "Tensor") -> None:
        super().__init__()
        self.tensor = weakref.ref(tensor)


class Tensor:
    """An array that remembers how it was computed.

    data: the array, NumPy's or CuPy's, of any shape and floating dtype. node: its place on the tape, None for a constant. grad: where ``backward()`` adds
    ∂loss/∂self (None before). ``Tensor(data, trainable=True)`` makes a leaf, which gradients flow to and end at.
    """

    __slots__ = ("__weakref__", "data", "grad", "node")
    __array_ufunc__ = None  # so that array * tensor asks the tensor, and not each element of the array

    def __init__(self, data: Array, trainable: bool = False, *, node: Node | None = None) -> None:
        self.data = data
        self.grad: Array | None = None
        self.node: Node | None = LeafNode(self) if trainable else node

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this tensor."""
        return self.node is not None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.data.shape)

    @property
    def dtype(self) -> "np.dtype[np.floating]":
        return self.data.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return len(self.data.shape)

    @property
    def size(self) -> int:
        return int(self.data.size)

    def item(self) -> float:
        """The value of a tensor of one element. On a GPU this waits for the device."""
        return float(self.data.item())

    def backward(self) -> None:
        """Add ∂self/∂leaf to ``leaf.grad`` for every leaf that self, a tensor of one element, depends on. The tape is used up."""
        if self.node is None:
            raise RuntimeError(
                "nothing this tensor was computed from is trainable, so there is no gradient to compute"
            )
        leaves = [node.tensor() for node in reachable(self.node) if isinstance(node, LeafNode)]
        wrt = [tensor for tensor in leaves if tensor is not None and tensor.node is not None]
        for tensor, gradient in zip(wrt, gradients(self, wrt), strict=True):
            # a copy: two leaves may have got the same array, and who scales one gradient in place must not scale both
            tensor.grad = (
                namespace(gradient).array(gradient) if tensor.grad is None else tensor.grad + gradient
            )

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data}{', trainable' if self.requires_grad else ''})"

    # Filled in by ops/operators.py; named here so that a reader sees what a tensor can do.
    __add__: Callable[..., "Tensor"]
    __radd__: Callable[..., "Tensor"]
    __sub__: Callable[..., "Tensor"]
    __rsub__: Callable[..., "Tensor"]
    __mul__: Callable[..., "Tensor"]
    __rmul__: Callable[..., "Tensor"]
    __truediv__: Callable[..., "Tensor"]
    __rtruediv__: Callable[..., "Tensor"]
    __neg__: Callable[..., "Tensor"]
    __matmul__: Callable[..., "Tensor"]
    __getitem__: Callable[..., "Tensor"]
    reshape: Callable[..., "Tensor"]
    transpose: Callable[..., "Tensor"]
    sum: Callable[..., "Tensor"]
    mean: Callable[..., "Tensor"]


def gradients(loss: Tensor, wrt: Sequence[Tensor]) -> list[Array | None]:
    """∂loss/∂t for each tensor t of ``wrt``, in its shape; None where loss does not depend on t.

    loss: a tensor of one element. Touches no ``grad``, so several threads may ask for the gradients of their own losses with respect to the same
    parameters. Raises ValueError when loss has more than one element, RuntimeError when its tape was used up before.
    """
    if loss.size != 1:
        raise ValueError(
            f"gradients are taken of one number, but loss has shape {loss.shape}; sum or average it first"
        )
    if loss.node is None:
        return [None] * len(wrt)
    seed = namespace(loss.data).ones_like(loss.data)
    found = run_backward(loss.node, seed, {tensor.node for tensor in wrt if tensor.node is not None})
    return [None if tensor.node is None else found.get(tensor.node) for tensor in wrt]
