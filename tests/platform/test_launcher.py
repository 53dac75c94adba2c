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
MIRROR_AWAY = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:1", "PIP_RETRIES": "0"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a path with spaces, whose manage.py prints its arguments."""
    folder = tmp_path_factory.mktemp("somebody's folder") / "PAV project"
    folder.mkdir()
    shutil.copy(BASE / "pav", folder)
    (folder / "manage.py").write_text(PRINT_ARGUMENTS)
    (folder / "requirements-app.txt").write_text("# nothing\n")
    (folder / "requirements.txt").write_text("-r requirements-app.txt\n")
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

    (project / "requirements-app.txt").write_text("# nothing, still\n")
    assert "Installing" in call(project / "pav", "check").stderr
    assert call(project / "pav", "check").stderr == ""

    assert "requirements-dev.txt" in call(project / "pav", "test").stderr
    assert call(project / "pav", "test").stderr == ""


def test_what_research_needs_is_installed_on_request_and_then_kept_up_to_date(project: Path) -> None:
    installed = call(project / "pav", "install", "research")
    assert installed.returncode == 0
    assert "several gigabytes" in installed.stderr
    assert "Everything is installed" in installed.stderr
    assert call(project / "pav", "check").stderr == ""

    (project / "requirements.txt").write_text("-r requirements-app.txt\n# another version\n")
    assert "Installing the packages of requirements.txt" in call(project / "pav", "check").stderr

    refused = call(project / "pav", "install", "everything")
    assert refused.returncode == 1
    assert "./pav install research" in refused.stderr
    (project / ".venv" / "pav-requirements.txt.installed").unlink()


@pytest.mark.parametrize("requirement", ["./not-there", "six"])
def test_a_failed_installation_is_reported_and_retried(requirement: str, project: Path) -> None:
    call(project / "pav", "check")
    (project / "requirements-app.txt").write_text(f"{requirement}\n")
    for _attempt in range(2 if requirement == "./not-there" else 1):
        failed = call(project / "pav", "check", **MIRROR_AWAY)
        assert failed.returncode == 1
        assert "could not be installed" in failed.stderr
        assert "Check the network" in failed.stderr
    (project / "requirements-app.txt").write_text("# nothing\n")
    assert call(project / "pav", "check").returncode == 0


@pytest.fixture
def full_disk(tmp_path: Path) -> str:
    """A PATH on which `df` finds 7 megabytes free."""
    df = tmp_path / "tools" / "df"
    df.parent.mkdir()
    df.write_text("#!/bin/sh\necho 'Filesystem 1024-blocks Used Available Capacity Mounted'\necho 'disk 9000 1 7168 99% /'\n")
    df.chmod(0o755)
    return f"{df.parent}{os.pathsep}{os.environ['PATH']}"


def test_a_full_disk_is_named_before_and_after_the_download(project: Path, full_disk: str, tmp_path: Path) -> None:
    early = call(project / "pav", "check", PATH=full_disk, PAV_VENV=str(tmp_path / "venv"))
    assert early.returncode == 1
    assert "Only 7 MB are free" in early.stderr
    assert "PAV_VENV" in early.stderr

    call(project / "pav", "check")
    (project / "requirements-app.txt").write_text("./not-there\n")
    late = call(project / "pav", "check", PATH=full_disk)
    assert late.returncode == 1
    assert "the disk is full" in late.stderr
    (project / "requirements-app.txt").write_text("# nothing\n")
    assert call(project / "pav", "check").returncode == 0


@pytest.mark.parametrize("harm", ["no pip", "half of pip", "no python", "empty"])
def test_a_half_made_environment_is_made_again(harm: str, project: Path) -> None:
    assert call(project / "pav", "check").returncode == 0
    venv = project / ".venv"
    if harm == "no pip":
        shutil.rmtree(next(venv.glob("lib/python3*/site-packages/pip")))
    elif harm == "half of pip":  # stopped while pip was unpacked, so nothing is installed yet
        shutil.rmtree(next(venv.glob("lib/python3*/site-packages/pip/_internal")))
        (venv / "pav-requirements-app.txt.installed").unlink()
    elif harm == "no python":
        (venv / "bin" / "python").unlink()
    else:
        shutil.rmtree(venv)
        venv.mkdir()
    mended = call(project / "pav", "check")
    assert mended.returncode == 0
    assert "Creating a virtual environment" in mended.stderr
    assert call(project / "pav", "check").stderr == ""


def test_a_place_that_cannot_be_written_to_is_named(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # no permission would stop root
    refused = call(project / "pav", "check", PAV_VENV=str(tmp_path / "file" / "venv"))
    assert refused.returncode == 1
    assert f"PAV cannot write to {tmp_path / 'file'}" in refused.stderr
    assert "PAV_VAR" in refused.stderr


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
    named = set(re.findall(r"\./pav ([a-z_]+)", call(BASE / "pav").stdout)) - {"help", "install"}
    assert named <= get_commands().keys()
