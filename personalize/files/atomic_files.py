"""Atomic file writes: after a crash, a file is either complete or absent."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file in the same folder to write to; afterwards flush it to the disk and rename it to `path`.

    Replaces an existing file and creates the folder if it is missing. After an error the temporary file is removed. Its name has the same
    suffix, and is unique to this call.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        yield partial
        rename(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def rename(partial: Path, path: Path) -> None:
    """Flush a finished file to the disk and rename it to `path`, on the same disk."""
    _flush(partial)
    partial.replace(path)
    _flush(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
