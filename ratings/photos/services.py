"""Writes of photos: files and rows. Decoding and writing files happen outside transactions where possible."""

import base64
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from ratings import jobs
from ratings.errors import RatingError
from ratings.photos import files
from ratings.photos.about import NOTHING_KNOWN, About
from ratings.photos.intake import NormalisedPhoto, normalise
from ratings.photos.models import Photo, PhotoView
from ratings.raters.models import Rater

logger = logging.getLogger(__name__)


def add_photo(*, data: bytes, name: str, owner: Rater | None = None, **about: str) -> Photo:
    """Add a photo from the bytes of a file, or return the row of the same photo. Without an owner it belongs to the shared catalogue.

    `about` are the fields of `About`.

    Raises:
        PhotoRefused: the file is not an accepted photo; the message says why.
    """
    normalised = normalise(data, name)
    if owner:
        return add_own(photo=normalised, owner_id=owner.id, about=About(**about))[0]
    return add_normalised(photo=normalised, about=About(**about))[0]


def add_normalised(*, photo: NormalisedPhoto, about: About) -> tuple[Photo, bool]:
    """Store a photo in the catalogue and return its row and whether it is new. Feature extraction is queued after commit.

    Files are written before the row: a crash in between leaves unreferenced files, which the next import uses, but never a row without
    files. A photo that is added again keeps its first metadata.
    """
    files.store_files(photo)
    with transaction.atomic():
        _lock_files(photo.sha256)
        # The files exist unless the last other photo with these pixels has just been deleted.
        files.store_files(photo)
        row, is_new = Photo.objects.get_or_create(
            owner_id=None,
            sha256=photo.sha256,
            defaults={"content_hash": photo.sha256[:16], **_columns(photo, about)},
        )
        if is_new:
            transaction.on_commit(lambda: jobs.request_features(row.id))
    return row, is_new


def add_own(
    *,
    photo: NormalisedPhoto,
    owner_id: UUID,
    about: About = NOTHING_KNOWN,
    taken_at: datetime | None = None,
    file_rating: int | None = None,
) -> tuple[Photo, bool]:
    """Store a rater's own photo, in a folder of its own, and return its row and whether it is new. Otherwise as `add_normalised`.

    A crash between files and row leaves a folder without a row, which the nightly sweep removes.
    """
    mine = Photo.objects.filter(owner=owner_id, sha256=photo.sha256)
    if (known := mine.first()) is not None:
        files.store_files(photo, files.folder(known))
        return known, False
    name = secrets.token_hex(16)
    place = files.own_folder(name)
    try:
        files.store_files(photo, place)
        with transaction.atomic():
            row = Photo.objects.create(
                owner_id=owner_id,
                sha256=photo.sha256,
                content_hash=secrets.token_hex(8),
                folder=name,
                stored_bytes=photo.size_bytes,
                taken_at=taken_at,
                file_rating=file_rating,
                **_columns(photo, about),
            )
            transaction.on_commit(lambda: jobs.request_features(row.id))
    except IntegrityError:  # the same photo was stored meanwhile, or its owner has been deleted
        files.remove_folder(place)
        known = mine.first()
        if known is None:
            raise
        return known, False
    except OSError:  # such as a full disk: nothing half-stored
        files.remove_folder(place)
        raise
    return row, True


def add_file_rating(*, photo_id: int, file_rating: int | None) -> None:
    """Note the stars of a further file of a photo, where no file has said any."""
    if file_rating is not None:
        Photo.objects.filter(id=photo_id, file_rating=None).update(file_rating=file_rating)


class NoReason(RatingError):
    status = 422
    sentence = _("Say why you open this photo. Its owner may ask.")


def open_own_photo(*, photo_id: int, user_id: int, reason: str) -> Photo | None:
    """Let an administrator look at a rater's own photo for a quarter of an hour, and log who did, and why. None where it is gone.

    Raises:
        NoReason: the reason is missing.
    """
    reason = " ".join(reason.split())[:300]
    if len(reason) < 10:
        raise NoReason
    photo = Photo.objects.filter(id=photo_id, owner__isnull=False).first()
    if photo and photo.owner_id:
        PhotoView.objects.create(photo=photo, photo_number=photo.id, owner=photo.owner_id, user_id=user_id, reason=reason)
        logger.warning("Administrator %s opened photo %s of %s: %s", user_id, photo.id, photo.owner_id, reason)
    return photo


def mark_changed(photo_ids: Sequence[int]) -> None:
    """Raise the revisions of all scopes that have some of these photos. Call in the transaction of the change, before photos go."""
    if not photo_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO ratings_catalogue AS c (id, revision)
            SELECT 1, 1 WHERE EXISTS (SELECT FROM ratings_photo WHERE id = ANY(%s) AND owner_id IS NULL)
            ON CONFLICT (id) DO UPDATE SET revision = c.revision + 1""",
            [list(photo_ids)],
        )
        # Locked in one order, so that two batches never wait for each other.
        cursor.execute(
            """WITH changed AS (SELECT id FROM ratings_album
                WHERE id IN (SELECT album_id FROM ratings_albumphoto WHERE photo_id = ANY(%s)) ORDER BY id FOR NO KEY UPDATE)
            UPDATE ratings_album SET revision = revision + 1 FROM changed WHERE ratings_album.id = changed.id""",
            [list(photo_ids)],
        )


@receiver(pre_delete, sender=Photo)
def _photo_goes(instance: Photo, **_signal: object) -> None:
    mark_changed([instance.id])


@receiver(post_delete, sender=Photo)
def _photo_deleted(instance: Photo, **_signal: object) -> None:
    """Remove the files after commit, whether a photo is deleted on its own or with its owner."""
    if instance.folder:
        transaction.on_commit(lambda: files.remove_folder(files.folder(instance)))
    else:
        transaction.on_commit(lambda: remove_files(sha256=instance.sha256))


def remove_files(*, sha256: str) -> None:
    """Delete the files of a photo in the catalogue, unless another row has the same pixels in the same folder."""
    with transaction.atomic():
        _lock_files(sha256)
        if not Photo.objects.filter(sha256=sha256, folder="").exists():
            files.remove_folder(files.shared_folder(sha256))


def _lock_files(sha256: str) -> None:
    """Until the end of the transaction, no other transaction can store or remove photos with these pixels."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(sha256[:15], 16)])


def _columns(photo: NormalisedPhoto, about: About) -> dict[str, object]:
    return {
        "name": photo.name,
        "width": photo.width,
        "height": photo.height,
        "thumbhash": base64.b64encode(photo.thumbhash).decode(),
        **_truncated(about),
    }


def _truncated(about: About) -> dict[str, str]:
    """The metadata, truncated to the lengths of the columns."""
    longest = {field.name: field.max_length for field in Photo._meta.fields}
    return {name: text[: longest[name]] for name, text in vars(about).items()}
