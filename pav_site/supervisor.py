"""Process supervisor: starts child processes, restarts those that die, and ends all in order."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pav_site.accounts import identity
from pav_site.processes import end

POLL_SECONDS = 0.1  # between two checks of the children
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0  # seconds between restarts; doubled each time
LONGEST_LOG = 10 * 2**20  # bytes; a longer log is rotated at the next start
STEADY_SECONDS = 20  # after this time a child counts as recovered, and its pause is reset


@dataclass(frozen=True)
class Program:
    """What to run and how."""

    name: str  # shown in messages
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)  # added to the supervisor's own
    user: str | None = None  # None: the user who runs PAV
    stage: int = 1  # later stages depend on earlier ones and end before them
    before: Callable[[], None] = lambda: None  # called before every start, to remove leftovers of a crash


@dataclass
class Child:
    """A supervised program and its process."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    pause: float = FIRST_PAUSE
    due: float | None = None  # time of the next restart; None while it runs


class Supervisor:
    """Runs programs until it is stopped. A thread watches them, so the caller can do other work."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._children: list[Child] = []
        self._lock = threading.Lock()  # no child may be restarted during `stop`
        self._ending = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self, program: Program) -> None:
        """Start a program and supervise it from now on."""
        with self._lock:
            self._children.append(Child(program, _spawn(program), time.monotonic()))
        if not self._watcher.is_alive():
            self._watcher.start()

    def stop(self) -> None:
        """End every program, stage by stage: dependants end before the services that they use."""
        self._ending.set()
        with self._lock:
            children, self._children = self._children, []
        for stage in sorted({child.program.stage for child in children}, reverse=True):
            end([child.process for child in children if child.program.stage == stage])

    @property
    def pids(self) -> dict[str, int]:
        """Process id of each child by name; used by tests."""
        with self._lock:
            return {child.program.name: child.process.pid for child in self._children}

    def _watch(self) -> None:
        while not self._ending.wait(POLL_SECONDS):
            with self._lock:
                for child in self._children:
                    if self._ending.is_set():
                        return
                    self._check(child)

    def _check(self, child: Child) -> None:
        now = time.monotonic()
        if child.due is None and child.process.poll() is not None:
            if now - child.started > STEADY_SECONDS:
                child.pause = FIRST_PAUSE
            child.due, pause = now + child.pause, child.pause
            child.pause = min(2 * pause, LONGEST_PAUSE)
            self._say(f"{child.program.name} ended ({reason(child.process.returncode)}); restarting it. Log: {child.program.log}")
        if child.due is not None and now >= child.due:
            try:
                child.process, child.due, child.started = _spawn(child.program), None, now
            except OSError as error:
                child.due = now + LONGEST_PAUSE
                self._say(f"{child.program.name} cannot be started: {error}")


def reason(code: int) -> str:
    """How a process ended, from its return code."""
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    program.before()
    program.log.parent.mkdir(parents=True, exist_ok=True)
    if program.log.exists() and program.log.stat().st_size > LONGEST_LOG:
        program.log.replace(program.log.with_suffix(".old.log"))
    with program.log.open("ab") as log:
        # A separate session: Ctrl-C in the terminal reaches only the launcher, which ends its children in order. stdin is a pipe that
        # is never written to: the kernel closes it when the launcher dies, however it dies.
        return subprocess.Popen(
            list(program.command),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/" if program.user else None,
            env={**os.environ, **program.environment},
            **identity(program.user),
        )
