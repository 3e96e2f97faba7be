"""What a process of this package can be asked to do: training steps, forward passes, generation.

Comes after ``shapes.py``; ``serve.py`` runs one of these in a process of its own. A step is what ``train.loop`` does: shards side by side, the loss, gradients, the optimizer.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np

from ...backend import tune_malloc
from ...backend.devices import use_device
from ...data.batches import Batch
from ...methods import Adapter, FullFineTuning, LoRA, Method, adapt
from ...models.generate import generate
from ...models.gpt import GPT
from ...nn import Parameter
from ...train import Training
from ...train.parallel import Workers
from ...train.shards import loss_and_gradient, shards_of
from .shapes import Shape

Call = Callable[[], float]

METHODS: dict[str, Method] = {
    "lora": LoRA(rank=4, alpha=8, targets=("query", "value")),
    "full": FullFineTuning(),
    "houlsby": Adapter(kind="houlsby", width=16),
}
LEARNING_RATE = 1e-4
NEW_TOKENS = 32
"""Tokens that generation adds to each prompt."""


def calls(shape: dict[str, Any], threads: int, task: str, device: str = "cpu") -> dict[str, Call]:
    """The calls of one process. task: a method's name, whose training step it takes; or ``use``, which computes forward passes and generates. device: ``"cpu"`` or ``"cuda"``.

    Every call returns a number that is fetched last, so on a card it waits until all of its work is done. Raises InputError where the device cannot be used.
    """
    tune_malloc()
    use_device(device)
    measured = Shape.from_dict(shape)
    if task == "use":
        return {**forward_calls(measured, device), **generation_calls(measured, device)}
    batches = {task: measured.batch()}
    if task == "lora":
        batches["lora-masked"] = measured.batch(prompt=0.5)
    model = measured.model(device)
    adapt(model, METHODS[task])
    shards = threads if device == "cpu" else 1  # several would queue for the one card
    return step_calls(model, dict(model.trainable_parameters()), batches, shards)


def step_calls(
    model: GPT,
    parameters: Mapping[str, Parameter],
    batches: Mapping[str, Batch],
    threads: int,
    shards: bool = True,
) -> dict[str, Call]:
    """A call for each batch that takes one training step of ``parameters`` on it, and returns the loss before. Without ``shards`` there is one process, and the threads are BLAS's, within each product."""
    optimizer = Training(1, LEARNING_RATE).make_optimizer().start(list(parameters.values()))
    gradient = optimizer.layout.zeros()
    workers = Workers(threads if shards else 1)
    computing = shards_of(model, parameters, workers, optimizer.layout)

    def step(batch: Batch) -> float:
        with workers.single_threaded_blas() if shards else nullcontext():
            loss = loss_and_gradient(computing, [batch], gradient)
            optimizer.step(gradient)
        return float(loss)

    return {name: partial(step, batch) for name, batch in batches.items()}


def forward_calls(shape: Shape, device: str) -> dict[str, Call]:
    """The logits of one text of 128 tokens, or as many as the context has, without a tape: the base; LoRA beside the weights, and merged; adapters.

    All four are models of the same arrays, so that they differ in nothing but what is measured.
    """
    tokens = min(128, shape.config.context)
    ids = np.random.default_rng(2).integers(0, shape.config.vocabulary, (1, tokens))
    base = shape.model(device)
    models = {"base": base} | {name: twin(base) for name in ("lora merged", "lora unmerged", "houlsby")}
    for name in ("lora merged", "lora unmerged"):
        tuned = adapt(models[name], METHODS["lora"])
        if name == "lora merged":
            tuned.merge()
    adapt(models["houlsby"], METHODS["houlsby"])

    def forward(model: GPT) -> float:
        return float(model.logits(ids)[0, -1, 0])

    return {f"forward {name}": partial(forward, model) for name, model in models.items()}


def twin(model: GPT) -> GPT:
    """Another model of the same arrays."""
    copy = GPT(model.config, None)
    for own, given in zip(copy.parameters(), model.parameters(), strict=True):
        own.data = given.data
    return copy


def generation_calls(shape: Shape, device: str) -> dict[str, Call]:
    """Greedy continuation of 1 and of 8 prompts of 64 tokens, with a cache, by the base."""
    model = shape.model(device)

    def continued(rows: int) -> float:
        texts = generate(model, prompts(shape, rows), limit=NEW_TOKENS)
        return float(sum(len(text) for text in texts))

    return {f"generate {rows}": partial(continued, rows) for rows in (1, 8)}


def prompts(shape: Shape, rows: int) -> list[list[int]]:
    """Random prompts, so long that the new tokens still fit in the context."""
    length = min(64, shape.config.context - NEW_TOKENS)
    drawn = np.random.default_rng(3).integers(0, shape.config.vocabulary, (rows, length))
    return [[int(token) for token in row] for row in drawn]
