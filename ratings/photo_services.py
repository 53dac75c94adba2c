"""Writes of photos: from bytes to files and a row. Reading the photo and writing its files stand outside of any transaction."""

import base64
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from ratings import jobs, media, selectors
from ratings.intake import NormalisedPhoto, normalise
from ratings.models import Description, Person, Photo


@dataclass(frozen=True)
class About:
    """What is told about a photo; everything may be empty."""

    alt: str = ""  # what is to be seen
    credit: str = ""
    licence: str = ""
    licence_url: str = ""
    source: str = ""  # where it was found


@dataclass(frozen=True)
class Progress:
    """How far the photos are."""

    total: int
    described: int  # by the current bank: these can be dealt and ranked


def add_photo(
    *,
    data: bytes,
    name: str,
    credit: str = "",
    licence: str = "",
    licence_url: str = "",
    source: str = "",
    alt: str = "",
    owner: Person | None = None,
) -> Photo:
    """Take a photo from the bytes of a file; the same photo again is the same row. Without an owner it belongs to everybody's catalogue.

    Raises:
        PhotoRefused: with a sentence for whoever brought it.
    """
    about = About(alt, credit, licence, licence_url, source)
    photo, _ = add_normalised(photo=normalise(data, name), about=about, owner_id=owner.id if owner else None)
    return photo


def add_normalised(*, photo: NormalisedPhoto, about: About, owner_id: UUID | None = None) -> tuple[Photo, bool]:
    """Store a photo that has been read already: (its row, whether it is new). Its description is asked for after commit.

    Files come before the row: a crash in between leaves files that nobody points to and that the next import uses, never a row without
    its files. What was told about a photo at first stays when it is brought again.
    """
    media.store_files(photo)
    with transaction.atomic():
        _lock_files(photo.sha256)
        # Nearly always there by now; missing only where the last other photo with these pixels has just been deleted.
        media.store_files(photo)
        row, is_new = Photo.objects.get_or_create(
            owner_id=owner_id,
            sha256=photo.sha256,
            defaults={
                "name": photo.name,
                "content_hash": photo.sha256[:16],
                "width": photo.width,
                "height": photo.height,
                "thumbhash": base64.b64encode(photo.thumbhash).decode(),
                **_fitting(about),
            },
        )
        if is_new:
            transaction.on_commit(lambda: jobs.request_description(row.id))
    return row, is_new


@receiver(post_delete, sender=Photo)
def _photo_deleted(instance: Photo, **_signal: object) -> None:
    """However a photo goes (by hand, or with its owner), its files go after commit."""
    transaction.on_commit(lambda: remove_files(sha256=instance.sha256))


def remove_files(*, sha256: str) -> None:
    """Delete the files of a photo, unless another row has the same pixels."""
    with transaction.atomic():
        _lock_files(sha256)
        if not Photo.objects.filter(sha256=sha256).exists():
            media.remove_files(sha256)


def _lock_files(sha256: str) -> None:
    """Until the end of the transaction nobody else may store or remove photos with these pixels."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(sha256[:15], 16)])


def stats() -> Progress:
    """All photos, of whomever, and how many of them the current bank has described."""
    return Progress(Photo.objects.count(), Description.objects.filter(bank=selectors.current_bank()).count())


def _fitting(about: About) -> dict[str, str]:
    """Texts cut to the length of their columns."""
    longest = {field.name: field.max_length for field in Photo._meta.fields}
    return {name: text[: longest[name]] for name, text in vars(about).items()}
