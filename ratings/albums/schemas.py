"""API schemas of albums."""

from uuid import UUID

from ninja import Field, Schema

from ratings.albums.selectors import Shelf
from ratings.photos.schemas import PhotoOut, photo_out


class AlbumIn(Schema):
    name: str = Field(max_length=500)
    keeps_originals: bool = Field(True, description="Whether the original files of photos that are brought into it are kept.")


class AlbumChange(Schema):
    name: str | None = Field(None, max_length=500)
    cover: int | None = Field(None, description="Id of one of its photos.")
    keeps_originals: bool | None = None


class AlbumOut(Schema):
    id: UUID
    name: str
    photo_count: int
    keeps_originals: bool
    revision: int = Field(description="Rises when photos come, go or can be ranked.")
    cover: PhotoOut | None


class AlbumsOut(Schema):
    albums: list[AlbumOut]


class GridPhotoOut(Schema):
    id: int
    hash: str = Field(description="Part of the addresses of its files.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    thumbhash: str
    name: str
    alt: str
    taken: float | None = Field(description="Seconds since 1970 by the camera's clock; null: unknown.")
    added: float = Field(description="Seconds since 1970; in the bin: since when.")
    value: int | None = Field(description="The rater's rating: 0 skip, 1 not for me (rejected), 2 like, 3 love (picked); null: none.")
    score: float | None = Field(description="Predicted; higher is better; null while the photo is being prepared.")


class GridOut(Schema):
    revision: int
    photos: list[GridPhotoOut]


class OpinionsOut(Schema):
    revision: int
    ids: list[int]
    values: list[int | None]
    scores: list[float | None]
    last_rated: UUID | None = Field(description="Token of the card that was rated last in this album: what undo names.")


class BestOut(Schema):
    stacks: list[list[int]] = Field(description="Photo ids: the best of each stack first. Rejected photos are left out.")


class PhotoIds(Schema):
    photos: list[int] = Field(max_length=5000)


class CountOut(Schema):
    count: int = Field(description="How many photos it changed.")


def album_out(shelf: Shelf) -> dict[str, object]:
    album = shelf.album
    return {
        "id": album.id,
        "name": album.name,
        "photo_count": shelf.photo_count,
        "keeps_originals": album.keeps_originals,
        "revision": album.revision,
        "cover": photo_out(shelf.cover) if shelf.cover else None,
    }
