"""API of the ranking, and of photos with their places in it."""

from typing import Literal
from uuid import UUID

from django.views.decorators.gzip import gzip_page
from ninja import Query, Router
from ninja.decorators import decorate_view

from ratings import limits
from ratings.photos.schemas import photo_out
from ratings.photos.scopes import scope_of
from ratings.photos.selectors import photos_shown_to
from ratings.problems import PROBLEMS
from ratings.ranking import selectors
from ratings.ranking.schemas import CoefficientsOut, PhotosOut, RankedPhotoOut, RankingMessage
from ratings.raters.guests import RaterRequest

router = Router()

MOST_PHOTOS = 100


@router.get("/ranking", response={200: RankingMessage, **PROBLEMS})
@decorate_view(gzip_page)
def ranking(
    request: RaterRequest,
    limit: int = Query(50, ge=1, le=500),
    offset: int = Query(0, ge=0, le=10_000_000),
    of: Literal["me", "everyone"] = "me",
    album: UUID | None = None,
) -> RankingMessage:
    """All photos of the catalogue, or of an album, from the best down, for this rater or by the generic score."""
    limits.check("READS", str(request.auth))
    return selectors.ranking_message(request.auth, limit, offset, scope=scope_of(request.auth, album), everyone=of == "everyone")


@router.get("/coefficients", response={200: CoefficientsOut, **PROBLEMS})
def coefficients(request: RaterRequest) -> CoefficientsOut:
    """The rater's taste as coefficients: on the score for everyone, and on each task that the bank knows."""
    limits.check("READS", str(request.auth))
    return selectors.coefficients(request.auth)


@router.get("/photos", response={200: PhotosOut, **PROBLEMS})
@decorate_view(gzip_page)
def photos(
    request: RaterRequest,
    ids: str = Query(..., description="Photo ids, separated by commas, at most 100."),
    album: UUID | None = None,
) -> PhotosOut:
    """Photos by id, with their places in both rankings of the catalogue, or of an album. Ids that do not exist, or belong to
    another rater, are left out."""
    limits.check("READS", str(request.auth))
    wanted = [int(part) for part in ids.split(",")[:MOST_PHOTOS] if part.isdecimal() and len(part) < 19]
    places = selectors.places(request.auth, wanted, scope_of(request.auth, album))
    found = photos_shown_to(request.auth, wanted)
    out = []
    for photo in found:
        place, everyones_place = places.get(photo.id, (None, None))
        out.append(RankedPhotoOut(**photo_out(photo), place=place, everyones_place=everyones_place))
    return PhotosOut(photos=out)
