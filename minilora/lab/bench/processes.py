"""The other end of ``serve.py``: starting a contender in a process of its own, asking it for a turn, ending it.

Comes before ``run.py``.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError, RunFailed

SERVE = Path(__file__).with_name("serve.py")
TURN = 1.0
"""Seconds that a turn counts at least: a short call is repeated."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Turn:
    """What a process answered: the seconds of each time the call was counted, what it returned first, and the process's peak of memory so far, in bytes."""

    seconds: list[float]
    value: float
    peak: int


class Contender:
    """A process that takes turns with others. ``calls`` are the names it answers to."""

    def __init__(
        self, python: str, module: str, arguments: Mapping[str, Any], threads: int, errors: Any
    ) -> None:
        """python: an interpreter. module: what ``serve.py`` imports. threads: what BLAS and OpenMP may use. errors: an open file that takes what the process says when it fails."""
        self._errors = errors
        self._what = f"{module} {arguments.get('task', '')}".strip()
        variables = dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"TOKENIZERS_PARALLELISM": "false"}
        self._process = subprocess.Popen(
            [python, str(SERVE), module, json.dumps(dict(arguments))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | variables,
        )
        self.calls: list[str] = []

    def get_ready(self) -> None:
        """Wait until the process knows its calls."""
        self.calls = self._answer()["calls"]

    def turn(self, call: str, least: float = TURN) -> Turn:
        """Let the process run ``call`` once uncounted and for ``least`` seconds counted, and wait for it; 0 warms up and counts nothing. Raises RunFailed, with the last line it wrote, when it ended instead."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, and the answer that does not come says so
            self._process.stdin.write(json.dumps({"call": call, "least": least}) + "\n")
            self._process.stdin.flush()
        return Turn(**self._answer())

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # of what it did not read any more
                    pipe.close()
        self._process.terminate()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith("\n"):  # the end, or what was written of a line before it
            self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines() or ["it said nothing"]
            raise RunFailed(f"the process of {self._what} ended with {self._process.returncode}: {said[-1]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def contender(
    module: str, arguments: Mapping[str, Any], threads: int, python: str = sys.executable
) -> Iterator[Contender]:
    """A contender that ends with the block."""
    with tempfile.TemporaryFile("w+") as errors:
        started = Contender(python, module, arguments, threads, errors)
        try:
            started.get_ready()
            yield started
        finally:
            started.close()


def versions(python: str, modules: tuple[str, ...]) -> dict[str, str]:
    """The versions of ``modules`` in another interpreter. Raises InputError when it cannot be run, or has not all of them."""
    program = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
    wanted = f"{', '.join(modules)}; give an interpreter that has them with --python, or pip install 'minilora[parity]'"
    try:
        done = subprocess.run(
            [python, "-c", program, *modules], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"there is no interpreter {python!r} that could run {wanted}") from error
    except subprocess.CalledProcessError as error:
        raise InputError(f"the interpreter {python!r} lacks one of {wanted}") from error
    return dict(zip(modules, done.stdout.split(), strict=True))
