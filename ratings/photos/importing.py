"""Bulk import of photos: a folder with its subfolders, or the samples. Refused files are reported, and the import continues."""

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PIL import Image

from ratings.photos import files
from ratings.photos.drawn import store
from ratings.photos.drawn.catalogue import Picture
from ratings.photos.intake import NormalisedPhoto, from_image, normalise
from ratings.photos.names import display_name
from ratings.photos.raw_previews import LARGEST_RAW
from ratings.photos.refusals import PhotoRefused
from ratings.photos.samples import Sample
from ratings.photos.services import About, add_normalised

READERS = 2
"""Photos read in parallel. Decoding and encoding release the GIL, so threads use two cores."""

READ_AHEAD = 4
"""Photos being read or waiting to be stored. Each may take several hundred megabytes of memory."""


@dataclass(frozen=True)
class Candidate:
    """A file or sample to import; reading it may show that it is no photo."""

    label: str  # shown in the list of refused files
    about: About
    read: Callable[[], NormalisedPhoto]


@dataclass
class Report:
    """The result of an import."""

    added: int = 0
    known: int = 0  # already in the catalogue
    refused: list[tuple[str, PhotoRefused]] = field(default_factory=list)


def files_in(root: Path) -> list[Path]:
    """All files in a folder and its subfolders, sorted by path.

    Symlinks to folders are followed, but no folder is visited twice, so circular links end.
    Names that begin with a dot are skipped.
    """
    if not root.is_dir():
        return [root]
    found: list[Path] = []
    visited: set[tuple[int, int]] = set()
    _first_visit(root, visited)
    for folder, subfolders, names in os.walk(root, followlinks=True):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and _first_visit(Path(folder, name), visited))
        found.extend(Path(folder, name) for name in sorted(names) if not name.startswith("."))
    return sorted(found, key=lambda path: path.parts)


def from_folder(root: Path, about: About) -> list[Candidate]:
    """Import candidates from a folder."""
    return [Candidate(_label(path, root), about, partial(_read, path)) for path in files_in(root)]


def from_samples(samples: Iterable[Sample]) -> list[Candidate]:
    """Import candidates from the sample photos."""
    return [Candidate(sample.name, sample.about, partial(_render, sample)) for sample in samples]


def from_drawn(pictures: Iterable[Picture], read: Callable[[Picture], bytes] = store.drawn) -> list[Candidate]:
    """Import candidates from drawn pictures; `read` gives the file of one."""
    return [Candidate(f"{picture.name}.jpg", picture.about, partial(_drawn, picture, read)) for picture in pictures]


def import_all(candidates: Iterable[Candidate], done: Callable[[Candidate, bool], object] = lambda _candidate, _stored: None) -> Report:
    """Read and store photos one by one. Each is committed separately, so the first ones can be rated while others are read.

    `done` is called after each candidate: with True when its photo is in the catalogue, with False when it was refused.
    """
    files.remove_unfinished()
    report = Report()
    for candidate, reading in _read_ahead(candidates):
        try:
            _, is_new = add_normalised(photo=reading.result(), about=candidate.about)
        except PhotoRefused as refusal:
            report.refused.append((candidate.label, refusal))
            done(candidate, False)
        else:
            report.added += is_new
            report.known += not is_new
            done(candidate, True)
    return report


def _read_ahead(candidates: Iterable[Candidate]) -> Iterator[tuple[Candidate, "Future[NormalisedPhoto]"]]:
    """Each candidate with its result, in order; a few are read in advance."""
    Image.init()  # Pillow loads its formats at the first use; two threads that do so at once can wait for each other forever
    with ThreadPoolExecutor(READERS) as readers:
        started: deque[tuple[Candidate, Future[NormalisedPhoto]]] = deque()
        try:
            for candidate in candidates:
                started.append((candidate, readers.submit(candidate.read)))
                if len(started) >= READ_AHEAD:
                    yield started.popleft()
            while started:
                yield started.popleft()
        finally:
            for _, reading in started:
                reading.cancel()


def _render(sample: Sample) -> NormalisedPhoto:
    return from_image(sample.image(), sample.name)


def _drawn(picture: Picture, read: Callable[[Picture], bytes]) -> NormalisedPhoto:
    return normalise(read(picture), f"{picture.name}.jpg")


def _read(path: Path) -> NormalisedPhoto:
    """Read a photo from a file.

    Raises:
        PhotoRefused: the file is not an accepted photo, or cannot be opened.
    """
    try:
        # A pipe or a device would block the import.
        if not stat.S_ISREG(path.stat().st_mode):
            raise PhotoRefused("not_a_file")
        with path.open("rb") as file:
            # One byte more than the limit is enough to see that a file is too large.
            data = file.read(LARGEST_RAW + 1)
    except OSError as error:
        raise PhotoRefused("unreadable") from error
    return normalise(data, path.name)


def _first_visit(folder: Path, visited: set[tuple[int, int]]) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False
    key = (status.st_dev, status.st_ino)
    if key in visited:
        return False
    visited.add(key)
    return True


def _label(path: Path, root: Path) -> str:
    """The file's path relative to the folder, safe to print."""
    parts = path.relative_to(root).parts if path != root else (path.name,)
    return "/".join(display_name(part) for part in parts)
