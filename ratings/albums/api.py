"""API of albums."""

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.views.decorators.gzip import gzip_page
from ninja import Query, Router, Status
from ninja.decorators import decorate_view

from ratings import limits
from ratings.albums import schemas, selectors, services
from ratings.deck.selectors import last_rated
from ratings.photos.scopes import Scope
from ratings.problems import PROBLEMS
from ratings.raters.guests import RaterRequest

router = Router()


@router.get("/albums", response={200: schemas.AlbumsOut, **PROBLEMS})
def albums(request: RaterRequest) -> dict[str, object]:
    """The rater's albums, newest first."""
    limits.check("READS", str(request.auth))
    return {"albums": [schemas.album_out(shelf) for shelf in selectors.shelves(request.auth)]}


@router.post("/albums", response={201: schemas.AlbumOut, **PROBLEMS})
def make_album(request: RaterRequest, album: schemas.AlbumIn) -> Status[dict[str, object]]:
    """Make an album."""
    limits.check("RATINGS", str(request.auth))
    made = services.create_album(owner_id=request.auth, name=album.name, keeps_originals=album.keeps_originals)
    return Status(201, schemas.album_out(selectors.shelf(request.auth, made.id)))


@router.get("/albums/{uuid:album_id}", response={200: schemas.AlbumOut, **PROBLEMS})
def one_album(request: RaterRequest, album_id: UUID) -> dict[str, object]:
    """One album."""
    limits.check("READS", str(request.auth))
    return schemas.album_out(selectors.shelf(request.auth, album_id))


@router.get("/albums/{uuid:album_id}/photos", response={200: schemas.GridOut, **PROBLEMS})
@decorate_view(gzip_page)
def album_photos(request: RaterRequest, album_id: UUID) -> HttpResponse:
    """All photos of an album that are not in the bin, in the order they came."""
    limits.check("READS", str(request.auth))
    album = selectors.album_of(request.auth, album_id)
    # As it is: to check thousands of rows against the schema takes longer than to read them.
    return JsonResponse({"revision": album.revision, "photos": [vars(photo) for photo in selectors.grid(request.auth, album.id)]})


@router.get("/albums/{uuid:album_id}/opinions", response={200: schemas.OpinionsOut, **PROBLEMS})
@decorate_view(gzip_page)
def album_opinions(request: RaterRequest, album_id: UUID) -> HttpResponse:
    """The ratings and scores of the photos of an album: what changes by a rating."""
    limits.check("READS", str(request.auth))
    album = selectors.album_of(request.auth, album_id)
    found = selectors.opinions(request.auth, album.id)
    lists = {f"{name}s": [getattr(one, name) for one in found] for name in ("id", "value", "score")}
    last = last_rated(request.auth, Scope(album.id), 1)
    return JsonResponse({"revision": album.revision, **lists, "last_rated": last[0] if last else None})


@router.get("/albums/{uuid:album_id}/best", response={200: schemas.BestOut, **PROBLEMS})
def album_best(
    request: RaterRequest,
    album_id: UUID,
    count: int = Query(50, ge=1, le=500),
    fold: float = Query(0.5, ge=0, le=1, description="How different photos may be that fold into a stack; 0: only the same picture again."),
    variety: float = Query(0, ge=0, le=1, description="How much photos count that are unlike the better ones."),
) -> dict[str, object]:
    """The best photos of an album, with those that are nearly alike folded into stacks. Picks come first; rejects are left out."""
    limits.check("READS", str(request.auth))
    album = selectors.album_of(request.auth, album_id)
    return {"stacks": selectors.best_of(request.auth, album.id, count=count, fold=fold, variety=variety)}


@router.patch("/albums/{uuid:album_id}", response={200: schemas.AlbumOut, **PROBLEMS})
def change_album(request: RaterRequest, album_id: UUID, change: schemas.AlbumChange) -> dict[str, object]:
    """Rename an album, choose its cover, or whether it keeps originals. What is left out stays."""
    limits.check("RATINGS", str(request.auth))
    services.change_album(
        owner_id=request.auth, album_id=album_id, name=change.name, cover=change.cover, keeps_originals=change.keeps_originals
    )
    return schemas.album_out(selectors.shelf(request.auth, album_id))


@router.delete("/albums/{uuid:album_id}", response={200: schemas.CountOut, **PROBLEMS})
def delete_album(request: RaterRequest, album_id: UUID) -> dict[str, int]:
    """Delete an album. Photos that are in no other album go into the bin."""
    limits.check("RATINGS", str(request.auth))
    return {"count": services.delete_album(owner_id=request.auth, album_id=album_id)}


@router.post("/albums/{uuid:album_id}/photos", response={200: schemas.CountOut, **PROBLEMS})
def add_photos(request: RaterRequest, album_id: UUID, chosen: schemas.PhotoIds) -> dict[str, int]:
    """Add own photos to an album."""
    limits.check("RATINGS", str(request.auth))
    return {"count": services.add_photos(owner_id=request.auth, album_id=album_id, photo_ids=chosen.photos)}


@router.post("/albums/{uuid:album_id}/remove", response={200: schemas.CountOut, **PROBLEMS})
def remove_photos(request: RaterRequest, album_id: UUID, chosen: schemas.PhotoIds) -> dict[str, int]:
    """Take photos out of an album. Those that are in no other album go into the bin."""
    limits.check("RATINGS", str(request.auth))
    return {"count": services.remove_photos(owner_id=request.auth, album_id=album_id, photo_ids=chosen.photos)}


@router.get("/bin", response={200: schemas.GridOut, **PROBLEMS})
@decorate_view(gzip_page)
def binned_photos(request: RaterRequest) -> HttpResponse:
    """The rater's photos in the bin, the last one first."""
    limits.check("READS", str(request.auth))
    return JsonResponse({"revision": 0, "photos": [vars(photo) for photo in selectors.bin_grid(request.auth)]})


@router.post("/bin", response={200: schemas.CountOut, **PROBLEMS})
def bin_photos(request: RaterRequest, chosen: schemas.PhotoIds) -> dict[str, int]:
    """Put own photos into the bin. Ids of other photos are left out."""
    limits.check("RATINGS", str(request.auth))
    return {"count": services.bin_photos(owner_id=request.auth, photo_ids=chosen.photos)}


@router.post("/bin/restore", response={200: schemas.CountOut, **PROBLEMS})
def restore_photos(request: RaterRequest, chosen: schemas.PhotoIds) -> dict[str, int]:
    """Bring photos back from the bin, into their albums."""
    limits.check("RATINGS", str(request.auth))
    return {"count": services.restore_photos(owner_id=request.auth, photo_ids=chosen.photos)}


@router.post("/bin/purge", response={200: schemas.CountOut, **PROBLEMS})
def purge_photos(request: RaterRequest, chosen: schemas.PhotoIds) -> dict[str, int]:
    """Delete photos from the bin for good, with their ratings; a worker does it, within seconds."""
    limits.check("RATINGS", str(request.auth))
    return {"count": services.delete_for_good(owner_id=request.auth, photo_ids=chosen.photos)}
