"""Freed memory of the C library: kept while networks need it again, and returned to the system afterwards. Needs no torch.

Both have an effect on Linux with glibc only; other allocators return memory by themselves.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
LARGEST = 1 << 30  # bytes; larger than any activation of a batch


@cache
def keep_freed_memory() -> None:
    """Make the C library keep large freed blocks for this process.

    By default glibc maps memory for every large tensor and unmaps it when freed, so each layer of each batch causes thousands of page
    faults: about a quarter of the time per photo on CPUs.
    """
    if (mallopt := _of_glibc("mallopt")) is not None:
        mallopt(MMAP_THRESHOLD, LARGEST)
        mallopt(TRIM_THRESHOLD, LARGEST)


def return_freed_memory() -> None:
    """Return what this process has freed to the system: after work that needed much, and will not come again soon. Takes milliseconds."""
    if (malloc_trim := _of_glibc("malloc_trim")) is not None:
        malloc_trim(0)


def _of_glibc(name: str) -> Callable[[*tuple[int, ...]], int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
