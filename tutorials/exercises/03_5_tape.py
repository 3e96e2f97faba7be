# ---
# title: Running the tape backwards
# topic: the tape
# difficulty: 3
# minutes: 25
# ---

# %% [markdown]
# # Running the tape backwards
#
# A *tape* is a list of nodes in the order in which they were computed. Node $i$
# is a list of pairs `(parent, pullback)`: `parent` is the number of an earlier
# node, and `pullback` takes $\partial L/\partial(\text{node})$ to that parent's
# share of the gradient. A leaf (an input, a weight) has no pairs.
#
# Write `backward(tape, seed)`: the last node is the loss, `seed` its own
# gradient (usually 1). Return a list with the gradient of every node, and `None`
# for a node that the loss does not depend on.
#
# Two things to mind: a node that is used twice gets two shares, and a node may
# pass its gradient on only when all of its shares are in.

# %%
import numpy as np


# %% role="solution"
def backward(tape, seed):
    """tape: list of lists of (parent, pullback); seed: ∂L/∂(last node) -> list
    of gradients, None where there is none."""
    ### BEGIN SOLUTION
    gradients = [None] * len(tape)
    gradients[-1] = seed
    for node in reversed(range(len(tape))):
        if gradients[node] is None:
            continue
        for parent, pullback in tape[node]:
            share = pullback(gradients[node])
            if gradients[parent] is None:
                gradients[parent] = share
            else:
                gradients[parent] = gradients[parent] + share
    return gradients
    ### END SOLUTION


# %% [markdown] role="hint"
# Parents come before their children in the list. So in which order must the
# loop go, for every node to be complete when its turn comes?

# %% [markdown] role="hint"
# Start with `gradients = [None] * len(tape)` and the seed at the end. Walk from
# the last node to the first; skip nodes whose gradient is still `None`.

# %% [markdown] role="hint"
# A share is *added* to what the parent has. Not with `+=`: the first share may
# be an array that another node holds too.

# %% role="check" points=2
"""a chain: L = (3x)²"""
x = round(rng.uniform(1, 2), 1)
y = 3 * x
tape = [[], [(0, lambda g: 3 * g)], [(1, lambda g: 2 * y * g)]]
answer = np.array(backward(tape, 1.0), dtype=float)

# %% role="check" points=2
"""a node that is used twice: L = x·x + x"""
x = round(rng.uniform(1, 2), 1)
tape = [
    [],
    [(0, lambda g: g * x), (0, lambda g: g * x)],
    [(1, lambda g: g), (0, lambda g: g)],
]
answer = np.array(backward(tape, 1.0), dtype=float)

# %% role="check" points=2 hidden=true
"""two ways of different length, and a node that plays no part"""
a, b = rng.standard_normal(2)
tape = [
    [],
    [(0, lambda g: a * g)],
    [(0, lambda g: 7 * g)],
    [(1, lambda g: b * g)],
    [(3, lambda g: g), (1, lambda g: 2 * g)],
]
found = backward(tape, 0.5)
answer = {
    "the node without a part is None": found[2] is None,
    "the gradients of the others": np.array(
        [found[i] for i in (0, 1, 3, 4)], dtype=float
    ),
}

# %% role="check" points=2 hidden=true
"""arrays that are shared: u + v, and 2u beside it"""
u, v = rng.standard_normal((2, 3))
tape = [
    [],
    [],
    [(0, lambda g: 2 * g)],
    [(0, lambda g: g), (1, lambda g: g)],
    [(3, lambda g: g * u), (2, lambda g: g * v)],
]
found = backward(tape, np.ones(()))
answer = {
    "∂u": found[0],
    "∂v": found[1],
    "∂(2u)": found[2],
    "∂(u + v)": found[3],
}

# %% role="wrong"
"""A second share replaced the first: shares of one node are added up. x·x + x
is the classic test."""


def backward(tape, seed):
    gradients = [None] * len(tape)
    gradients[-1] = seed
    for node in reversed(range(len(tape))):
        if gradients[node] is not None:
            for parent, pullback in tape[node]:
                gradients[parent] = pullback(gradients[node])
    return gradients


# %% role="wrong"
"""A node passed its gradient on before all of its shares were in, so part of it
went missing or twice on its way: go through the nodes from the last to the first, each
once, instead of following parents as they come."""


def backward(tape, seed):
    gradients = [None] * len(tape)

    def visit(node, g):
        had = gradients[node]
        gradients[node] = g if had is None else had + g
        for parent, pullback in tape[node]:
            visit(parent, pullback(gradients[node]))

    visit(len(tape) - 1, seed)
    return gradients


# %% role="wrong"
"""Shares were added in place, with +=, into an array that another node holds
too; its gradient changed along. Write gradients[p] = gradients[p] + share."""


def backward(tape, seed):
    gradients = [None] * len(tape)
    gradients[-1] = seed
    for node in reversed(range(len(tape))):
        if gradients[node] is None:
            continue
        for parent, pullback in tape[node]:
            share = pullback(gradients[node])
            if gradients[parent] is None:
                gradients[parent] = share
            else:
                gradients[parent] += share
    return gradients


# %% role="wrong"
"""A node that the loss does not depend on has a gradient of zero here, and
should have None: nobody asked for it, and nothing need be kept or computed."""


def backward(tape, seed):
    gradients = [0.0] * len(tape)
    gradients[-1] = seed
    for node in reversed(range(len(tape))):
        for parent, pullback in tape[node]:
            gradients[parent] = gradients[parent] + pullback(gradients[node])
    return gradients


# %% role="wrong"
"""The loop runs from the first node to the last, and so nothing but the loss
has a gradient when its turn comes."""


def backward(tape, seed):
    gradients = [None] * len(tape)
    gradients[-1] = seed
    for node in range(len(tape)):
        for parent, pullback in tape[node]:
            if gradients[node] is not None:
                gradients[parent] = pullback(gradients[node])
    return gradients


# %% role="proof"
from minilora import Tensor, gradients

x = Tensor(np.array(1.7), trainable=True)
(due,) = gradients(x * x + x, [x])
tape = [
    [],
    [(0, lambda g: g * 1.7), (0, lambda g: g * 1.7)],
    [(1, lambda g: g), (0, lambda g: g)],
]
assert np.isclose(backward(tape, 1.0)[0], due, rtol=1e-12)
