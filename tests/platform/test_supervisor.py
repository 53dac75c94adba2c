"""Child processes: kept alive, ended whole."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pav_site.supervisor import Program, Supervisor
from tests.platform.machine import processes_of, until

SLEEPER = "import time; time.sleep(600)"
WITH_CHILD = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]]); time.sleep(600)"
)
DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
WATCHES_PARENT = "from pav_site.processes import end_with_parent; import time; end_with_parent(); time.sleep(600)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(said.append)
    yield supervisor
    supervisor.stop()


def program(code: str, folder: Path, name: str = "worker") -> Program:
    return Program(name, [sys.executable, "-c", code, str(folder)], folder / f"{name}.log")


def test_a_killed_child_is_started_again_and_reported(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    supervisor.start(program(SLEEPER, tmp_path))
    first = supervisor.pids["worker"]
    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.pids["worker"] != first and psutil.pid_exists(supervisor.pids["worker"]))
    assert said == [f"worker ended (signal 9); restarting it. Log: {tmp_path / 'worker.log'}"]


def test_what_a_death_left_behind_is_cleared_before_every_start(supervisor: Supervisor, tmp_path: Path) -> None:
    starts: list[int] = []
    supervisor.start(Program("worker", [sys.executable, "-c", "pass"], tmp_path / "log", before=lambda: starts.append(1)))
    until(lambda: len(starts) >= 3)


def test_stop_ends_children_of_children_too(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(program(WITH_CHILD, tmp_path))
    until(lambda: len(processes_of(str(tmp_path))) == 2)
    supervisor.stop()
    assert processes_of(str(tmp_path)) == {}


def test_stop_ends_nothing_else(supervisor: Supervisor, tmp_path: Path) -> None:
    other = Supervisor(print)
    other.start(program(SLEEPER, tmp_path / "other"))
    supervisor.start(program(SLEEPER, tmp_path / "mine"))
    supervisor.stop()
    assert len(processes_of(str(tmp_path))) == 1
    other.stop()


def test_a_child_that_does_not_listen_is_ended_by_force(supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pav_site.processes.GRACE_SECONDS", 0.5)
    supervisor.start(program(DEAF, tmp_path))
    until(lambda: "deaf" in (tmp_path / "worker.log").read_text())
    supervisor.stop()
    assert processes_of(str(tmp_path)) == {}


def test_nothing_is_started_again_after_the_stop(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    supervisor.start(program(SLEEPER, tmp_path))
    supervisor.stop()
    assert supervisor.pids == {}
    assert said == []


def test_children_end_with_a_launcher_that_was_killed(tmp_path: Path) -> None:
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
