"""Atomic writes: a file is on the disk whole, or not at all, whatever happens to the process or the machine."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Another file in the same folder, to be written within; then it is flushed to the disk and gets the name `path`.

    A file of that name is replaced. Its folder is made where it is missing. After an error nothing is left behind. The file to be written
    has the same ending, and a name that no other process writes to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        yield partial
        rename(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def rename(partial: Path, path: Path) -> None:
    """Flush a finished file to the disk and give it the name `path`, on the same disk."""
    _flush(partial)
    partial.replace(path)
    _flush(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text whole."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
