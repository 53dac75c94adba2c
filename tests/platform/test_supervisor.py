"""The supervisor of child processes: restarts and complete stops."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pav_site.processes import NICENESS
from pav_site.supervisor import Program, Supervisor
from tests.platform.machine import processes_of, until

SLEEPER = "import time; time.sleep(600)"
WITH_CHILD = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]]); time.sleep(600)"
)
IGNORES_SIGINT = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
WATCHES_PARENT = "from pav_site.processes import end_with_parent; import time; end_with_parent(); time.sleep(600)"

HIGHEST = 19  # niceness that Linux has
YIELDS = "from pav_site.processes import yield_to_others; import time; yield_to_others(); time.sleep(600)"


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def supervisor(messages: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(messages.append)
    yield supervisor
    supervisor.stop()


def program(code: str, folder: Path, name: str = "worker") -> Program:
    return Program(name, [sys.executable, "-c", code, str(folder)], folder / f"{name}.log")


def test_a_child_that_yields_does_so_to_other_sessions_too(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(program(YIELDS, tmp_path))
    child = psutil.Process(supervisor.pids["worker"])

    until(lambda: child.nice() == min(os.nice(0) + NICENESS, HIGHEST))

    session = Path(f"/proc/{child.pid}/autogroup")
    until(lambda: not session.exists() or f"nice {NICENESS}" in session.read_text())


def test_a_killed_child_is_restarted_and_reported(supervisor: Supervisor, messages: list[str], tmp_path: Path) -> None:
    supervisor.start(program(SLEEPER, tmp_path))
    first = supervisor.pids["worker"]
    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.pids["worker"] != first and psutil.pid_exists(supervisor.pids["worker"]))
    assert messages == [f"worker ended (signal 9); restarting it. Log: {tmp_path / 'worker.log'}"]


def test_the_cleanup_of_a_program_runs_before_every_start(supervisor: Supervisor, tmp_path: Path) -> None:
    starts: list[int] = []
    supervisor.start(Program("worker", [sys.executable, "-c", "pass"], tmp_path / "log", before=lambda: starts.append(1)))
    until(lambda: len(starts) >= 3)


def test_stop_ends_grandchildren_too(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(program(WITH_CHILD, tmp_path))
    until(lambda: len(processes_of(str(tmp_path))) == 2)
    supervisor.stop()
    assert processes_of(str(tmp_path)) == {}


def test_stop_ends_no_other_process(supervisor: Supervisor, tmp_path: Path) -> None:
    other = Supervisor(print)
    other.start(program(SLEEPER, tmp_path / "other"))
    supervisor.start(program(SLEEPER, tmp_path / "mine"))
    supervisor.stop()
    assert len(processes_of(str(tmp_path))) == 1
    other.stop()


def test_a_child_that_ignores_the_signal_is_killed(supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pav_site.processes.GRACE_SECONDS", 0.5)
    supervisor.start(program(IGNORES_SIGINT, tmp_path))
    until(lambda: "deaf" in (tmp_path / "worker.log").read_text())
    supervisor.stop()
    assert processes_of(str(tmp_path)) == {}


def test_no_child_is_restarted_after_the_stop(supervisor: Supervisor, messages: list[str], tmp_path: Path) -> None:
    supervisor.start(program(SLEEPER, tmp_path))
    supervisor.stop()
    assert supervisor.pids == {}
    assert messages == []


def test_children_end_when_their_launcher_is_killed(tmp_path: Path) -> None:
    launcher = f"""
import sys, time
from pathlib import Path
from pav_site.supervisor import Program, Supervisor
supervisor = Supervisor(print)
supervisor.start(Program("child", [sys.executable, "-c", {WATCHES_PARENT!r}, {str(tmp_path)!r}], Path({str(tmp_path / "log")!r})))
time.sleep(600)
"""
    import subprocess

    with subprocess.Popen([sys.executable, "-c", launcher]) as process:
        until(lambda: len(processes_of(str(tmp_path))) == 2)
        process.kill()
    until(lambda: processes_of(str(tmp_path)) == {})
