"""Safetensors files of a format of the project's own, read whole."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from personalize.errors import BadBank


def read(path: Path, expected: str, advice: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What the file's header says, and its tensors by name.

    Raises:
        BadBank: missing or damaged, with the `advice` what to do; or of another format than `expected`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise BadBank(f"{path} cannot be read: {error}. {advice}") from error
    if metadata.get("format") != expected:
        raise BadBank(f"{path} has format {metadata.get('format')!r}, expected {expected!r}.")
    return metadata, tensors
