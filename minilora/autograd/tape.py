"""The tape: nodes, and the loop that runs it backwards.

A node holds no data, only pairs (parent node, pullback). A pullback is a function that takes ∂L/∂output and returns ∂L/∂input; the arrays it needs for that
are those its closure has captured. So what a model keeps for the backward pass is exactly what the pullbacks of its *trainable* parents captured: a
frozen weight has no node, nobody asks for its gradient, and what only that gradient needed is free at once. LoRA's saving in memory and time is this
rule at work.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..backend import Array

Pullback = Callable[[Array], Array]


class Node:
    """A place on the tape: where the gradient of one tensor gathers, and how it flows on.

    ``depth`` is one more than that of the deepest parent, so that in descending depth every node comes before its parents.
    ``parents`` is None once a backward pass has used it up.
    """

    __slots__ = ("depth", "parents")

    def __init__(self, parents: tuple[tuple["Node", Pullback], ...] = ()) -> None:
        self.parents: tuple[tuple[Node, Pullback], ...] | None = parents
        self.depth: int = 1 + max((parent.depth for parent, _ in parents), default=-1)


def run_backward(start: Node, seed: Array, leaves: set[Node]) -> dict[Node, Array]:
    """Carry ``seed`` = ∂L/∂start down the tape; return ∂L/∂leaf for the nodes of ``leaves`` that ``start`` depends on.

    Each node gives its gradient to its parents once, all its own contributions being in by then (descending depth), and is then emptied, so that every array
    is freed as early as can be. Raises RuntimeError when part of the tape was used up before.
    """
    gradients = {start: seed}
    ours: set[Node] = set()  # nodes whose gradient is a sum made here, which may be added to in place
    for node in sorted(reachable(start), key=lambda node: -node.depth):
        if not node.parents:
            continue
        gradient = gradients[node] if node in leaves else gradients.pop(node)
        parents, node.parents = node.parents, None
        for parent, pullback in parents:
            contribution = pullback(gradient)
            if parent not in gradients:
                gradients[parent] = contribution
            elif parent in ours:
                gradients[parent] += contribution
            else:  # the first contribution may be shared: a sum passes the same array to both of its terms
                gradients[parent] = gradients[parent] + contribution
                ours.add(parent)
    return {node: gradients[node] for node in leaves if node in gradients}


def reachable(start: Node) -> list[Node]:
    """Every node that ``start`` depends on, itself included. A loop: no chain is too long.

    The order is that of discovery, the same in every run: sums of gradients, which depend on it in their last bit, come out the same too.
    """
    seen, stack = (
        {start: None},
        [start],
    )  # a dict, because the order of a set of objects depends on their addresses
    while stack:
        node = stack.pop()
        if node.parents is None:
            raise RuntimeError("this tape was used up by an earlier backward pass; compute the loss again")
        for parent, _ in node.parents:
            if parent not in seen:
                seen[parent] = None
                stack.append(parent)
    return list(seen)


class _Recording(threading.local):
    """Whether this thread writes a tape."""

    on = True


_recording = _Recording()


def is_recording() -> bool:
    """Whether operations of this thread are written to the tape."""
    return _recording.on


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute values only, in this thread: nothing is written to the tape and nothing is kept for a backward pass."""
    before, _recording.on = _recording.on, False
    try:
        yield
    finally:
        _recording.on = before
