"""The launcher `./pav`, on a small project so that nothing large is installed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

from pav_site.environment import BASE
from tests.platform.machine import PATIENCE_SECONDS

PRINT_ARGUMENTS = "import sys; print(sys.argv)"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a path with spaces, whose manage.py prints its arguments."""
    folder = tmp_path_factory.mktemp("somebody's folder") / "PAV project"
    folder.mkdir()
    shutil.copy(BASE / "pav", folder)
    (folder / "manage.py").write_text(PRINT_ARGUMENTS)
    (folder / "requirements.txt").write_text("# nothing\n")
    (folder / "requirements-dev.txt").write_text("-r requirements.txt\n")
    return folder


def call(launcher: Path, *arguments: str, cwd: Path = Path("/"), **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"PAV_VENV", "PYTHON"}}
    command, env = ["sh", str(launcher), *arguments], kept | environment
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def test_the_launcher_creates_the_environment_once_and_runs_the_command(project: Path, tmp_path: Path) -> None:
    first = call(project / "pav", "migrate", "--plan")
    assert "Creating a virtual environment" in first.stderr
    assert "The first time downloads" in first.stderr
    assert first.stdout == f"{[str(project / 'manage.py'), 'migrate', '--plan']}\n"
    assert (project / ".venv" / "bin" / "python").exists()

    again = call(project / "pav", "migrate")
    assert again.stderr == ""

    (tmp_path / "pav").symlink_to(project / "pav")
    assert call(tmp_path / "pav", "check", "two words").stdout == f"{[str(project / 'manage.py'), 'check', 'two words']}\n"

    (project / "requirements.txt").write_text("# nothing, still\n")
    assert "Installing" in call(project / "pav", "check").stderr
    assert call(project / "pav", "check").stderr == ""

    assert "requirements-dev.txt" in call(project / "pav", "test").stderr
    assert call(project / "pav", "test").stderr == ""


def test_a_failed_installation_is_reported_and_retried(project: Path) -> None:
    call(project / "pav", "check")
    (project / "requirements.txt").write_text("./not-there\n")
    for _attempt in range(2):
        failed = call(project / "pav", "check")
        assert failed.returncode == 1
        assert "could not be installed" in failed.stderr
    (project / "requirements.txt").write_text("# nothing\n")


def test_the_launcher_names_the_python_version_to_install_if_there_is_none(project: Path, tmp_path: Path) -> None:
    for tool in ("dirname", "readlink", "cat", "cksum", "sh"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    missing = call(project / "pav", "demo", PATH=str(tmp_path), PAV_VENV=str(tmp_path / "venv"))
    assert missing.returncode == 1
    assert "PAV needs Python 3.11 or newer" in missing.stderr


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"]])
def test_help_needs_no_installation(arguments: list[str], tmp_path: Path) -> None:
    shown = call(BASE / "pav", *arguments, PAV_VENV=str(tmp_path / "venv"))
    assert "./pav demo" in shown.stdout
    assert not (tmp_path / "venv").exists()


def test_every_command_in_the_help_exists() -> None:
    named = set(re.findall(r"\./pav ([a-z_]+)", call(BASE / "pav").stdout)) - {"help"}
    assert named <= get_commands().keys()
