# ---
# title: Rows, targets and padding
# topic: batches and targets
# difficulty: 2
# minutes: 20
# ---

# %% [markdown]
# # Rows, targets and padding
#
# For fine-tuning, an example is a prompt and a completion, both lists of token
# numbers. With the end token behind them they make one sequence. The model reads
# all of it but the last token, and the target at each place is the **next** token.
# Where the next token belongs to the prompt, the target is −100: what is learned
# is the completion and the end.
#
# Write `make_batch(examples, end, padding)`. Short rows are filled on the right,
# with `padding` in `ids` and −100 in `targets`. No prompt is empty.

# %%
import numpy as np


# %% role="solution"
def make_batch(examples, end, padding):
    """examples: list of (prompt, completion), lists of int; end, padding: int
    -> (ids: int [rows, tokens], targets: int [rows, tokens])."""
    ### BEGIN SOLUTION
    width = max(len(p) + len(c) for p, c in examples)
    ids = np.full((len(examples), width), padding)
    targets = np.full((len(examples), width), -100)
    for row, (prompt, completion) in enumerate(examples):
        tokens = [*prompt, *completion, end]
        length = len(tokens) - 1
        ids[row, :length] = tokens[:-1]
        first = len(prompt) - 1
        targets[row, first:length] = tokens[first + 1 :]
    return ids, targets
    ### END SOLUTION


# %% [markdown] role="hint"
# With `tokens = [*prompt, *completion, end]`, the model reads `tokens[:-1]` and the
# next tokens are `tokens[1:]`: two lists of equal length.

# %% [markdown] role="hint"
# The last token of the prompt stands at `len(prompt) - 1`. What comes next there
# is the first token of the completion, so from that place on targets count.

# %% role="check" points=2
"""one example"""
prompt = rng.integers(2, 10, 3).tolist()
completion = rng.integers(10, 20, 2).tolist()
ids, targets = make_batch([(prompt, completion)], 1, 0)
answer = {"ids": ids, "targets": targets}

# %% role="check" points=2
"""two examples of different length"""
a, b, c, d = (rng.integers(2, 20, n).tolist() for n in (2, 3, 1, 1))
ids, targets = make_batch([(a, b), (c, d)], 1, 0)
answer = {"ids": ids, "targets": targets}

# %% role="check" points=2 hidden=true
"""five examples, the end also used as padding"""
examples = [
    tuple(rng.integers(2, 20, rng.integers(1, 6)).tolist() for _ in range(2))
    for _ in range(5)
]
ids, targets = make_batch(examples, 1, 1)
answer = {"ids": ids, "targets": targets}

# %% role="wrong"
"""The targets are not shifted: at each place stands the token the model is just
reading, and it would learn to copy it. The target is the next one."""


def make_batch(examples, end, padding):
    width = max(len(p) + len(c) for p, c in examples)
    ids = np.full((len(examples), width), padding)
    targets = np.full((len(examples), width), -100)
    for row, (p, c) in enumerate(examples):
        ids[row, : len(p) + len(c)] = [*p, *c]
        targets[row, len(p) : len(p) + len(c)] = c
    return ids, targets


# %% role="wrong"
"""The prompt is learned too: targets that belong to it should be −100."""


def make_batch(examples, end, padding):
    width = max(len(p) + len(c) for p, c in examples)
    ids = np.full((len(examples), width), padding)
    targets = np.full((len(examples), width), -100)
    for row, (p, c) in enumerate(examples):
        tokens = [*p, *c, end]
        ids[row, : len(tokens) - 1] = tokens[:-1]
        targets[row, : len(tokens) - 1] = tokens[1:]
    return ids, targets


# %% role="wrong"
"""Targets begin one place too late: the prompt's last token already predicts the
completion's first."""


def make_batch(examples, end, padding):
    width = max(len(p) + len(c) for p, c in examples)
    ids = np.full((len(examples), width), padding)
    targets = np.full((len(examples), width), -100)
    for row, (p, c) in enumerate(examples):
        tokens = [*p, *c, end]
        ids[row, : len(tokens) - 1] = tokens[:-1]
        targets[row, len(p) : len(tokens) - 1] = tokens[len(p) + 1 :]
    return ids, targets


# %% role="wrong"
"""The end token is never a target, so the model would not learn to stop."""


def make_batch(examples, end, padding):
    width = max(len(p) + len(c) for p, c in examples)
    ids = np.full((len(examples), width), padding)
    targets = np.full((len(examples), width), -100)
    for row, (p, c) in enumerate(examples):
        ids[row, : len(p) + len(c)] = [*p, *c]
        first = len(p) - 1
        targets[row, first : first + len(c)] = c
    return ids, targets


# %% role="wrong"
"""Padding has a target: where nothing real comes next it must be −100, or the
model learns to predict padding."""


def make_batch(examples, end, padding):
    width = max(len(p) + len(c) for p, c in examples)
    ids = np.full((len(examples), width), padding)
    targets = np.full((len(examples), width), -100)
    for row, (p, c) in enumerate(examples):
        tokens = [*p, *c, end]
        ids[row, : len(tokens) - 1] = tokens[:-1]
        targets[row, len(p) - 1 :] = padding
        targets[row, len(p) - 1 : len(tokens) - 1] = tokens[len(p) :]
    return ids, targets


# %% role="proof"
from minilora.data.batches import pad

examples = [([5, 6, 7], [8]), ([9], [4, 3])]
batch = pad(examples, end=1, padding=0)
ids, targets = make_batch(examples, 1, 0)
assert np.array_equal(ids, batch.ids)
assert np.array_equal(targets, batch.targets)
