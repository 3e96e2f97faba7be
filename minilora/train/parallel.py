"""One step's loss and gradient, computed on several threads at once.

Comes after the model's loss, before the optimizer. A batch is cut into shards by rows; each shard runs forward and backward on a tape of its own, on a thread of
its own (NumPy lets go of the interpreter while it computes); the gradients are summed in the order of the shards. BLAS is held to one thread meanwhile: the
shards are the parallelism, and they cover what lies between the matrix products too.

The number of shards is a setting and nothing else is taken from the machine, so a run gives the same digits on any number of cores. Where several processes train
together (``ranks.py``), shard i falls to
rank i mod the number of ranks, and one sum over them gives every rank the whole gradient: the same shards, another order of adding them up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from ..autograd import Tensor, gradients
from ..backend import Array, namespace, same_card
from ..data.batches import Batch
from ..errors import InputError
from .flat import Layout
from .ranks import Ranks

Item = TypeVar("Item")
Result = TypeVar("Result")


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


class Workers:
    """Who computes the ``count`` shards of a batch: threads that live as long as the run, each with a single-threaded BLAS while it works. A context manager.

    ranks: the processes that share the shards; each has as many threads as shards fall to it. None: this process alone.
    """

    def __init__(self, count: int, ranks: Ranks | None = None) -> None:
        self.count, self.ranks = count, ranks or Ranks()
        threads = -(-count // self.ranks.count)
        self._pool = ThreadPoolExecutor(threads, "shard", same_card()) if threads > 1 else None
        self._libraries = (
            ThreadpoolController()
        )  # looks for the loaded BLAS once: the search takes milliseconds

    def single_threaded_blas(self) -> AbstractContextManager[object]:
        """Hold BLAS to one thread in the whole process, and give it its threads back on leaving."""
        return self._libraries.limit(limits=1, user_api="blas")  # type: ignore[no-any-return]

    def share(self, jobs: Sequence[Item]) -> Sequence[Item]:
        """Those of all ``jobs`` that fall to this rank: each falls to exactly one."""
        return jobs[self.ranks.rank :: self.ranks.count]

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """``function`` of each item, at once; the results come in the order of the items, each as soon as it and those before it are there."""
        if self._pool is None:
            return map(function, items)
        return self._pool.map(function, items)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def split(batch: Batch, shards: int) -> list[Batch]:
    """Cut a batch by rows into at most ``shards`` batches of about as many tokens each, rows of like length together so that little is padding.

    Every row is in exactly one shard, and no shard is empty. Rows that are equally long stay in order: the shards are then slices of the batch.
    """
    lengths = batch.mask.sum(axis=1)  # [rows]
    order = np.argsort(lengths, kind="stable")
    tokens = np.cumsum(lengths[order])  # [rows]
    rows, shards = len(order), min(shards, len(order))
    cuts = [0]
    for number in range(1, shards):
        nearest = int(np.argmin(np.abs(tokens - tokens[-1] * number / shards))) + 1
        cuts.append(min(max(nearest, cuts[-1] + 1), rows - (shards - number)))
    cuts.append(rows)
    return [batch.rows(np.sort(order[begin:end])) for begin, end in pairwise(cuts)]


def loss_and_gradient(
    model: Learner,
    parameters: Mapping[str, Tensor],
    batches: Sequence[Batch],
    workers: Workers,
    layout: Layout,
    out: Array,
    *,
    smoothing: float = 0.0,
    dropout: tuple[int, int] | None = None,
) -> Array:
    """The loss of a step, a float64 on the device of ``out``, and its gradient with respect to ``parameters``, flat, in ``out``.

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
    wrt = list(parameters.values())
    out[...] = 0
    losses = namespace(out).zeros(1, dtype=np.float64)  # whatever the model's dtype
    jobs: list[tuple[int, Batch]] = []

    def run(job: tuple[int, Batch]) -> tuple[Array, list[Array | None]]:
        index, shard = job
        rng = None if dropout is None else np.random.default_rng([*dropout, index])
        # Overflow is looked for in the results, where it gets an error that tells the step; and errstate is a thread's own.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            tensor = model.loss(shard, divisor=counted, smoothing=smoothing, rng=rng)
            return tensor.data, gradients(tensor, wrt)

    for batch in batches:
        shards = [shard for shard in split(batch, workers.count) if shard.counted]
        jobs += enumerate(shards, start=len(jobs))
    for value, found in workers.map(run, workers.share(jobs)):
        losses += value
        with np.errstate(over="ignore", invalid="ignore"):
            layout.add(found, out)
    workers.ranks.sum(out)
    workers.ranks.sum(losses)
    return losses[0]
