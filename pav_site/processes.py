"""Ending processes: those that this process started, and those that a killed one left behind."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import psutil

GRACE_SECONDS = 10  # between asking a process to end and ending it


def find(matches: Callable[[list[str]], bool]) -> list[psutil.Process]:
    """Processes whose command line matches; those that cannot be read are left out."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"]
        if line and process.pid != os.getpid() and matches(line):
            found.append(process)
    return found


def end(processes: Sequence[psutil.Process | subprocess.Popen[bytes]]) -> None:
    """Ask each to end (SIGINT: PostgreSQL's fast shutdown too), wait, then end by force what is left, children included."""
    known = [found for process in processes if (found := _alive(process))]
    family = [child for process in known for child in _children(process)]
    for process in known:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
    _gone, alive = psutil.wait_procs([*known, *family], timeout=GRACE_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)
    for process in processes:
        if isinstance(process, subprocess.Popen):
            process.wait()


def _alive(process: psutil.Process | subprocess.Popen[bytes]) -> psutil.Process | None:
    if isinstance(process, psutil.Process):
        return process
    if process.poll() is not None:
        return None
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid)
    return None


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []


def end_with_parent() -> None:
    """End this process soon after the one that started it, however that one ended: stdin is a pipe that only the parent holds open."""

    def watch() -> None:
        while os.read(0, 1024):  # not sys.stdin: a thread that waits in its buffer would break the interpreter's end
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE_SECONDS)
        os._exit(1)  # stuck in native code: nothing in it is worth waiting for

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
