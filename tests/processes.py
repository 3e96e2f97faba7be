"""What tests ask about other processes, as /proc tells it; and waiting for what they do."""

import time
from collections.abc import Callable
from pathlib import Path


def state_and_parent(process: int) -> tuple[str, int]:
    """``("X", 0)`` where it has ended; ``"Z"`` is one that has, and that nobody has asked after."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "X", 0
    return after_name[0], int(after_name[1])


def alive(process: int) -> bool:
    """Whether there is such a process that has not ended."""
    return state_and_parent(process)[0] not in "XZ"


def children(parent: int) -> list[int]:
    """The processes that ``parent`` has started."""
    all_of_them = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [process for process in all_of_them if state_and_parent(process)[1] == parent]


def wait_until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait, and fail where it takes longer than ``seconds``."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
