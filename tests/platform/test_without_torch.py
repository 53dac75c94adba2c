"""PAV without PyTorch and the other packages of `./pav install research`: what works, and what commands that need them say."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import manage
from pav_site import missing_packages
from pav_site.embedded import Services
from pav_site.environment import BASE
from ratings.exports.services import NEEDS_PYTORCH
from tests import torchless
from tests.platform import machine

LACKING = [  # commands with their arguments, and what they say is missing
    (["train_task_vector", "oasis-beauty", "--root", "."], "PyTorch"),
    (["build_bank", "--root", "."], "PyTorch"),
    (["import_bank", "aes.pth", "--out", "FOLDER/bank.safetensors"], "PyTorch"),
    (["bank_compress", "bank.safetensors", "--out", "FOLDER/bank.safetensors", "--form", "half"], "PyTorch"),
    (["bank_extractors"], "PyTorch"),
    (["bank_info"], "PyTorch"),
    (["score", "--model", "tests/personalize/stored/models/pav-person-1-exact.onnx", "docs/images"], "PyTorch"),
    (["evaluate", "--images", ".", "--ratings", "none.csv", "--methods", "instant", "exact", "--cache", "FOLDER"], "PyTorch"),
    (
        ["evaluate", "--images", ".", "--ratings", "none.csv", "--methods", "instant", "--cache", "FOLDER", "--plots", "FOLDER"],
        "Matplotlib",
    ),
    (["evaluate", "--images", ".", "--ratings", "none.csv", "--methods", "ridge", "--cache", "FOLDER"], "scikit-learn"),
    (["replay", "--images", ".", "--ratings", "none.csv", "--cache", "FOLDER"], "scikit-learn"),
    (["bench", "fit"], "PyTorch"),
    (["bench", "memory", "--help"], "PyTorch"),
    (["bench", "describe"], "PyTorch"),
]
WITH_HELP = (
    *("train_task_vector", "build_bank", "import_bank", "bank_compress", "bank_extractors", "bank_info", "train_generic_score"),
    *("evaluate", "evaluate_prior", "replay", "score", "datasets", "export_model", "explain", "worker", "demo", "agreement"),
)


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hidden")


@pytest.fixture
def new_services() -> Iterator[Services]:
    """PostgreSQL and Redis of a new installation, before its tables exist."""
    with machine.service_folder() as folder:
        services = Services(folder / "pav", durable=False)
        with services.owned(), services.started():
            yield services


def test_the_packages_are_hidden(hidden: Path) -> None:
    code = "import importlib.util, importlib.metadata as m\nassert not importlib.util.find_spec('torch')\nm.version('numpy')\n"
    assert torchless.run(["-c", code], hidden).returncode == 0
    assert torchless.run(["-c", "import torch.nn"], hidden).stderr.endswith("ModuleNotFoundError: No module named 'torch'\n")
    assert "PackageNotFoundError" in torchless.run(["-c", code + "m.version('torch')"], hidden).stderr


def test_photos_raters_and_exports_of_instant_fits_need_no_torch(new_services: Services, hidden: Path) -> None:
    here = {"PAV_VAR": str(new_services.folder), "PAV_TESTING": "1", "DJANGO_SETTINGS_MODULE": "pav_site.settings"}
    migrated = torchless.run(["manage.py", "migrate", "--verbosity", "0"], hidden, **here)
    assert migrated.returncode == 0, migrated.stderr
    done = torchless.run(["-m", "tests.platform.torchless_work"], hidden, **here)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["rated"] == 3
    state, scores = found["json"]
    assert state == "done"
    assert all(found[kind] == [state, pytest.approx(scores, abs=0.005)] for kind in ("safetensors", "onnx"))
    assert len({round(score, 3) for score in scores}) == 3
    assert [problem["detail"] for problem in found["exact"]] == [NEEDS_PYTORCH]
    assert found["handed on"] == [False, 0]
    assert set(torchless.HIDDEN) & set(found["packages"]) == set()


@pytest.fixture(scope="module")
def ended(hidden: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torchless.Ended]:
    """What became of each command in `LACKING`, and of the help of those in `WITH_HELP`."""
    folder = tmp_path_factory.mktemp("out")
    commands = [*(command for command, _ in LACKING), *([name, "--help"] for name in WITH_HELP)]
    given = [[word.replace("FOLDER", str(folder)) for word in command] for command in commands]
    results = torchless.run_commands(given, hidden, PAV_VAR=str(folder / "var"))
    return dict(zip(map(" ".join, commands), results, strict=True))


@pytest.mark.parametrize(("command", "package"), LACKING, ids=lambda value: value[0] if isinstance(value, list) else value)
def test_a_command_that_lacks_a_package_says_how_to_install_it(command: list[str], package: str, ended: dict[str, torchless.Ended]) -> None:
    refused = ended[" ".join(command)]
    assert (refused.status, refused.out) == (1, "")
    sentence = f"./pav {command[0]} needs {package}, which is not installed. Install it (several gigabytes) with ./pav install research."
    assert refused.err.splitlines()[-1] == f"pav: {sentence}"
    assert "Traceback" not in refused.err


@pytest.mark.parametrize("command", WITH_HELP)
def test_help_needs_none_of_the_packages(command: str, ended: dict[str, torchless.Ended]) -> None:
    shown = ended[f"{command} --help"]
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.startswith("usage:")


def test_the_exact_fit_of_an_export_needs_torch_before_it_reads_photos(hidden: Path) -> None:
    """`export_model` of an instant fit is in the test above."""
    code = "from personalize.worker import new_exact_fit\nnew_exact_fit.fit_now(None, {}, None)"
    assert "No module named 'torch'" in torchless.run(["-c", f"import django\ndjango.setup()\n{code}"], hidden).stderr


def test_every_package_that_may_be_missing_is_pinned() -> None:
    names = {"open_clip": "open_clip_torch", "sklearn": "scikit-learn", "httpx": "huggingface_hub"}
    pins = "".join((BASE / name).read_text() for name in ("requirements-app.txt", "requirements.txt"))
    assert [name for name in missing_packages.RESEARCH if f"\n{names.get(name, name)}==" not in pins] == []


def test_another_missing_module_is_a_traceback() -> None:
    assert missing_packages.missing(ModuleNotFoundError("No module named 'x'", name="personalize.torch")) is None
    assert missing_packages.missing(ModuleNotFoundError("nothing")) is None
    assert missing_packages.missing(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")) == "PyTorch"


class Terminal:
    """A command in a terminal, whose user answers the question."""

    def __init__(self, answer: bytes, installs: bool, folder: Path) -> None:
        self.calls = folder / "calls"
        launcher = folder / "pav"
        launcher.write_text(f'#!/bin/sh\necho "$@" >>"{self.calls}"\n[ "$1" = bank_info ] || exit {0 if installs else 3}\n')
        launcher.chmod(0o755)
        program = f"from pav_site import missing_packages as m; m.LAUNCHER = {str(launcher)!r}; m.offer('PyTorch', ['bank_info', '--json'])"
        ours, theirs = pty.openpty()
        self.process = subprocess.Popen([sys.executable, "-c", program], stdin=theirs, stdout=theirs, stderr=theirs, cwd=BASE)
        os.close(theirs)
        os.write(ours, answer)
        self.status = self.process.wait(machine.PATIENCE_SECONDS)
        shown = b""
        with suppress(OSError):  # at the end
            while piece := os.read(ours, 4096):
                shown += piece
        self.shown = shown.decode()
        os.close(ours)

    @property
    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.mark.parametrize(
    ("answer", "installs", "status", "called"),
    [
        (b"y\n", True, 0, ["install research", "bank_info --json"]),
        (b"y\n", False, 1, ["install research"]),
        (b"n\n", True, 1, []),
        (b"\n", True, 1, []),
    ],
)
def test_on_a_terminal_a_command_offers_the_installation_and_goes_on_after_it(
    answer: bytes, installs: bool, status: int, called: list[str], tmp_path: Path
) -> None:
    terminal = Terminal(answer, installs, tmp_path)
    assert "which is not installed. Install it now (several gigabytes)? [y/N]" in terminal.shown
    assert (terminal.status, terminal.called) == (status, called)


def test_ctrl_c_at_the_question_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(missing_packages, "missing", interrupted)
    monkeypatch.setattr("django.core.management.execute_from_command_line", lambda _: __import__("no_such_module"))
    monkeypatch.setattr(sys, "argv", ["manage.py", "bank_info"])
    with pytest.raises(SystemExit) as ended:
        manage.main()
    assert ended.value.code == 130
