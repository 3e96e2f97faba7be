"""A small GPT in float64, batches for it, and a training step: what the tests of methods work with."""

import numpy as np

from minilora.autograd import gradients
from minilora.data.batches import Batch
from minilora.methods import Tuned
from minilora.models.gpt import GPT, GPTConfig

SIZES = {
    "two blocks": GPTConfig(vocabulary=23, context=12, width=12, layers=2, heads=3),
    "one block": GPTConfig(vocabulary=31, context=9, width=16, layers=1, heads=2),
}


def gpt(size: str = "two blocks", dtype: type[np.floating] = np.float64) -> GPT:
    """A GPT with every weight random, also the biases and norms that usually start at 0 and 1."""
    rng = np.random.default_rng(5)
    model = GPT(SIZES[size], rng, dtype=dtype)
    for parameter in model.parameters():
        parameter.data = (parameter.data + 0.2 * rng.standard_normal(parameter.shape)).astype(dtype)
    return model


def batch(model: GPT, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    shape = (3, model.config.context - 1)
    ids = rng.integers(0, model.config.vocabulary, shape)
    targets = rng.integers(0, model.config.vocabulary, shape)
    targets[:, :2] = -100
    return Batch(ids, targets, np.ones(shape, bool))


def train(tuned: Tuned, steps: int = 3, learning_rate: float = 0.1) -> None:
    """Plain gradient descent on the active adapter, in place as an optimizer would."""
    for step in range(steps):
        wrt = [parameter for _, parameter in tuned.model.trainable_parameters()]
        for parameter, gradient in zip(
            wrt, gradients(tuned.loss(batch(tuned.model, step)), wrt), strict=True
        ):
            parameter.data -= learning_rate * gradient


def bytes_of(model: GPT) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in model.state().items()}
