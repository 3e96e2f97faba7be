"""Several processes that train one model together: which of them this one is, and the few things they say to each other.

Comes before ``parallel.py``, where each takes its share of a batch's shards, and the loop, where their gradients are summed. Every rank holds the whole model, computes the
same step and moves its own parameters; what crosses the wire is the gradient of what is trained. A process alone is rank 0 of 1, and says nothing to nobody: the loop
knows no other difference.

MPI carries the words (mpi4py, extra ``mpi``). It is imported only where a launcher such as ``mpiexec`` says in the environment that it started several processes.
"""

import os
import pickle
import stat
import sys
import time
from array import array
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NoReturn, TextIO, TypeVar

import numpy as np

from ..backend import Array, namespace, synchronise, to_host
from ..errors import InputError

try:
    from fcntl import ioctl
    from termios import FIONREAD
except ImportError:  # no POSIX system: there a pipe cannot be asked what waits in it
    ioctl = None  # type: ignore[assignment]

Answer = TypeVar("Answer")

LAUNCHERS = (
    ("PMI_RANK", "PMI_SIZE"),  # MPICH, Intel MPI, Cray, Slurm's srun --mpi=pmi2
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # Open MPI
    ("PMIX_RANK", "SLURM_NTASKS"),  # Slurm's srun --mpi=pmix
)
"""The variables by which launchers tell a process its rank, and how many there are."""

PATIENCE = 5.0
"""Seconds that the other ranks leave the first to tell an error that all may have: it ends them when it has told it, so it is told once."""

NAP = 0.001
"""Seconds between two looks at whether the first rank has answered: the others leave it the cores meanwhile."""


class Ranks:
    """The processes that train together, seen from one of them. This class is the process alone.

    Attributes:
        rank: which one this is, from 0. The first, rank 0, writes files and talks to the user; the others do neither.
        count: how many there are.
        place: which one of those on this machine it is, from 0: it takes that card where there are several.
        sent: bytes of the arrays that it has given into sums so far.
    """

    rank = 0
    count = 1
    place = 0
    sent = 0

    def sum(self, array: Array) -> None:
        """Put the sum over all ranks, element by element, in the place of ``array``, the same on each. Every rank gives an array of this shape and dtype."""

    def on_first(self, ask: Callable[[], Answer]) -> Answer:
        """What ``ask()`` gives on the first rank, on every rank; the others don't call it, and wait. Raises there what it raises."""
        return ask()

    def difference(self, values: Mapping[str, object]) -> str | None:
        """The first of ``values`` in which a rank differs from the first rank, as the beginning of a sentence; None where all agree."""
        return None

    def end(self, status: int) -> NoReturn:
        """End every rank, with this exit status."""
        sys.exit(status)


class MpiRanks(Ranks):
    """The processes of an MPI communicator (mpi4py's).

    Arrays on a card are given to MPI as they are where it says that it takes them (MPI 4.1, section 12.4.3: "cuda" among its kinds of memory), and go by way of the host elsewhere.
    """

    def __init__(self, communicator: Any, mpi: Any) -> None:
        self._all, self._mpi = communicator, mpi
        self.rank, self.count = communicator.Get_rank(), communicator.Get_size()
        here = communicator.Split_type(mpi.COMM_TYPE_SHARED)
        self.place = here.Get_rank()
        here.Free()
        kinds = communicator.Get_info().Get("mpi_memory_alloc_kinds") or ""
        self.takes_cuda = any(kind.split(":")[0] == "cuda" for kind in kinds.split(","))

    def sum(self, array: Array) -> None:
        """See ``Ranks.sum``."""
        self.sent += array.nbytes
        if namespace(array) is np or self.takes_cuda:
            synchronise(array)  # MPI does not wait for the card's pending work
            self._all.Allreduce(self._mpi.IN_PLACE, array)
            return
        host = to_host(array)
        self._all.Allreduce(self._mpi.IN_PLACE, host)
        array[...] = namespace(array).asarray(host)

    def on_first(self, ask: Callable[[], Answer]) -> Answer:
        """See ``Ranks.on_first``."""
        if self.rank == 0:
            answer = ask()
            content = pickle.dumps(answer)
            self._from_first(np.array([len(content)]))
            self._from_first(np.frombuffer(content, np.uint8))
            return answer
        length = np.zeros(1, np.int64)
        self._from_first(length)
        received = np.empty(length[0], np.uint8)
        self._from_first(received)
        return pickle.loads(received.tobytes())  # type: ignore[no-any-return]

    def _from_first(self, array: Array) -> None:
        """Broadcast, without spinning: scoring on the first rank takes minutes, and MPI's own waiting takes a whole core from it."""
        request = self._all.Ibcast(array)
        while not request.Test():
            time.sleep(NAP)

    def difference(self, values: Mapping[str, object]) -> str | None:
        """See ``Ranks.difference``."""
        first, *others = self._all.allgather(dict(values))
        for rank, theirs in enumerate(others, start=1):
            for name, value in theirs.items():
                if value != first.get(name):
                    return f"rank {rank} has {name} {value!r} where rank 0 has {first.get(name)!r}"
        return None

    def end(self, status: int) -> NoReturn:
        """See ``Ranks.end``."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            wait_until_read(stream)
        self._all.Abort(status)  # asks the launcher to end all, and may come back before it has
        os._exit(status)


def wait_until_read(stream: TextIO, seconds: float = 2.0) -> None:
    """Leave the reader of a pipe the time to take what was written into it, at most so long: a launcher told to end all ranks throws away what it has not read yet.

    There is nothing to wait for where the stream is no pipe, or where the system doesn't tell how many bytes wait in one.
    """
    try:
        pipe = stream.fileno()
        if ioctl is None or not stat.S_ISFIFO(os.fstat(pipe).st_mode):
            return
        end, waiting = time.monotonic() + seconds, array("i", [1])
        while waiting[0] and time.monotonic() < end:
            ioctl(pipe, FIONREAD, waiting)
            time.sleep(NAP)
    except (OSError, ValueError):
        return


def world() -> Ranks:
    """The processes that a launcher such as ``mpiexec -n 4`` started, this one among them; this process alone where there was none.

    An error that nobody catches on one rank ends them all from here on: without that, the others would wait for it for ever. Raises InputError where several were
    started and mpi4py is missing, or belongs to another MPI than the launcher.
    """
    started = launched()
    if started <= 1:
        return Ranks()
    try:
        from mpi4py import MPI  # heavy and optional; importing it starts MPI
    except (ImportError, RuntimeError) as error:  # the latter: mpi4py finds no library of MPI's
        raise InputError(
            f'{started} processes were started to train together, which needs mpi4py and a library of MPI: pip install "minilora[mpi]" ({error})'
        ) from error
    seen = MPI.COMM_WORLD.Get_size()
    if seen != started:
        library = MPI.Get_library_version().split("\n")[0].strip("\0 \t")
        raise InputError(
            f"the launcher started {started} processes, and mpi4py's MPI ({library}) sees {seen}: they are of two MPIs; "
            f"take the mpiexec beside this Python, {os.path.join(os.path.dirname(sys.executable), 'mpiexec')!r}, or build mpi4py for the launcher's"
        )
    ranks = MpiRanks(MPI.COMM_WORLD, MPI)
    sys.excepthook = ending(ranks, sys.excepthook)
    return ranks


def launched() -> int:
    """How many processes a launcher started together with this one; 1 where the environment tells of none."""
    for rank, size in LAUNCHERS:
        if rank in os.environ and os.environ.get(size, "").isdigit():
            return int(os.environ[size])
    return 1


Hook = Callable[[type[BaseException], BaseException, TracebackType | None], Any]


def ending(ranks: Ranks, hook: Hook) -> Hook:
    """``hook``, and then the end of every rank."""

    def shown(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if ranks.rank > 0:
            time.sleep(PATIENCE)
        print(f"rank {ranks.rank} of {ranks.count} ends all of them:", file=sys.stderr)
        hook(kind, error, trace)
        ranks.end(1)

    return shown
