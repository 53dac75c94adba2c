"""Reads of albums."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import numpy as np
from django.db.models import BigIntegerField, Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from ratings.albums import best
from ratings.albums.models import Album, AlbumPhoto
from ratings.deck.models import Value
from ratings.photos import files
from ratings.photos.models import Photo
from ratings.photos.scopes import Scope, UnknownAlbum
from ratings.ranking.models import FEATURES
from ratings.ranking.selectors import model_of, scored
from ratings.sql import CURRENT_PROJECTION, columns, rows, vectors

BIN_DAYS = 30  # until a photo in the bin is deleted
PICKED, REJECTED = int(Value.LOVE), int(Value.DISLIKE)  # what picking and rejecting rate a photo


@dataclass(frozen=True)
class Shelf:
    """An album as the list of albums shows it."""

    album: Album
    photo_count: int
    cover: Photo | None

    @property
    def src(self) -> str:
        """Address of the cover's file; empty for an album without photos."""
        return files.src(self.cover) if self.cover else ""

    @property
    def srcset(self) -> str:
        return files.srcset(self.cover) if self.cover else ""


def album_of(owner_id: UUID | None, album_id: UUID) -> Album:
    """An album of this rater.

    Raises:
        UnknownAlbum: there is none, or it belongs to somebody else.
    """
    album = Album.objects.filter(id=album_id, owner=owner_id).first() if owner_id else None
    if album is None:
        raise UnknownAlbum
    return album


def shelves(owner_id: UUID) -> list[Shelf]:
    """The rater's albums, newest first."""
    albums = list(_counted(owner_id).order_by("-created_at", "id"))
    covers = Photo.objects.in_bulk([album.shown for album in albums if album.shown])  # type: ignore[attr-defined]  # annotated
    return [_shelf(album, covers) for album in albums]


def shelf(owner_id: UUID, album_id: UUID) -> Shelf:
    """One of the rater's albums.

    Raises:
        UnknownAlbum: there is none, or it belongs to somebody else.
    """
    album = _counted(owner_id).filter(id=album_id).first()
    if album is None:
        raise UnknownAlbum
    return _shelf(album, Photo.objects.in_bulk([album.shown] if album.shown else []))  # type: ignore[attr-defined]  # annotated


def _counted(owner_id: UUID) -> QuerySet[Album]:
    count = Count("albumphoto", filter=Q(albumphoto__photo__binned_at=None))
    # Without a cover that was chosen, the photo that came last.
    last = AlbumPhoto.objects.filter(album=OuterRef("pk"), photo__binned_at=None).order_by("-added_at", "-photo").values("photo")[:1]
    shown = Coalesce("cover_id", Subquery(last), output_field=BigIntegerField())
    return Album.objects.filter(owner=owner_id).annotate(photo_count=count, shown=shown)


def _shelf(album: Album, covers: dict[int, Photo]) -> Shelf:
    return Shelf(album, album.photo_count, covers.get(album.shown))  # type: ignore[attr-defined]  # annotated


@dataclass(frozen=True)
class GridPhoto:
    """A photo as a grid shows it."""

    id: int
    hash: str  # part of its files' addresses
    width: int
    height: int
    thumbhash: str
    name: str
    alt: str
    taken: float | None  # seconds since 1970 by the camera's clock
    added: float  # seconds since 1970
    value: int | None  # the rater's current rating
    score: float | None  # None while the photo has no features


def grid(rater_id: UUID, album_id: UUID) -> list[GridPhoto]:
    """All photos of an album that are not in the bin, in the order they came."""
    model = model_of(rater_id)
    score, _join, parameters = model.within(Scope(album_id)).score()
    # Each table is joined by an index of its own, so that a table that was just filled, and of which PostgreSQL knows nothing yet, is as
    # fast as any.
    found = rows(
        f"""SELECT p.id, p.content_hash, p.width, p.height, p.thumbhash, p.name, p.alt, extract(epoch FROM p.taken_at)::float8,
            extract(epoch FROM a.added_at)::float8, c.value, {score}
        FROM ratings_albumphoto a JOIN ratings_photo p ON p.id = a.photo_id
        LEFT JOIN ratings_presentation c ON c.photo_id = p.id AND c.rater_id = %(rater)s
        LEFT JOIN ratings_photofeatures d ON d.photo_id = p.id
            AND d.projection_id = (SELECT coalesce(%(projection)s, {CURRENT_PROJECTION}))
        WHERE a.album_id = %(album)s AND p.binned_at IS NULL ORDER BY a.added_at, p.id""",  # noqa: S608 (constants)
        {"rater": rater_id, "album": album_id, "projection": model.projection, **parameters},
    )
    return [GridPhoto(*row) for row in found]


def bin_grid(rater_id: UUID) -> list[GridPhoto]:
    """The rater's photos in the bin, the last one first, without those that a worker is about to delete."""
    photos = Photo.objects.filter(owner=rater_id, binned_at__gt=timezone.now() - timedelta(days=BIN_DAYS)).order_by("-binned_at", "-id")
    return [
        GridPhoto(
            id=photo.id,
            hash=photo.content_hash,
            width=photo.width,
            height=photo.height,
            thumbhash=photo.thumbhash,
            name=photo.name,
            alt=photo.alt,
            taken=photo.taken_at.timestamp() if photo.taken_at else None,
            added=photo.binned_at.timestamp() if photo.binned_at else 0,
            value=None,
            score=None,
        )
        for photo in photos
    ]


@dataclass(frozen=True)
class Opinion:
    """What is known of a photo's place in a taste: the rating given, and the score predicted."""

    id: int
    value: int | None
    score: float | None


def opinions(rater_id: UUID, album_id: UUID) -> list[Opinion]:
    """The ratings and scores of the photos of an album: what a rating changes of `grid`."""
    return [Opinion(photo.id, photo.value, photo.score) for photo in grid(rater_id, album_id)]


def best_of(rater_id: UUID, album_id: UUID, *, count: int, fold: float, variety: float) -> list[list[int]]:
    """The best photos of an album, as stacks of ids. Picks come first; rejects are left out."""
    scope = Scope(album_id)
    table, _, parameters = scored(scope, model_of(rater_id))
    found = rows(
        f"""SELECT s.id, s.score, halfvec_send(d.features), extract(epoch FROM p.taken_at)::float8, coalesce(c.value, 0), v.head_count
        FROM {table} s JOIN ratings_photo p ON p.id = s.id
        JOIN ratings_projection v ON v.id = (SELECT coalesce(%(projection)s, {CURRENT_PROJECTION}))
        JOIN ratings_photofeatures d ON d.photo_id = s.id AND d.projection_id = v.id
        LEFT JOIN ratings_presentation c ON c.photo_id = s.id AND c.rater_id = %(rater)s
        WHERE c.value IS DISTINCT FROM {REJECTED} ORDER BY s.id""",  # noqa: S608 (constants)
        {"rater": rater_id, **parameters},
    )
    ids, scores, features, taken, values, head_counts = columns(found, 6)
    if not ids:
        return []
    points = np.array(scores, dtype=np.float64)
    # A rating that was given counts for more than any prediction.
    points += np.where(np.array(values) == PICKED, 1.0 + np.ptp(points), 0.0)
    seconds = np.array([np.nan if moment is None else moment for moment in taken])
    axes = vectors(features, FEATURES)[:, head_counts[0] :]
    folded = best.stacks(points, axes, seconds, count=count, fold=fold, variety=variety)
    return [[ids[place] for place in stack] for stack in folded]
