"""Helpers of platform tests: wait for a condition, find processes, free ports and folders for services."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

PATIENCE_SECONDS = 300
"""Far longer than any step takes, so that a busy machine does not fail a test."""


def until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition; fail if it stays false."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def processes_of(text: str) -> dict[int, str]:
    """Running processes whose command line contains a text: pid and command line."""
    found = {}
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if text in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found[process.pid] = line
    return found


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    with suppress(psutil.NoSuchProcess):  # it may end between the two questions
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def service_folder() -> Iterator[Path]:
    """A temporary folder, not pytest's: pytest closes its folders to other accounts, and PostgreSQL may run under one."""
    with tempfile.TemporaryDirectory(prefix="pav-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
