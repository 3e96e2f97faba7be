"""Tell the C library to keep the memory of large arrays.

A training step makes and drops the same few hundred megabytes of temporaries again and again. By default glibc hands each large block back to the system at
once and takes a fresh one, zeroed page by page, for the next: measured, that is a third of a step's time. Kept, the blocks are simply used again, and the package
needs no buffer pool of its own.
"""

import ctypes
import sys

# glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def tune_malloc() -> bool:
    """Keep freed blocks of up to 1 GiB in this process, in one arena for all threads. Returns whether that was possible (Linux with glibc).

    It holds for the whole process until it ends, so commands and the training loop call it; importing minilora never does.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl has neither
        return False
    largest = 1 << 30
    return all(
        mallopt(option, value) == 1
        for option, value in ((_MMAP_THRESHOLD, largest), (_TRIM_THRESHOLD, largest), (_ARENA_MAX, 1))
    )
