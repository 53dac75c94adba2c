"""Reads of downloads."""

from collections.abc import Sequence
from uuid import UUID

from ratings.deck.models import Presentation, Value
from ratings.downloads.models import Download
from ratings.jobs import JobState
from ratings.photos.models import Photo
from ratings.photos.scopes import Scope
from ratings.ranking.selectors import places


def download_of(owner_id: UUID | None, download_id: UUID) -> Download | None:
    """A download of this rater; None where there is none, or it belongs to somebody else."""
    return Download.objects.filter(id=download_id, owner=owner_id).first() if owner_id else None


def latest(owner_id: UUID, album_id: UUID) -> Download | None:
    """The download of an album that was asked for last."""
    return Download.objects.filter(owner=owner_id, album=album_id).order_by("-created_at").first()


def in_order(owner_id: UUID, album_id: UUID, photo_ids: Sequence[int] | None = None) -> list[int]:
    """Photos of an album, all or some, best first by the rater's ranking; those without features come last."""
    inside = Photo.objects.filter(owner=owner_id, albumphoto__album=album_id, binned_at=None)
    found = list((inside if photo_ids is None else inside.filter(id__in=photo_ids)).order_by("id").values_list("id", flat=True))
    place = places(owner_id, found, Scope(album_id))
    return sorted(found, key=lambda photo: (photo not in place, place.get(photo, (0, 0))[0], photo))


def ratings_of(owner_id: UUID, photo_ids: Sequence[int]) -> dict[int, int]:
    """What the rater said of these photos, skips left out."""
    rated = Presentation.objects.filter(rater=owner_id, photo__in=photo_ids, value__gt=Value.SKIP)
    return {photo: value for photo, value in rated.values_list("photo", "value") if value}


def unfinished(owner_id: UUID) -> int:
    """How many downloads of a rater are not packed yet."""
    return Download.objects.filter(owner=owner_id, state__in=(JobState.WAITING, JobState.RUNNING)).count()
