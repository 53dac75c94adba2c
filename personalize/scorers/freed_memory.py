"""Memory of the C library that networks free and need again; settings of the allocator. Needs no torch."""

import ctypes
import sys
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
LARGEST = 1 << 30  # bytes; larger than any activation of a batch


@cache
def keep_freed_memory() -> None:
    """Make the C library keep large freed blocks for this process.

    By default glibc maps memory for every large tensor and unmaps it when freed, so each layer of each batch causes thousands of page
    faults: about a quarter of the time per photo on CPUs. Has no effect on systems other than Linux with glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, LARGEST)
        mallopt(TRIM_THRESHOLD, LARGEST)
