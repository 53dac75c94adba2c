"""Writes of uploads: begun, received, claimed by a worker, done or refused, dismissed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ratings import jobs
from ratings.albums import selectors as albums
from ratings.albums import services as album_services
from ratings.errors import NotSignedIn, RatingError
from ratings.photos import files
from ratings.photos.intake import LARGEST_FILE
from ratings.photos.models import Photo
from ratings.photos.names import display_name
from ratings.photos.raw_previews import LARGEST_RAW, is_raw_name
from ratings.photos.refusals import PhotoRefused
from ratings.raters.models import Rater
from ratings.uploads import partials, quotas
from ratings.uploads.models import Original, Upload

MOST_ATTEMPTS = 2
KEPT_HOURS = 24  # unfinished uploads, and the list of finished ones
MOST_REFUSED = 1000  # that stay listed for one rater
READING_LOCK = 0x55505C  # class of the advisory locks of uploads that a worker reads
OWNER_LOCK = READING_LOCK + 1  # of owners whose photos a worker stores

State = Upload.State


class NoSuchUpload(RatingError):
    status = 404
    sentence = _("This upload is gone. Send the file again.")


def begin(*, owner_id: UUID, album_id: UUID, name: str, size_bytes: int) -> Upload:
    """Reserve space for a file that is about to be sent.

    Raises:
        UnknownAlbum: the rater has no such album.
        PhotoRefused: the file is empty, or longer than a file of its name may be.
        NoRoom: it does not fit; the sentence has the numbers.
        NotSignedIn: this rater has been deleted.
    """
    if size_bytes == 0:
        raise PhotoRefused("empty")
    most = LARGEST_RAW if is_raw_name(name) else LARGEST_FILE
    if size_bytes > most:
        raise PhotoRefused("file_too_large", {"megabytes": f"{size_bytes / 2**20:.1f}", "limit": str(most // 2**20)})
    with transaction.atomic():
        quotas.lock()
        if not Rater.objects.filter(id=owner_id).exists():
            raise NotSignedIn
        albums.album_of(owner_id, album_id)
        quotas.check(owner_id, size_bytes)
        return Upload.objects.create(owner_id=owner_id, album_id=album_id, name=display_name(name), size_bytes=size_bytes)


def finish_receiving(upload_id: UUID) -> bool:
    """All bytes of an upload are on the disk: a worker may take it in. False where that was known, or it is gone."""
    waiting = Upload.objects.filter(id=upload_id, state=State.SENDING)
    received = bool(waiting.update(state=State.WAITING, received_at=timezone.now()))
    if received:
        jobs.request_intake()
    return received


def cancel(*, owner_id: UUID, upload_id: UUID) -> None:
    """Forget an upload that its owner no longer wants to send. One that a worker reads already is taken in.

    Raises:
        NoSuchUpload: there is none.
    """
    if not Upload.objects.filter(id=upload_id, owner=owner_id, state__in=(State.SENDING, State.WAITING)).delete()[0]:
        raise NoSuchUpload


def dismiss(*, owner_id: UUID, album_id: UUID, upload_ids: Sequence[UUID] | None = None) -> int:
    """Take refused files off the list of an album, all or some; returns how many."""
    refused = Upload.objects.filter(owner=owner_id, album=album_id, state=State.REFUSED)
    return (refused if upload_ids is None else refused.filter(id__in=upload_ids)).delete()[0]


def add_known(*, owner_id: UUID, album_id: UUID, hashes: Sequence[str]) -> dict[str, int]:
    """Add the photos to an album that the rater brought before, by hashes of their files: hash -> photo id. They need not be sent again.

    A file whose photo is lost, or that the album would keep and nobody has kept, must be sent.

    Raises:
        UnknownAlbum: the rater has no such album.
    """
    album = albums.album_of(owner_id, album_id)
    found = Original.objects.filter(owner=owner_id, sha256__in=hashes).select_related("photo")
    found = found.exclude(file="") if album.keeps_originals else found
    known = {original.sha256: original.photo_id for original in found if files.is_readable(original.photo)}
    bring_into(owner_id=owner_id, album_id=album_id, photo_ids=list(known.values()))
    return known


def note_sidecars(*, owner_id: UUID, album_id: UUID, stars: Mapping[str, int]) -> None:
    """Note stars from files beside the photos, by the name that a photo was brought with, or that name without extension.

    They replace the stars inside the photo's file: programs that write sidecars leave those as they were. A name of several photos says
    nothing.
    """
    wanted = {display_name(name).lower(): number for name, number in stars.items()}
    found: dict[str, set[int]] = {}
    brought = Original.objects.filter(owner=owner_id, photo__albumphoto__album=album_id)
    for photo, name, stem in brought.values_list("photo", "name", "stem"):
        for known in {name.lower(), stem} & wanted.keys():
            found.setdefault(known, set()).add(photo)
    for name, photos in found.items():
        if len(photos) == 1:
            Photo.objects.filter(id__in=photos, owner=owner_id).update(file_rating=wanted[name])


def bring_into(*, owner_id: UUID, album_id: UUID, photo_ids: Sequence[int]) -> None:
    """Own photos are in an album from now on; bringing one again takes it out of the bin.

    Raises:
        UnknownAlbum: the album is gone.
    """
    with transaction.atomic():
        album_services.add_photos(owner_id=owner_id, album_id=album_id, photo_ids=photo_ids)
        album_services.restore_photos(owner_id=owner_id, photo_ids=photo_ids)


def claim_next(*, again: bool = False) -> Upload | None:
    """The next upload to read, for this worker alone: of the owner who was served least recently, the one that has waited longest.

    With `again`, of those alone whose worker died while it read them; else of the others.
    """
    with transaction.atomic():
        served = (
            Upload.objects.filter(owner=OuterRef("owner"), read_at__isnull=False).order_by().values("owner").annotate(last=Max("read_at"))
        )
        waiting = Upload.objects.filter(Q(attempts__gt=0) if again else Q(attempts=0), state=State.WAITING)
        waiting = waiting.annotate(served=Subquery(served.values("last")))
        found = waiting.order_by(F("served").asc(nulls_first=True), "received_at", "id").select_for_update(skip_locked=True, of=("self",))
        upload = found.first()
        if upload is None:
            return None
        Upload.objects.filter(id=upload.id).update(state=State.READING, attempts=F("attempts") + 1, read_at=timezone.now())
    upload.attempts += 1
    return upload


def put_back(upload: Upload) -> None:
    """An upload could not be stored for no fault of its own, such as a full disk: it waits again."""
    Upload.objects.filter(id=upload.id, state=State.READING).update(state=State.WAITING, attempts=F("attempts") - 1)


def refuse(upload: Upload, refusal: PhotoRefused) -> None:
    """A file is no photo: its bytes go, and it is listed with the reason until it is dismissed."""
    with transaction.atomic():
        Upload.objects.filter(id=upload.id).update(state=State.REFUSED, reason=refusal.code, reason_values=refusal.values)
        refused = Upload.objects.filter(owner=upload.owner_id, state=State.REFUSED).order_by("-created_at")
        beyond = refused[MOST_REFUSED : MOST_REFUSED + 1].values_list("created_at", flat=True)
        if beyond:
            refused.filter(created_at__lte=beyond[0]).delete()
        transaction.on_commit(lambda: partials.remove(upload.id))


def store_done(upload: Upload, photo: Photo, *, was_known: bool) -> None:
    """A file is a photo of the album. Its bytes go, unless they were kept as the photo's original."""
    Upload.objects.filter(id=upload.id).update(state=State.DONE, photo=photo, was_known=was_known)
    partials.remove(upload.id)


def requeue_lost() -> bool:
    """Bring uploads forward whose worker or request died; True if uploads wait for a worker.

    One whose bytes are whole counts as received. One that no worker reads any more waits again, or is refused after the second time.
    """
    for upload in Upload.objects.filter(state=State.SENDING).only("id", "size_bytes"):
        if partials.offset(upload.id) >= upload.size_bytes:
            finish_receiving(upload.id)
    for upload in Upload.objects.filter(state=State.READING):
        if _is_read(upload.id):
            continue
        if upload.attempts >= MOST_ATTEMPTS:
            refuse(upload, PhotoRefused("killed"))
        else:
            Upload.objects.filter(id=upload.id, state=State.READING, attempts=upload.attempts).update(state=State.WAITING)
    return Upload.objects.filter(state=State.WAITING).exists()


def delete_old() -> None:
    """Forget uploads that were not finished within a day, and finished ones from the list."""
    long_ago = timezone.now() - timedelta(hours=KEPT_HOURS)
    Upload.objects.filter(state=State.SENDING, created_at__lt=long_ago).delete()
    Upload.objects.filter(state=State.DONE).annotate(last=Coalesce("read_at", "created_at")).filter(last__lt=long_ago).delete()


def reading(upload_id: UUID) -> AbstractContextManager[None]:
    """Other processes know that this one reads an upload."""
    return _locked(READING_LOCK, upload_id)


def alone(owner_id: UUID) -> AbstractContextManager[None]:
    """Nobody else stores photos of this owner meanwhile."""
    return _locked(OWNER_LOCK, owner_id)


@contextmanager
def _locked(kind: int, row_id: UUID) -> Iterator[None]:
    """Until the end of the block, or of this process, with which its connection to PostgreSQL ends."""
    _lock("pg_advisory_lock", kind, row_id)
    try:
        yield
    finally:
        _lock("pg_advisory_unlock", kind, row_id)


def _is_read(upload_id: UUID) -> bool:
    free = _lock("pg_try_advisory_lock", READING_LOCK, upload_id)
    if free:
        _lock("pg_advisory_unlock", READING_LOCK, upload_id)
    return not free


def _lock(function: str, kind: int, row_id: UUID) -> object:
    key = int.from_bytes(row_id.bytes[:4], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [kind, key])
        return (cursor.fetchone() or (None,))[0]


@receiver(post_delete, sender=Upload)
def _remove_bytes(instance: Upload, **_signal: Any) -> None:
    """However an upload is deleted, alone, with its album or its owner, its bytes go after commit."""
    upload_id = instance.id  # Django takes it from the row once it is deleted
    transaction.on_commit(lambda: partials.remove(upload_id))
