"""Files that long commands write: looked at before the work, written whole after it."""

import json
from argparse import ArgumentTypeError
from pathlib import Path
from tempfile import TemporaryFile

from personalize.files import atomic_files


def new_file(text: str) -> Path:
    """The type of an option that names a file to write: its folder is made now, so that hours of work do not end at a closed door.

    Raises:
        ArgumentTypeError: nothing can be written there; says why.
    """
    path = Path(text)
    if path.is_dir():
        raise ArgumentTypeError(f"{path} is a folder; name a file.")
    return _writable(path.parent) / path.name


def new_folder(text: str) -> Path:
    """The same for a folder of files."""
    return _writable(Path(text))


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise ArgumentTypeError(f"{folder} cannot be written to: {error.strerror}.") from error


def write_json(path: Path, facts: object) -> None:
    """All or nothing: a reader never meets half a file."""
    atomic_files.write_text(path, json.dumps(facts, indent=1) + "\n")
