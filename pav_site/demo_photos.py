"""Photo import of the demo: in a background thread, each file once."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext, ngettext

from personalize.files import atomic_files

if TYPE_CHECKING:
    from ratings.photos.importing import Candidate


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
            self._messages.append(f"The import stopped: {error} To continue it, start the demo again.")
        finally:
            connections.close_all()

    def messages(self) -> Iterator[str]:
        """Lines to print, each once."""
        while self._messages:
            yield self._messages.pop(0)

    def _import(self) -> None:
        from ratings.photos import importing  # models cannot be imported before Django is set up

        imported = ImportedFiles(settings.VAR / "imported.json")
        fresh = {key: candidate for key, candidate in self._candidates() if key not in imported.keys}
        self.total = len(fresh)
        report = importing.import_all(fresh.values(), done=self._count)
        refused = dict(report.refused)
        imported.add({key for key, candidate in fresh.items() if candidate.label not in refused})
        if refused:
            count = len(refused)
            self._messages.append(ngettext("%(n)s file was not imported:", "%(n)s files were not imported:", count) % {"n": count})
            self._messages += [f"  {label}: {refusal.sentence(gettext)}" for label, refusal in refused.items()]
        if self.folder and not self.done:
            self._messages.append(f"There are no new photos in {self.folder}.")

    def _candidates(self) -> "Iterator[tuple[str, Candidate]]":
        from ratings.photos import importing, samples

        if self.folder is None:
            for candidate in importing.from_samples(samples.samples()):
                yield f"sample {candidate.label}", candidate
            return
        for path, candidate in zip(importing.files_in(self.folder), importing.from_folder(self.folder, importing.About()), strict=True):
            yield _file_version(path), candidate

    def _count(self, _label: str) -> None:
        self.done += 1


class ImportedFiles:
    """Record of the imported files. Without it, every start would spend a minute on reading 130 known photos."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.keys: set[str] = set(json.loads(path.read_text())) if path.exists() else set()

    def add(self, keys: set[str]) -> None:
        self.keys |= keys
        atomic_files.write_text(self._path, json.dumps(sorted(self.keys), indent=0))


def _file_version(path: Path) -> str:
    """A key of a file's current content: path, size and time. A replaced file gets another key and is imported."""
    try:
        stat = path.stat()
    except OSError:
        return str(path)
    return f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
