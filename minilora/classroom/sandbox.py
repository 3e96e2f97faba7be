"""A student's code in a process of its own, with limits: whatever it does, there is an answer in time.

Comes after ``worker.py``, the program that runs in there, and before ``marking.py``, which asks for outcomes and judges them.

The process has its own session, folder and few environment variables, nothing on its standard input, and its output goes to a file. Limits: wall-clock time, processor
time, memory, the size of any file (its output too), and, unless root runs it, no further processes. When it is over, its whole group is killed, and so is
whatever left the group but still carries the run's mark in its environment. This guards against accidents. It is no wall against malice: the code may read files and reach the network.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import worker
from .worker import Outcome, Part, Problem

MARK = "MINILORA_EXERCISE_RUN"

START = 60.0
"""Seconds that Python and NumPy may take to start."""


@dataclass(frozen=True)
class Limits:
    """What a student's code may take: seconds of wall-clock time, bytes of address space, and bytes of output."""

    seconds: float = 8.0
    memory: int = 3 << 30
    output: int = 1 << 20


@dataclass(frozen=True)
class Ran:
    """What came of a run: one outcome a check, and the beginning of what was printed."""

    outcomes: tuple[Outcome, ...]
    printed: str


def run_limited(
    given: str, parts: Sequence[Part], checks: Sequence[str], seed: int, limits: Limits | None = None
) -> Ran:
    """``worker.run`` in a process of its own; the outcome of a check that was never reached is the problem that ended the process."""
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="minilora-exercise-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        job = {
            "given": given,
            "parts": list(parts),
            "checks": list(checks),
            "seed": seed,
            "memory": limits.memory,
            "seconds": int(limits.seconds) + 2,
            "written": limits.output,
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        work = folder / "work"
        work.mkdir()
        mark = secrets.token_hex(16)
        with (folder / "printed").open("wb") as printed:
            process = subprocess.Popen(
                [sys.executable, "-P", worker.__file__, str(folder)],
                cwd=work,
                env=environment(work, mark),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                in_time = wait(process, folder / "progress", limits)
            finally:
                end(process, mark)
        text = (folder / "printed").read_bytes()[: limits.output].decode("utf-8", "replace")
        return Ran(tuple(collect(folder, process.returncode, in_time, len(checks), limits)), text)


def wait(process: "subprocess.Popen[bytes]", progress: Path, limits: Limits) -> bool:
    """Whether the process ended in time. The clock runs from the first line of the student's code: starting Python takes long on a busy machine, and is not theirs."""
    begin_by = time.monotonic() + START
    while process.poll() is None and not progress.exists():
        if time.monotonic() > begin_by:
            return False
        time.sleep(0.02)
    try:
        process.wait(limits.seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def environment(home: Path, mark: str) -> dict[str, str]:
    """What the process sees of the environment: how to find programs and modules, and nothing private."""
    passed = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    fixed = {"PYTHONIOENCODING": "utf-8", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**passed, **threads, **fixed, "MPLBACKEND": "Agg", "HOME": str(home), MARK: mark}


def end(process: "subprocess.Popen[bytes]", mark: str) -> None:
    """Kill the process, its group, and whatever still carries its mark."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):  # nothing where there is no /proc
        with contextlib.suppress(OSError):
            if wanted in entry.read_bytes().split(b"\0"):
                os.kill(int(entry.parent.name), signal.SIGKILL)


def collect(folder: Path, status: int | None, in_time: bool, count: int, limits: Limits) -> list[Outcome]:
    """The outcomes that the process left; else why there are none."""
    if in_time and (folder / "done").exists():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = worker.read(folder)
            if len(found) == count:
                return found
    progress = folder / "progress"
    reached = progress.read_text(encoding="utf-8") if progress.exists() else "the start of Python"
    if not in_time or status == -signal.SIGXCPU:
        problem = Problem("time", f"{limits.seconds:g} s", reached)
    elif status is not None and status < 0:
        problem = Problem("crash", signal.strsignal(-status) or f"signal {-status}", reached)
    else:
        problem = Problem("gone", f"exit status {status}", reached)
    return [Outcome({}, problem)] * count
