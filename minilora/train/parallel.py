"""Who computes the shards of a batch, and how a batch is cut into them.

Comes before ``shards.py``, which sums their gradients, and ``evaluate.py``, which scores by them. BLAS is held to one thread meanwhile: the shards are the parallelism, and they cover what lies
between the matrix products too.

The number of shards is a setting and nothing else is taken from the machine, so a run gives the same digits on any number of cores. Where several processes train together (``ranks.py``), shard i
falls to rank i mod the number of ranks.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from ..backend import same_card
from ..data.batches import Batch
from .ranks import Ranks

Item = TypeVar("Item")
Result = TypeVar("Result")


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
