"""One step's loss and gradient: the shards of its batches, each computed on a tape of its own, and their gradients summed in the order of the shards.

Comes after the model's loss, ``parallel.py`` and ``forks.py``, before the optimizer. Where several processes train together (``ranks.py``) one sum over them gives every rank the whole
gradient: the same shards, another order of adding them up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Self

import numpy as np

from ..autograd import Tensor, gradients
from ..backend import Array, namespace
from ..data.batches import Batch
from ..errors import InputError
from .flat import Layout
from .forks import Forks, can_fork, shared, shared_zeros
from .parallel import Workers, split


class Learner(Protocol):
    """What training asks of a model."""

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Every parameter, frozen ones too."""

    def trainable_parameters(self) -> Sequence[tuple[str, Tensor]]:
        """The parameters that training changes."""

    def loss(
        self,
        batch: Batch,
        *,
        divisor: float | None = None,
        smoothing: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """The sum of the cross-entropy over the batch's counted targets, over ``divisor`` (their number when None). Dropout takes place when ``rng`` is given."""


@dataclass(frozen=True)
class Job:
    """A shard to compute. counted: targets of the whole step, over which the loss is averaged; dropout: (seed, step), of which with ``number`` the shard's masks are drawn, or None."""

    number: int
    shard: Batch
    counted: int
    smoothing: float
    dropout: tuple[int, int] | None


def shard_gradient(model: Learner, wrt: Sequence[Tensor], job: Job) -> tuple[Array, list[Array | None]]:
    """A shard's part of the loss, and its gradient with respect to ``wrt``."""
    rng = None if job.dropout is None else np.random.default_rng([*job.dropout, job.number])
    # Overflow is looked for in the results, where it gets an error that tells the step; and errstate is a thread's own.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        loss = model.loss(job.shard, divisor=job.counted, smoothing=job.smoothing, rng=rng)
        return loss.data, gradients(loss, wrt)


class Shards:
    """Computes shards of one model on the threads of ``workers``. A context manager.

    layout: where each of ``parameters`` lies in the flat gradient.
    """

    def __init__(
        self, model: Learner, parameters: Mapping[str, Tensor], workers: Workers, layout: Layout
    ) -> None:
        self.model, self.wrt, self.workers, self.layout = model, list(parameters.values()), workers, layout

    def gradients(self, jobs: Sequence[Job]) -> Iterator[tuple[Array, Sequence[Array | None]]]:
        """Of each job its part of the loss and its gradients, in the order of the jobs."""
        return self.workers.map(partial(shard_gradient, self.model, self.wrt), jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class ForkedShards(Shards):
    """Computes the first of ``workers.count`` shards here, and each other in a process of its own, which has the interpreter for itself.

    The model is what it was at the fork, but for the trained parameters: their arrays are moved into shared memory, where every process sees what the optimizer does to them in place. A fork leaves
    its gradient in shared memory too; by the pipe come its part of the loss, and errors.
    """

    def __init__(
        self, model: Learner, parameters: Mapping[str, Tensor], workers: Workers, layout: Layout
    ) -> None:
        super().__init__(model, parameters, workers, layout)
        for parameter in self.wrt:
            parameter.data = shared(parameter.data)
        self._found = [shared_zeros(layout.like, layout.size) for _ in range(workers.count - 1)]
        self._forks = Forks(workers.count - 1, self._compute)

    def _compute(self, number: int, job: Job) -> Array:
        with self.workers.single_threaded_blas():
            loss, found = shard_gradient(self.model, self.wrt, job)
        self.layout.join(found, self._found[number])
        return loss

    def gradients(self, jobs: Sequence[Job]) -> Iterator[tuple[Array, Sequence[Array | None]]]:
        """See ``Shards.gradients``."""
        for first in range(0, len(jobs), self.workers.count):
            own, *others = jobs[first : first + self.workers.count]
            losses = self._forks.ask(others)
            yield shard_gradient(self.model, self.wrt, own)
            for loss, found in zip(losses, self._found, strict=False):  # the last jobs may be fewer
                yield loss, self.layout.views(found)

    def __exit__(self, *error: object) -> None:
        self._forks.__exit__(*error)


def shards_of(model: Learner, parameters: Mapping[str, Tensor], workers: Workers, layout: Layout) -> Shards:
    """Forks where there are several shards to compute at once on this machine's CPU, in this process alone; threads elsewhere. (MPI does not allow its processes to fork.)"""
    forked = workers.count > 1 and workers.ranks.count == 1 and can_fork() and namespace(layout.like) is np
    return (ForkedShards if forked else Shards)(model, parameters, workers, layout)


def loss_and_gradient(
    shards: Shards,
    batches: Sequence[Batch],
    out: Array,
    *,
    smoothing: float = 0.0,
    dropout: tuple[int, int] | None = None,
) -> Array:
    """The loss of a step, a float64 on the device of ``out``, and its gradient, flat, in ``out``.

    loss = Σ over shards of (Σ over counted targets of −log p) / n, with n the counted targets of *all* ``batches``: n is global, so the sum over shards and
    batches is the loss of the one large batch, and so is its gradient. Of several ranks each is given all ``batches`` and computes its share of their shards; gradient and loss are
    then summed over the ranks.

    dropout: (seed, step) draws the masks of shard i from the generator [seed, step, i]; None: no dropout. Raises InputError when no target counts.
    """
    counted = sum(batch.counted for batch in batches)
    if counted == 0:
        raise InputError(
            "no token of this step counts in the loss: every target is -100; give batches with targets"
        )
    out[...] = 0
    losses = namespace(out).zeros(1, dtype=np.float64)  # whatever the model's dtype
    workers = shards.workers
    jobs: list[Job] = []
    for batch in batches:
        counting = (shard for shard in split(batch, workers.count) if shard.counted)
        jobs += (
            Job(i, shard, counted, smoothing, dropout) for i, shard in enumerate(counting, start=len(jobs))
        )
    for value, found in shards.gradients(workers.share(jobs)):
        losses += value
        with np.errstate(over="ignore", invalid="ignore"):
            shards.layout.add(found, out)
    workers.ranks.sum(out)
    workers.ranks.sum(losses)
    return losses[0]
