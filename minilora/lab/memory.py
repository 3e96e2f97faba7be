"""How much memory the arrays of one training step take: where LoRA saves, counted rather than claimed.

Comes after ``train``. What a step allocates is (1) what the tape keeps for the backward pass, (2) temporaries, (3) gradients of what is trained, and (4) the optimizer's
two moments. LoRA has next to nothing of 3 and 4, and needs less of 1: a frozen weight asks for no gradient, so its input need not be kept.
"""

import tracemalloc
from dataclasses import dataclass

from ..data.batches import Batch
from ..models.base import Model
from ..train import Training
from ..train.parallel import Workers
from ..train.shards import Shards, loss_and_gradient


@dataclass(frozen=True)
class StepMemory:
    """Bytes. weights: what the model's parameters take, trained or not; step: the most that a training step allocates beside them at any moment."""

    weights: int
    step: int


def step_memory(model: Model, batch: Batch, settings: Training) -> StepMemory:
    """The memory of one step on ``batch``: forward, backward, and the optimizer's update with its state. The parameters keep their values to the last bit.

    Counted by tracemalloc, which NumPy tells of every array's memory; Python's own objects are counted too, and are small beside. Not counted: the buffers that BLAS
    keeps, and what the C library keeps of freed blocks. The step runs on one tape in one thread, so that the figure is the same each time; shards on threads hold about as much together.
    """
    parameters = dict(model.trainable_parameters())
    before = {name: parameter.data.copy() for name, parameter in parameters.items()}
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        already, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        optimizer = settings.make_optimizer().start(list(parameters.values()))
        gradient = optimizer.layout.zeros()
        with Workers(1) as workers, workers.single_threaded_blas():
            shards = Shards(model, parameters, workers, optimizer.layout)
            loss_and_gradient(shards, [batch], gradient)
            optimizer.step(gradient)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not tracing:
            tracemalloc.stop()
        for name, parameter in parameters.items():
            parameter.data[...] = before[name]
    return StepMemory(sum(parameter.data.nbytes for parameter in model.parameters()), peak - already)
