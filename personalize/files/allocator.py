"""Keeping freed memory for the next photo."""

import ctypes
import sys
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
LARGEST = 1 << 30  # bytes; larger than any activation of a batch


@cache
def keep_freed_memory() -> None:
    """Have the C library keep large freed blocks for this process.

    By default glibc maps every large tensor anew and gives it back when freed, so each layer of each batch pays for thousands of
    page faults: about a quarter of the time of describing a photo on CPUs. Elsewhere than on Linux with glibc this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, LARGEST)
        mallopt(TRIM_THRESHOLD, LARGEST)
