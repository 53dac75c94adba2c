"""Static file storage with content hashes in file names: browsers can cache files forever and never mix versions."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

from personalize.files import atomic_files


class PageFiles(CompressedManifestStaticFilesStorage):
    """Replaces the names in JavaScript imports too, so that a module imports exactly the versions it was deployed with."""

    support_js_module_import_aggregation = True


def collect() -> None:
    """Collect the static files, unless they are those of the last time: hashing and packing them takes two seconds."""
    place, found = Path(settings.STATIC_ROOT) / "collected", _fingerprint()
    if place.exists() and place.read_text() == found:
        return
    call_command("collectstatic", verbosity=0, interactive=False)
    atomic_files.write_text(place, found)


def _fingerprint() -> str:
    """A hash of names, sizes and times of all static files."""
    digest = hashlib.sha256()
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            facts = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
