"""Processes forked from this one, which compute at its side.

Comes before ``shards.py``, which has them compute the gradients of shards. Threads share one interpreter, and wait for each other at every small array operation; processes have one each. A fork
sees everything as it is at that moment, the whole model, and nothing is copied: the system copies a page of memory when one of the two writes to it. What both are to see from then on lies in
shared memory (``shared``).
"""

import gc
import mmap
import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import numpy as np

from ..backend import Array
from ..errors import RunFailed


def can_fork() -> bool:
    """Whether a process can be forked here and then compute: on Linux. (On macOS the system's own libraries, BLAS among them, do not survive it.)"""
    return sys.platform == "linux"


def shared_zeros(like: Array, size: int) -> Array:
    """A NumPy array of ``size`` zeros, of the dtype of ``like``, in memory that processes forked later share: what one writes, all see."""
    memory = mmap.mmap(-1, max(1, size * like.itemsize))  # anonymous; it goes with the last array on it
    return np.frombuffer(memory, like.dtype, size)


def shared(array: Array) -> Array:
    """A copy of a NumPy array in such memory."""
    copy = shared_zeros(array, array.size).reshape(array.shape)
    copy[...] = array
    return copy


class Forks:
    """``count`` processes, each of which answers what it is sent with ``work(its number, item)``. A context manager; leaving it ends them.

    They end with this process too, however it ends: each waits for the next item, and finds that nobody is there to send one. Raises RunFailed where none can be started.
    """

    def __init__(self, count: int, work: Callable[[int, Any], Any]) -> None:
        self._ends: list[Connection[Any, Any]] = []
        self._processes: list[int] = []
        for number in range(count):
            here, there = Pipe()
            try:
                process = _fork()
            except OSError as error:
                self.__exit__()
                raise RunFailed(
                    f"no process could be started to compute beside this one: {error}; give workers 1"
                ) from error
            if process == 0:
                _serve(there, partial(work, number), others=(*self._ends, here))
            there.close()
            self._ends.append(here)
            self._processes.append(process)

    def ask(self, items: Sequence[Any]) -> Iterator[Any]:
        """Send each item to a process of its own, at once; the answers come in the order of the items, each as soon as it is asked for and there."""
        for number, item in enumerate(items):
            self.send(number, item)
        return map(self.receive, range(len(items)))

    def send(self, number: int, item: Any) -> None:
        """Have a process compute ``work(number, item)``. Raises RunFailed when it has ended."""
        try:
            self._ends[number].send(item)
        except OSError as error:
            raise self._ended(number) from error

    def receive(self, number: int) -> Any:
        """Wait for the answer to what was sent. Raises what ``work`` raised there, and RunFailed when the process has ended instead."""
        try:
            done, answer = self._ends[number].recv()
        except (EOFError, OSError) as error:
            raise self._ended(number) from error
        if not done:
            raise answer
        return answer

    def _ended(self, number: int) -> RunFailed:
        process, self._processes[number] = self._processes[number], 0
        _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        how = f"by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"with exit status {code}"
        return RunFailed(f"a process that computed beside this one was ended {how}; was there memory enough?")

    def __enter__(self) -> "Forks":
        return self

    def __exit__(self, *error: object) -> None:
        for end in self._ends:
            end.close()
        for process in filter(None, self._processes):
            os.kill(process, signal.SIGKILL)  # it has nothing to put in order
            os.waitpid(process, 0)
        self._processes.clear()


def _fork() -> int:
    with warnings.catch_warnings():
        # Python warns that a lock which another thread holds stays locked in the fork: it computes with NumPy and uses a pipe, and no thread here holds a lock of theirs
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _serve(
    end: "Connection[Any, Any]", work: Callable[[Any], Any], others: Sequence["Connection[Any, Any]"]
) -> NoReturn:
    """Answer until nobody sends any more. Never comes back: the fork must not go on with what its parent was doing. others: the parent's ends of pipes, which it must not keep open."""
    try:
        gc.freeze()  # the parent's garbage is the parent's to collect, with the files that may go with it
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends its forks
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for other in others:
            other.close()
        while True:
            item = end.recv()
            try:
                answer = (True, work(item))
            except Exception as error:
                answer = (False, _told(error))
            end.send(answer)
    except (EOFError, OSError):  # the parent is gone, or has no more to send
        pass
    finally:
        os._exit(0)


def _told(error: Exception) -> Exception:
    """The error if it can be sent, or what it says."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RunFailed(f"{type(error).__name__}: {error}")
    return error
