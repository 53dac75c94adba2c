"""Packages that PAV runs without: which one a command lacks, and the offer to install it."""

import os
import subprocess
import sys
from collections.abc import Sequence

from pav_site.environment import BASE

LAUNCHER = str(BASE / "pav")
INSTALL = "./pav install research"
SIZE = "several gigabytes"
# What `./pav install research` installs and a command may miss, by the name it is imported by.
RESEARCH = {
    "torch": "PyTorch",
    "torchvision": "torchvision",
    "timm": "timm",
    "open_clip": "OpenCLIP",
    "huggingface_hub": "huggingface_hub",
    "httpx": "HTTPX",  # comes with huggingface_hub; benchmarks use it
    "accelerate": "Accelerate",
    "tensorboard": "TensorBoard",
    "onnxscript": "ONNX Script",
    "matplotlib": "Matplotlib",
    "openpyxl": "openpyxl",
    "sklearn": "scikit-learn",
}


def missing(error: ModuleNotFoundError) -> str | None:
    """The package that an import lacks, as its makers write it; None where it is none that `./pav install research` brings."""
    return RESEARCH.get((error.name or "").partition(".")[0])


def offer(package: str, arguments: Sequence[str]) -> None:
    """Say what a command lacks. On a terminal, offer to install it, and run the command again, which does not return.

    `arguments` are the command and its options, without the name of the program.
    """
    sentence = f"pav: ./pav {arguments[0]} needs {package}, which is not installed."
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        sys.exit(f"{sentence} Install it ({SIZE}) with {INSTALL}.")
    print(f"{sentence} Install it now ({SIZE})? [y/N] ", end="", file=sys.stderr, flush=True)
    if not sys.stdin.readline().strip().lower().startswith("y"):
        sys.exit(f"pav: To install it later: {INSTALL}")
    if subprocess.run([LAUNCHER, "install", "research"], check=False).returncode:
        sys.exit(1)  # the launcher has said why
    os.execv(LAUNCHER, [LAUNCHER, *arguments])  # noqa: S606
