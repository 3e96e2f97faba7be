"""What runs in a contender's process: it makes its calls ready, then waits for the name of one, times it, and answers.

    python serve.py MODULE ARGUMENTS

MODULE has a function ``calls(**arguments)`` that gives the calls by name; ARGUMENTS is a JSON object. Each line read or written is a JSON object: ``turn``'s arguments, and what it returns. This file is run
as a script, also by interpreters in which this package is not installed, so it uses nothing but Python's own library. ``processes.py`` is at the other end.
"""

import glob
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints goes to standard error
    arguments = json.loads(sys.argv[2])
    calls = importlib.import_module(sys.argv[1]).calls(**arguments)
    peak = card_memory if arguments.get("device") == "cuda" else peak_memory

    def answer(value: dict[str, Any]) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    answer({"calls": list(calls)})
    for line in sys.stdin:
        asked = json.loads(line)
        answer(turn(calls[asked["call"]], asked["least"], peak))


def turn(call: Callable[[], float], least: float, peak: Callable[[], int]) -> dict[str, Any]:
    """Run ``call`` once uncounted, then until ``least`` seconds are counted, not at all where they are 0: the seconds of each counted time, what it returned the first time of all, and the process's ``peak`` of memory so far.

    The uncounted call finds cold caches and memory that was given back while others had their turns, which training, where step follows step, does not: it takes 5 to 50% longer.
    """
    value = float(call())
    seconds: list[float] = []
    while sum(seconds) < least:
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return {"seconds": seconds, "value": value, "peak": peak()}


def peak_memory() -> int:
    """The most bytes of memory that this process has had at any moment (resident; 0 where the system does not tell), and what its forks have beside: pages that are theirs alone.

    What a fork has is taken as its most: its C library gives nothing back.
    """
    own = kibibytes("/proc/self/status", "VmHWM")
    tasks = glob.glob("/proc/self/task/*/children")
    forks = [fork for task in tasks for fork in contents(task).split()]
    return 1024 * (own + sum(kibibytes(f"/proc/{fork}/smaps_rollup", "Private_") for fork in forks))


def kibibytes(path: str, name: str) -> int:
    """The sum of the figures whose names begin so in a file of ``/proc``."""
    return sum(int(line.split()[1]) for line in contents(path).splitlines() if line.startswith(name))


def contents(path: str) -> str:
    """What stands in a file; nothing where there is none, as of a process that has ended."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def card_memory() -> int:
    """The most bytes that this process's program has taken from the card: what CuPy's pool holds, which gives nothing back, or PyTorch's allocator at its highest."""
    if "cupy" in sys.modules:
        return int(sys.modules["cupy"].get_default_memory_pool().total_bytes())
    return int(sys.modules["torch"].cuda.max_memory_reserved())


if __name__ == "__main__":
    main()
