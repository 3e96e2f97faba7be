"""What solved exercises may stand in for: of what a student wrote is made what the library calls, with the student's arithmetic and the library's signature.

Comes before ``demo.py``, which trains with it. ``classroom`` knows nothing of models and ops, so the two meet here, where every room may be used.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import ops
from ...autograd import REGISTRY, op
from ...autograd.tape import Node, reachable, run_backward
from ...backend import Array

Defined = Mapping[str, Any]
"""The names that a student's file defines."""


@dataclass(frozen=True)
class Part:
    """What exercises may stand in for: the library's own function, and how to make its like of theirs. Together they must all have passed."""

    exercises: tuple[str, ...]
    what: str
    original: Callable[..., Any]
    make: Callable[..., Callable[..., Any]]


def make_gelu(gelu: Defined) -> Callable[..., Any]:
    """The op GELU."""

    def own_gelu(x: Array) -> Any:
        return gelu["gelu"](x)

    return op(check=[(2, 3)])(own_gelu)


def make_layer_norm(norm: Defined) -> Callable[..., Any]:
    """The op layer norm."""

    def own_layer_norm(x: Array, gain: Array, bias: Array, *, epsilon: float) -> Any:
        return norm["layer_norm"](x, gain, bias, epsilon)

    return op(check=[(2, 3), (3,), (3,)])(own_layer_norm)


def make_linear(matmul: Defined, unbroadcast: Defined) -> Callable[..., Any]:
    """The op linear, from a product and an undone broadcast."""

    def own_linear(x: Array, W: Array, b: Array | None) -> Any:
        rows = x.reshape(-1, x.shape[-1])  # [n, in]
        y, (pull_x, pull_Wt) = matmul["matmul"](rows, W.T)  # [n, out]

        def flat(g: Array) -> Array:
            return g.reshape(-1, len(W))

        return (y if b is None else y + b).reshape(*x.shape[:-1], len(W)), (
            lambda g: pull_x(flat(g)).reshape(x.shape),
            lambda g: pull_Wt(flat(g)).T,
            lambda g: unbroadcast["unbroadcast"](g, (len(W),)),
        )

    return op(check=[(2, 4), (3, 4), (3,)])(own_linear)


def make_lora(lora: Defined) -> Callable[..., Any]:
    """The op of the LoRA layer; the bias, which the exercise leaves out, is added."""

    def own_lora_linear(x: Array, W: Array, b: Array | None, A: Array, B: Array, *, scale: float) -> Any:
        y, (pull_x, pull_A, pull_B) = lora["lora"](x.reshape(-1, x.shape[-1]), W, A, B, scale)  # [n, out]

        def flat(g: Array) -> Array:
            return g.reshape(-1, len(W))

        return (y if b is None else y + b).reshape(*x.shape[:-1], len(W)), (
            lambda g: pull_x(flat(g)).reshape(x.shape),
            lambda g: flat(g).T @ x.reshape(-1, x.shape[-1]),
            lambda g: flat(g).sum(axis=0),
            lambda g: pull_A(flat(g)),
            lambda g: pull_B(flat(g)),
        )

    return op(check=[(2, 4), (3, 4), (3,), (2, 4), (3, 2)])(own_lora_linear)


def make_attention(attention: Defined) -> Callable[..., Any]:
    """The op attention: the student's single head, for every head of every row. (What the exercise leaves out, padding and cache, a training run of a GPT does not use.)"""

    def own_attention(q: Array, k: Array, v: Array, *, heads: int, causal: bool, **rest: Any) -> Any:
        rows, tokens, width = q.shape
        assert causal
        assert k.shape == q.shape

        def split(x: Array) -> list[Array]:
            cut = x.reshape(rows, tokens, heads, width // heads).transpose(0, 2, 1, 3)
            return list(cut.reshape(rows * heads, tokens, width // heads))

        def joined(parts: Sequence[Array]) -> Array:
            cut = np.stack(parts).reshape(rows, heads, tokens, width // heads)
            return cut.transpose(0, 2, 1, 3).reshape(rows, tokens, width)

        each = [attention["attention"](*one) for one in zip(split(q), split(k), split(v), strict=True)]

        def pullback(place: int) -> Callable[[Array], Array]:
            return lambda g: joined(
                [pulls[place](part) for (_, pulls), part in zip(each, split(g), strict=True)]
            )

        return joined([o for o, _ in each]), tuple(pullback(place) for place in range(3))

    return op(check=[(1, 2, 4)] * 3)(own_attention)


def make_loss(loss: Defined) -> Callable[..., Any]:
    """The op of head and loss: the student's cross-entropy behind a product with the head."""

    def own_head_cross_entropy(
        h: Array, W: Array, b: Array | None, *, targets: Array, divisor: float, **rest: Any
    ) -> Any:
        flat = h.reshape(-1, h.shape[-1])  # [n, width]
        share = np.float32((targets != ops.IGNORED).sum() / divisor)  # the exercise's loss is a mean
        z = flat @ W.T  # [n, vocabulary]
        L, pull = loss["cross_entropy"](z if b is None else z + b, targets.ravel())
        return np.asarray(L * share), (
            lambda g: (pull(g * share) @ W).reshape(h.shape),
            lambda g: pull(g * share).T @ flat,
            lambda g: pull(g * share).sum(axis=0),
        )

    return op(check=[(2, 4), (3, 4), (3,)])(own_head_cross_entropy)


def make_backward(tape: Defined) -> Callable[..., Any]:
    """The loop that runs the tape: nodes get numbers, parents before children, as the exercise has them."""

    def own_run_backward(start: Node, seed: Array, leaves: set[Node]) -> dict[Node, Array]:
        nodes = sorted(reachable(start), key=lambda node: node.depth)
        number = {node: i for i, node in enumerate(nodes)}
        pairs = [[(number[parent], pull) for parent, pull in node.parents or ()] for node in nodes]
        found = tape["backward"](pairs, seed)
        return {node: found[number[node]] for node in leaves if node in number}

    return own_run_backward


PARTS = (
    Part(("tape",), "the tape's backward pass", run_backward, make_backward),
    Part(("matmul", "unbroadcast"), "linear layers", ops.linear, make_linear),
    Part(("gelu",), "the activation", ops.gelu, make_gelu),
    Part(("layer_norm",), "layer norm", ops.layer_norm, make_layer_norm),
    Part(("attention_pullbacks",), "attention", ops.attention, make_attention),
    Part(("cross_entropy",), "the loss", ops.head_cross_entropy, make_loss),
    Part(("lora_pullbacks",), "the LoRA layer", ops.lora_linear, make_lora),
)
"""What takes the place of a function of the library."""


@contextmanager
def swapped(solved: Mapping[str, Defined]) -> Iterator[list[str]]:
    """Within it, the library uses what the student wrote wherever it used its own; gives what was exchanged, in words."""
    rooms = [
        module for name, module in sys.modules.items() if name.startswith(__package__.split(".")[0] + ".")
    ]
    registered, undo, words = dict(REGISTRY), [], []
    for part in PARTS:
        if all(name in solved for name in part.exercises):
            own = part.make(*(solved[name] for name in part.exercises))
            words.append(f"{part.what} ({', '.join(part.exercises)})")
            for module in rooms:
                for name, value in list(vars(module).items()):
                    if value is part.original:
                        undo.append((module, name, value))
                        setattr(module, name, own)
    try:
        yield words
    finally:
        for module, name, value in undo:
            setattr(module, name, value)
        REGISTRY.clear()
        REGISTRY.update(registered)
