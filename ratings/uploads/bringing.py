"""Bringing files of this machine into an album, for the command `import_photos --album`."""

import os
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ratings.albums.selectors import shelves
from ratings.albums.services import create_album
from ratings.errors import RatingError
from ratings.photos.importing import Report
from ratings.photos.names import display_name
from ratings.photos.raw_previews import LARGEST_RAW
from ratings.photos.refusals import PhotoRefused
from ratings.uploads import partials, quotas, taking_in


class NoSuchOwner(RatingError):
    status = 404
    sentence = _("There is no account of this address or name that has opened PAV. Sign up first.")


def bring_all(*, album: str, owner: str, paths: Iterable[Path], done: Callable[[], object] = lambda: None) -> Report:
    """Take files in as photos of an account's album, which is made where there is none. Refused files are reported, and the rest goes on.

    Raises:
        NoSuchOwner: there is no such account.
        NoName: the album's name is empty.
        NoRoom: a quota, or the disk, is full; what came before stays.
        OSError: a photo cannot be stored.
    """
    owner_id = _owner(owner)
    album_id = next((shelf.album.id for shelf in shelves(owner_id) if shelf.album.name == album), None)
    album_id = album_id or create_album(owner_id=owner_id, name=album).id
    report = Report()
    for path in paths:
        try:
            taken = _take_in(owner_id, album_id, path)
        except PhotoRefused as refusal:
            report.refused.append((display_name(path.name), refusal))
        else:
            report.added += not taken.was_known
            report.known += taken.was_known
        done()
    return report


def _owner(owner: str) -> UUID:
    users = get_user_model().objects.filter(Q(email__iexact=owner) | Q(username=owner), rater__isnull=False)
    found = users.values_list("rater", flat=True).first()
    if found is None:
        raise NoSuchOwner
    return UUID(str(found))


def _take_in(owner_id: UUID, album_id: UUID, path: Path) -> taking_in.TakenIn:
    """Take in one file. An original that is kept is a copy: the folder stays as it is."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device would block
            raise PhotoRefused("not_a_file")
        with path.open("rb") as file:
            data = file.read(LARGEST_RAW + 1)
    except OSError as error:
        raise PhotoRefused("unreadable") from error
    quotas.check(owner_id, len(data))
    copy = partials.path(uuid4())
    try:
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o600)
        return taking_in.take_in(owner_id=owner_id, album_id=album_id, name=display_name(path.name), data=data, source=copy)
    finally:
        copy.unlink(missing_ok=True)
