"""Small models in float64, batches for them, and a training step: what the tests of methods work with."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from minilora.autograd import gradients
from minilora.data.batches import Batch
from minilora.methods import Tuned
from minilora.models.base import Model
from minilora.models.bert import Bert, BertConfig
from minilora.models.deberta import Deberta
from minilora.models.deberta_config import Convolution, DebertaConfig
from minilora.models.gpt import GPT, GPTConfig

AnyModel = TypeVar("AnyModel", bound=Model)

SIZES = {
    "two blocks": GPTConfig(vocabulary=23, context=12, width=12, layers=2, heads=3),
    "one block": GPTConfig(vocabulary=31, context=9, width=16, layers=1, heads=2),
}
ROBERTA = BertConfig(vocabulary=23, context=12, width=12, layers=2, heads=3, inner=20, types=1, padding=1)
DEBERTA = DebertaConfig(
    vocabulary=23,
    context=12,
    width=12,
    layers=2,
    heads=3,
    distance=16,
    buckets=4,
    share_keys=True,
    normalised=True,
    convolution=Convolution(3, "gelu"),
)


def gpt(size: str = "two blocks", dtype: type[np.floating] = np.float64) -> GPT:
    """A GPT with every weight random, also the biases and norms that usually start at 0 and 1."""
    rng = np.random.default_rng(5)
    model = GPT(SIZES[size], rng, dtype=dtype)
    return shaken(model, rng)


def roberta(dtype: type[np.floating] = np.float64) -> Model:
    """A RoBERTa with a head for three classes."""
    rng = np.random.default_rng(6)
    return shaken(Bert(ROBERTA, rng, dtype).set_classifier(3, rng), rng)


def deberta(dtype: type[np.floating] = np.float64) -> Model:
    """A DeBERTa of the second version, with buckets, shared keys and a convolution, and a head for a score."""
    rng = np.random.default_rng(7)
    return shaken(Deberta(DEBERTA, rng, dtype).set_classifier(1, rng), rng)


MODELS: dict[str, Callable[..., Model]] = {
    "gpt, two blocks": gpt,
    "roberta, three classes": roberta,
    "deberta, a score": deberta,
}


def shaken(model: AnyModel, rng: np.random.Generator) -> AnyModel:
    """The model with noise on every weight."""
    for parameter in model.parameters():
        parameter.data = (parameter.data + 0.2 * rng.standard_normal(parameter.shape)).astype(parameter.dtype)
    return model


def batch(model: Model, seed: int = 0) -> Batch:
    """Random tokens, four fewer than the context has, so that a prefix fits; targets as the model's head asks for."""
    rng = np.random.default_rng(seed)
    shape = (3, model.config.context - 4)
    ids = rng.integers(2, model.config.vocabulary, shape)
    if model.head.kind == "classifier":
        scores = rng.standard_normal(3).astype(np.float32)
        classes = rng.integers(0, 3, 3)
        mask = np.ones(shape, bool)
        mask[1, -2:] = False
        ids[~mask] = 1
        return Batch(ids, scores if len(model.head.output.weight.data) == 1 else classes, mask)
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
            if gradient is not None:
                parameter.data -= learning_rate * gradient


def bytes_of(model: Model) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in model.state().items()}
