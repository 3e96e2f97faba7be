"""Tell the C library to keep the memory of large arrays.

A training step makes and drops the same few hundred megabytes of temporaries again and again. By default glibc hands each large block back to the system at
once and takes a fresh one, zeroed page by page, for the next: up to a third of a step's time, by how fast the system hands out pages. Kept, the blocks are simply used again, and the
package needs no buffer pool of its own.
"""

import ctypes
import sys

# glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST = 1 << 30
_LARGEST_BEFORE_2_35 = 1 << 25  # what older versions of glibc accept


def tune_malloc() -> bool:
    """Keep freed blocks of up to 1 GiB (32 MiB before glibc 2.35) in this process, in one arena for all threads. Returns whether that was possible (Linux with glibc).

    It holds for the whole process until it ends, so commands and the training loop call it; importing minilora never does.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl has neither
        return False
    kept = mallopt(_MMAP_THRESHOLD, _LARGEST) or mallopt(_MMAP_THRESHOLD, _LARGEST_BEFORE_2_35)
    return bool(kept and mallopt(_TRIM_THRESHOLD, _LARGEST) and mallopt(_ARENA_MAX, 1))
