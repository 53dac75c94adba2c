"""Output files of long-running commands; checked before the run, written atomically after it."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from tempfile import TemporaryFile

from personalize.files import atomic_files


def new_file(text: str) -> Path:
    """Type of an option that names a file to write. Creates the folder at once, to fail before a long run, not after it.

    Raises:
        ArgumentTypeError: the file cannot be written; the message gives the reason.
    """
    path = Path(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{path} is a folder; name a file.")
    return _writable(path.parent) / path.name


def new_folder(text: str) -> Path:
    """Type of an option that names a folder to write to; see `new_file`."""
    return _writable(Path(text))


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise ArgumentTypeError(f"{folder} cannot be written to: {error.strerror}.") from error


def write_json(path: Path, facts: object) -> None:
    """Write JSON atomically: a reader never sees a partial file."""
    atomic_files.write_text(path, json.dumps(facts, indent=1) + "\n")
