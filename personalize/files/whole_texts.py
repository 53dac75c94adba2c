"""Texts that are on the disk whole or not at all."""

import os
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write another file beside it, flush it to the disk, and give it the name; a file of that name is replaced."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
