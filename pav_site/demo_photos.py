"""The photos of a demo: imported beside everything else, and each only once."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections
from django.utils.translation import gettext, ngettext

if TYPE_CHECKING:
    from ratings.photos.importing import Candidate


class PhotoImport(threading.Thread):
    """Imports what earlier starts have not imported: the samples, or everything in a folder."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__(name="import", daemon=True)
        self.folder = folder
        self.done = 0
        self.total: int | None = None  # None until the files are counted
        self._news: list[str] = []

    def run(self) -> None:
        try:
            self._import()
        except Exception as error:  # a thread that died in silence would leave people waiting for ever
            self._news.append(f"The import stopped: {error} Start the demo again to go on with it.")
        finally:
            connections.close_all()

    def news(self) -> Iterator[str]:
        """Lines for people, each once."""
        while self._news:
            yield self._news.pop(0)

    def _import(self) -> None:
        from ratings.photos import importing  # models cannot be imported before Django is set up

        imported = Ledger(settings.VAR / "imported.json")
        fresh = {key: candidate for key, candidate in self._candidates() if key not in imported.keys}
        self.total = len(fresh)
        report = importing.import_all(fresh.values(), done=self._count)
        refused = dict(report.refused)
        imported.add({key for key, candidate in fresh.items() if candidate.label not in refused})
        if refused:
            count = len(refused)
            self._news.append(ngettext("%(n)s file was not imported:", "%(n)s files were not imported:", count) % {"n": count})
            self._news += [f"  {label}: {refusal.sentence(gettext)}" for label, refusal in refused.items()]
        if self.folder and not self.done:
            self._news.append(f"There is no new photo in {self.folder}.")

    def _candidates(self) -> "Iterator[tuple[str, Candidate]]":
        from ratings.photos import importing, samples

        if self.folder is None:
            for candidate in importing.from_samples(samples.samples()):
                yield f"sample {candidate.label}", candidate
            return
        for path, candidate in zip(importing.files_in(self.folder), importing.from_folder(self.folder, importing.About()), strict=True):
            yield _version(path), candidate

    def _count(self, _label: str) -> None:
        self.done += 1


class Ledger:
    """Which files have been imported: reading 130 photos again only to find them known would take a minute at every start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.keys: set[str] = set(json.loads(path.read_text())) if path.exists() else set()

    def add(self, keys: set[str]) -> None:
        self.keys |= keys
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(sorted(self.keys), indent=0))
        fresh.replace(self._path)


def _version(path: Path) -> str:
    """Names a file as it is now: another file under the same name is another photo."""
    try:
        stat = path.stat()
    except OSError:
        return str(path)
    return f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
