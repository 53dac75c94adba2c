"""API of uploads: what need not be sent, what is refused, and stars that files bring along. The bytes go to `tus.py`."""

from uuid import UUID

from django.conf import settings
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError

from ratings import health, limits
from ratings.albums.selectors import album_of
from ratings.problems import PROBLEMS
from ratings.raters.guests import RaterRequest
from ratings.raters.selectors import guest_ends_at
from ratings.uploads import quotas, selectors, services, stars
from ratings.uploads.schemas import FileRatingsOut, KnownIn, KnownOut, SidecarsIn, UploadsOut, uploads_out

router = Router()


class Dismissed(Schema):
    dismissed: int = Field(description="Refused files that are off the list.")


@router.get("/uploads", response={200: UploadsOut, **PROBLEMS})
def uploads(request: RaterRequest, album: UUID) -> dict[str, object]:
    """An album's files that are not photos yet, those that were refused, and the room that is left."""
    limits.check("READS", str(request.auth))
    album_of(request.auth, album)
    ends = guest_ends_at(request.auth, keep_days=settings.PAV["KEEP_GUESTS_DAYS"])
    found, room = selectors.uploads_of(request.auth, album), quotas.room_of(request.auth)
    is_read = not found.waiting or health.takes_in_photos() is not False
    return uploads_out(found, room, deleted_on=ends, is_read=is_read)


@router.post("/uploads/known", response={200: KnownOut, **PROBLEMS})
def known(request: RaterRequest, files: KnownIn) -> dict[str, object]:
    """Add the photos to an album that the rater brought before, by the SHA-256 of their files: they need not be sent."""
    limits.check("READS", str(request.auth))
    return {"known": sorted(services.add_known(owner_id=request.auth, album_id=files.album, hashes=files.hashes))}


@router.delete("/uploads", response={200: Dismissed, **PROBLEMS})
def dismiss(request: RaterRequest, album: UUID, upload: list[UUID] = Query(default=[])) -> dict[str, int]:  # noqa: B008 (Ninja's form)
    """Take refused files off an album's list: all, or those named by `upload`."""
    limits.check("RATINGS", str(request.auth))
    if len(upload) > selectors.MOST_LISTED:
        raise HttpError(400, "")
    album_of(request.auth, album)
    return {"dismissed": services.dismiss(owner_id=request.auth, album_id=album, upload_ids=upload or None)}


@router.get("/uploads/stars", response={200: FileRatingsOut, **PROBLEMS})
def file_ratings(request: RaterRequest, album: UUID) -> dict[str, int]:
    """How many unrated photos of an album brought stars along, and what these would become."""
    limits.check("READS", str(request.auth))
    album_of(request.auth, album)
    return stars.counts(selectors.file_ratings(request.auth, album))


@router.patch("/uploads/stars", response={200: FileRatingsOut, **PROBLEMS})
def note_sidecars(request: RaterRequest, album: UUID, sidecars: SidecarsIn) -> dict[str, int]:
    """Note the stars of files beside the photos of an album. Returns what can be taken as ratings now."""
    limits.check("RATINGS", str(request.auth))
    album_of(request.auth, album)
    services.note_sidecars(owner_id=request.auth, album_id=album, stars=sidecars.stars)
    return stars.counts(selectors.file_ratings(request.auth, album))


@router.post("/uploads/stars", response={200: FileRatingsOut, **PROBLEMS})
def import_file_ratings(request: RaterRequest, album: UUID) -> dict[str, int]:
    """Take the stars that an album's files brought along as first ratings. Photos that are rated already stay as they are."""
    limits.check("RATINGS", str(request.auth))
    album_of(request.auth, album)
    return stars.counts(stars.import_ratings(rater_id=request.auth, album_id=album))
