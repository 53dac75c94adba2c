"""Photo import of the demo: in a background thread, each file once."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext, ngettext

from pav_site.environment import BASE
from personalize.files import atomic_files
from personalize.scorers.freed_memory import return_freed_memory

if TYPE_CHECKING:
    from ratings.photos.drawn.catalogue import Picture
    from ratings.photos.importing import Candidate

DRAWERS = 2
"""Processes that draw sample pictures. They yield to all others, and end when the launcher does."""

FULL_BYTES = 50 * 2**20  # with less space left, a full disk is what stopped an import

POLL_SECONDS = 0.1  # while a picture is being drawn
SAVE_SECONDS = 2  # between two times that the imported files are written down


DRAWN = "drawn "
"""Start of the keys of drawn pictures in the record of imported files."""


class PhotoImport(threading.Thread):
    """Imports the samples, or all photos in a folder, except those that an earlier start imported."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__(name="import", daemon=True)
        self.folder = folder
        self.done = 0
        self.total: int | None = None  # None until the files are counted
        self._messages: list[str] = []

    def run(self) -> None:
        try:
            self._import()
        except Exception as error:  # a thread that fails silently would leave the user waiting forever
            is_full = shutil.disk_usage(settings.VAR).free < FULL_BYTES
            advice = f"the disk is full. Free some space in {settings.VAR}, then" if is_full else f"{error} To continue it,"
            self._messages.append(f"The import stopped: {advice} start the demo again.")
        finally:
            connections.close_all()
            return_freed_memory()

    def messages(self) -> Iterator[str]:
        """Lines to print, each once."""
        while self._messages:
            yield self._messages.pop(0)

    def _import(self) -> None:
        from ratings.photos import importing  # models cannot be imported before Django is set up

        imported = ImportedFiles(settings.VAR / "imported.json")
        fresh = {key: candidate for key, candidate in self._candidates() if key not in imported.keys}
        keys = {candidate.label: key for key, candidate in fresh.items()}
        self.total = len(fresh)

        def record(candidate: "Candidate", stored: bool) -> None:
            self.done += 1
            if stored:
                imported.add(keys[candidate.label])

        try:
            with self._drawing(any(key.startswith(DRAWN) for key in fresh)):
                report = importing.import_all(fresh.values(), done=record)
        finally:
            imported.save()
        if refused := dict(report.refused):
            count = len(refused)
            self._messages.append(ngettext("%(n)s file was not imported:", "%(n)s files were not imported:", count) % {"n": count})
            self._messages += [f"  {label}: {refusal.sentence(gettext)}" for label, refusal in refused.items()]
        if self.folder and not self.done:
            self._messages.append(f"There are no new photos in {self.folder}.")

    def _candidates(self) -> "Iterator[tuple[str, Candidate]]":
        from ratings.photos import importing, samples

        if self.folder is None:
            from ratings.photos.drawn.catalogue import pictures

            for candidate in importing.from_samples(samples.samples()):
                yield f"sample {candidate.label}", candidate
            for candidate in importing.from_drawn(pictures(), self._wait_for):
                yield f"{DRAWN}{candidate.label}", candidate
            return
        for path, candidate in zip(importing.files_in(self.folder), importing.from_folder(self.folder, importing.About()), strict=True):
            yield _file_version(path), candidate

    @contextmanager
    def _drawing(self, needed: bool) -> Iterator[None]:
        """Processes that draw the pictures while others are imported: in threads of this one they would hold up the launcher."""
        command = [sys.executable, str(BASE / "manage.py"), "draw_samples", "--with-parent", "--parts", str(DRAWERS)]
        log = settings.VAR / "logs" / "draw.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._drawers = [
                subprocess.Popen(
                    [*command, "--part", str(part)], stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
                )
                for part in range(1, DRAWERS + 1)
                if needed
            ]
        yield
        for process in self._drawers:
            process.wait()

    def _wait_for(self, picture: "Picture") -> bytes:
        from ratings.photos.drawn import store

        place = store.path(picture)
        while not place.exists():
            ended = [process.poll() for process in self._drawers]
            if (any(ended) or None not in ended) and not place.exists():  # one failed, or all are done
                raise OSError(f"{place.name} could not be drawn; {settings.VAR / 'logs' / 'draw.log'} says why.")
            time.sleep(POLL_SECONDS)
        return place.read_bytes()


class ImportedFiles:
    """Record of the imported files. Without it, every start would read hundreds of known photos for minutes.

    It is written every few seconds, since the demo may be stopped during an import.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved_at = time.monotonic()
        self.keys: set[str] = set(json.loads(path.read_text())) if path.exists() else set()

    def add(self, key: str) -> None:
        self.keys.add(key)
        if time.monotonic() > self._saved_at + SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        atomic_files.write_text(self._path, json.dumps(sorted(self.keys), indent=0))
        self._saved_at = time.monotonic()


def _file_version(path: Path) -> str:
    """A key of a file's current content: path, size and time. A replaced file gets another key and is imported."""
    try:
        stat = path.stat()
    except OSError:
        return str(path)
    return f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
