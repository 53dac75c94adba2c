"""Processes: a port for a new one, and the end of children and of leftovers of a killed one."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

GRACE_SECONDS = 10  # between SIGINT and SIGKILL
NICENESS = 10  # of processes whose work, of seconds, nobody waits for


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find(matches: Callable[[list[str]], bool]) -> list[psutil.Process]:
    """Processes whose command line matches; processes that cannot be inspected are left out."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"]
        if line and process.pid != os.getpid() and matches(line):
            found.append(process)
    return found


def works_in(process: psutil.Process, folder: Path) -> bool:
    """Whether this is the working folder of a process; no, where it cannot be inspected."""
    with suppress(psutil.Error):
        return Path(process.cwd()) == folder.resolve()
    return False


def end(processes: Sequence[psutil.Process | subprocess.Popen[bytes]]) -> None:
    """Send SIGINT (PostgreSQL's fast shutdown), wait, then kill the remaining processes and their children."""
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


def yield_to_others() -> None:
    """Lower this process's priority: it must not slow down those that a user waits for.

    Where Linux shares the processor among sessions first (`sched_autogroup_enabled`, as on most desktops), niceness counts within a
    session alone; a process with a session of its own lowers that, too.
    """
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if hasattr(os, "getsid") and os.getsid(0) == os.getpid():
        for _ in range(50):
            try:
                Path("/proc/self/autogroup").write_text(str(NICENESS))
            except BlockingIOError:  # without privileges, the kernel takes one in a tenth of a second, from the whole machine
                time.sleep(0.1)
                continue
            except OSError:  # no Linux, or one without it
                pass
            break


def end_with_parent() -> None:
    """End this process when its parent ends, even by SIGKILL: stdin is a pipe that only the parent holds open."""

    def watch() -> None:
        while os.read(0, 1024):  # not sys.stdin: a thread blocked in its buffer would break interpreter shutdown
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE_SECONDS)
        os._exit(1)  # the process is stuck in native code and ignores SIGTERM

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
