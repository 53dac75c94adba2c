"""Reads of uploads."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Sum

from ratings.photos.models import Photo
from ratings.uploads.models import Original, Upload

MOST_LISTED = 200
OPEN_STATES = (Upload.State.SENDING, Upload.State.WAITING, Upload.State.READING)


@dataclass(frozen=True)
class UploadList:
    """What is known of an album's uploads: how many wait for a worker, and the newest refused ones."""

    waiting: int
    refused_count: int
    refused: list[Upload]


def upload_of(owner_id: UUID | None, upload_id: UUID) -> Upload | None:
    """An upload of this rater; None where there is none, or it belongs to somebody else."""
    return Upload.objects.filter(id=upload_id, owner=owner_id).first() if owner_id else None


def uploads_of(owner_id: UUID, album_id: UUID) -> UploadList:
    """The uploads of an album that are not photos yet."""
    mine = Upload.objects.filter(owner=owner_id, album=album_id)
    refused = mine.filter(state=Upload.State.REFUSED)
    waiting = mine.filter(state__in=(Upload.State.WAITING, Upload.State.READING)).count()
    return UploadList(waiting, refused.count(), list(refused.order_by("-created_at", "id")[:MOST_LISTED]))


def originals_of(owner_id: UUID, photo_ids: Sequence[int]) -> dict[int, list[Original]]:
    """The files that these photos were brought as, by photo: those that are not raw first."""
    found: dict[int, list[Original]] = {}
    for original in Original.objects.filter(owner=owner_id, photo__in=photo_ids).select_related("photo").order_by("is_raw", "id"):
        found.setdefault(original.photo_id, []).append(original)
    return found


def file_ratings(owner_id: UUID, album_id: UUID) -> dict[int, int]:
    """Stars that files of an album brought along, -1 to 5, of photos that the rater has not rated."""
    photos = Photo.objects.filter(owner=owner_id, albumphoto__album=album_id, binned_at=None, file_rating__isnull=False)
    unrated = photos.exclude(presentation__rater=owner_id, presentation__rated_at__isnull=False)
    return {photo: stars for photo, stars in unrated.values_list("id", "file_rating") if stars}


def storage_by_owner() -> list[tuple[UUID, int, int]]:
    """Owners of own photos, with counts and bytes: what administrators see."""
    sums = Photo.objects.filter(owner__isnull=False).values("owner").annotate(count=Count("id"), size=Sum("stored_bytes"))
    return [(row["owner"], row["count"], row["size"]) for row in sums.order_by("-size")]
