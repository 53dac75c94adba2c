"""Writes of downloads: asked for, packed, fetched by a signed link, deleted after a day."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypedDict
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from ratings import jobs
from ratings.albums import selectors as albums
from ratings.downloads import selectors
from ratings.downloads.models import Download
from ratings.errors import NotSignedIn, RatingError
from ratings.photos import files
from ratings.photos.selectors import photos_by_id
from ratings.raters.models import Rater
from ratings.uploads import quotas
from ratings.uploads.selectors import originals_of

KEPT_HOURS = 24
LINK_SECONDS = 6 * 3600
MOST_UNFINISHED = 2  # of one rater
MOST_KEPT = 3
SALT = "ratings.downloads.link"
PER_PHOTO = 10_000  # bytes reckoned for names, packets and sidecars

# Stored untranslated; translated where it is shown.
TOO_LONG = gettext_noop("It was not finished within a day, so it was stopped. Ask for it again.")
NO_DISK = gettext_noop("The disk of this PAV is full. Ask for it again later, or for fewer photos.")
NOTHING_LEFT = gettext_noop("None of these photos is there any more.")

State = Download.State


class Choices(TypedDict):
    """What is packed, and how; as stored in `Download.choices`."""

    size: Literal["originals", "reduced"]  # reduced: at most 2048 pixels
    stars: Literal["embedded", "sidecars", "none"]  # embedded: into JPEG copies, sidecars beside all others
    sidecar_names: Literal["stem", "whole"]  # IMG.xmp, or IMG.jpg.xmp
    shares: list[int]  # per cent of 5, 4, 3, 2 and 1 stars
    reject: bool
    label: bool
    keywords: bool
    without_place: bool
    csv: bool


class NoPhotos(RatingError):
    status = 422
    sentence = _("Choose at least one photo.")


class BadShares(RatingError):
    status = 422
    sentence = _("The five shares must add up to 100 per cent.")


class TooManyDownloads(RatingError):
    status = 429
    sentence = _("Two ZIPs of yours are being packed already. Wait for them, or stop one.")


class NoSuchDownload(RatingError):
    status = 404
    sentence = _("This download is gone: ZIPs are kept for a day. Ask for it again.")


def request_download(*, owner_id: UUID, album_id: UUID, photo_ids: Sequence[int] | None, choices: Choices) -> Download:
    """Ask for a ZIP of an album's photos, all or some.

    Raises:
        UnknownAlbum, NoPhotos, BadShares, TooManyDownloads, NoRoom: each says what to do.
        NotSignedIn: this rater has been deleted.
    """
    albums.album_of(owner_id, album_id)
    if sum(choices["shares"]) != 100 or min(choices["shares"]) < 0 or len(choices["shares"]) != 5:
        raise BadShares
    photos = selectors.in_order(owner_id, album_id, photo_ids)
    if not photos:
        raise NoPhotos
    size = _reckoned(owner_id, photos, choices)
    with transaction.atomic():
        quotas.lock()
        if Rater.objects.select_for_update(no_key=True).filter(id=owner_id).first() is None:
            raise NotSignedIn
        if selectors.unfinished(owner_id) >= MOST_UNFINISHED:
            raise TooManyDownloads
        kept = Download.objects.filter(_finished(), owner=owner_id).order_by("-created_at").values_list("id", flat=True)
        Download.objects.filter(id__in=list(kept[MOST_KEPT - 1 :])).delete()
        quotas.check_free(size)
        row = Download.objects.create(
            owner_id=owner_id, album_id=album_id, photos=photos, choices=choices, size_bytes=size, step_at=timezone.now()
        )
        transaction.on_commit(lambda: jobs.request_download(row.id))
    return row


def delete(*, owner_id: UUID, download_id: UUID) -> None:
    """Stop a download, or delete its ZIP.

    Raises:
        NoSuchDownload: there is none.
    """
    if not Download.objects.filter(id=download_id, owner=owner_id).delete()[0]:
        raise NoSuchDownload


def under_way(download_id: UUID) -> Download | None:
    """The download, unless it is finished or deleted."""
    return Download.objects.filter(_unfinished(), id=download_id).first()


def store_progress(row: Download) -> bool:
    """Store how far a download is; False where it was deleted or finished meanwhile."""
    same = Download.objects.filter(_unfinished(), id=row.id)
    return bool(
        same.update(state=State.RUNNING, done_count=row.done_count, left_out=row.left_out, reduced=row.reduced, step_at=timezone.now())
    )


def finish(row: Download, *, size_bytes: int = 0, problem: str = "") -> bool:
    """The ZIP is packed, or cannot be; False where the download was deleted or finished meanwhile."""
    state = State.FAILED if problem else State.DONE
    return bool(Download.objects.filter(_unfinished(), id=row.id).update(state=state, size_bytes=size_bytes, problem=problem))


def requeue_lost(*, waiting_seconds: float) -> None:
    """Queue downloads again whose worker died; after a day one has failed."""
    now = timezone.now()
    for row in Download.objects.filter(_unfinished(), created_at__lt=now - timedelta(hours=KEPT_HOURS)):
        finish(row, problem=TOO_LONG)
    for row in Download.objects.filter(_unfinished(), step_at__lt=now - timedelta(seconds=waiting_seconds)):
        if Download.objects.filter(id=row.id, step_at=row.step_at).update(step_at=now):
            jobs.request_download(row.id)


def delete_old() -> None:
    """Delete downloads, with their ZIPs, that were asked for more than a day ago."""
    Download.objects.filter(created_at__lt=timezone.now() - timedelta(hours=KEPT_HOURS + 1)).delete()


def remove_strays() -> int:
    """Delete files of downloads that are gone, such as of a worker that died while its download was deleted. Returns how many."""
    # The disk is read first: what is packed meanwhile has its row by then.
    found = [place for place in _root().iterdir() if place.suffix in (".zip", ".part")]
    known = {str(row) for row in Download.objects.values_list("id", flat=True)}
    strays = [place for place in found if place.stem not in known]
    for place in strays:
        place.unlink(missing_ok=True)
    return len(strays)


def archive(download_id: UUID) -> Path:
    """The ZIP."""
    return _root() / f"{download_id}.zip"


def unfinished_archive(download_id: UUID) -> Path:
    """The ZIP while it is packed."""
    return archive(download_id).with_suffix(".part")


def link(row: Download) -> str:
    """The last part of the address of a ZIP: it works for its owner, for some hours."""
    return signing.dumps([str(row.id), str(row.owner_id)], salt=SALT)


def open_archive(owner_id: UUID | None, ticket: str) -> tuple[Download, BinaryIO]:
    """The download that a link of this rater leads to, and its ZIP.

    Raises:
        NoSuchDownload: the link is expired, altered or another rater's, or the ZIP is gone. Strangers learn no more than that.
    """
    try:
        download_id, whose = signing.loads(ticket, salt=SALT, max_age=LINK_SECONDS)
    except (signing.BadSignature, ValueError) as error:
        raise NoSuchDownload from error
    row = selectors.download_of(owner_id, UUID(download_id))
    if row is None or whose != str(owner_id) or row.state != State.DONE:
        raise NoSuchDownload
    try:
        return row, archive(row.id).open("rb")
    except FileNotFoundError as error:
        raise NoSuchDownload from error


def _reckoned(owner_id: UUID, photo_ids: Sequence[int], choices: Choices) -> int:
    """About how many bytes a ZIP takes, rather more than less."""
    originals = originals_of(owner_id, photo_ids) if choices["size"] == "originals" else {}
    size = PER_PHOTO * len(photo_ids)
    for photo in photos_by_id(photo_ids).values():
        kept = [one.size_bytes for one in originals.get(photo.id, []) if one.file]
        master = files.path(photo, files.MASTER)
        size += sum(kept) if kept else master.stat().st_size if master.exists() else 0
    return size


@receiver(post_delete, sender=Download)
def _remove_files(instance: Download, **_signal: Any) -> None:
    """However a download is deleted, its files are removed after commit."""
    download_id = instance.id  # Django takes it from the row once it is deleted
    transaction.on_commit(lambda: remove_files(download_id))


def remove_files(download_id: UUID) -> None:
    for path in (archive(download_id), unfinished_archive(download_id)):
        path.unlink(missing_ok=True)


def _root() -> Path:
    """Where ZIPs lie. Other users of the machine have no access."""
    root = Path(settings.DOWNLOADS_ROOT)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _unfinished() -> Q:
    return Q(state__in=[State.WAITING, State.RUNNING])


def _finished() -> Q:
    return Q(state__in=[State.DONE, State.FAILED])
