"""API schemas of uploads."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.utils.translation import gettext
from ninja import Field, Schema
from pydantic import StringConstraints

from ratings.photos.refusals import PhotoRefused
from ratings.uploads.models import Upload
from ratings.uploads.quotas import Room
from ratings.uploads.selectors import UploadList


class KnownIn(Schema):
    album: UUID
    hashes: list[str] = Field(max_length=200, description="SHA-256 of files, in hexadecimal.")


class KnownOut(Schema):
    known: list[str] = Field(description="Those of them that are photos of the album now.")


class RefusedOut(Schema):
    id: UUID
    name: str
    sentence: str = Field(description="What is wrong, and what to do.")


class RoomOut(Schema):
    photos: int = Field(description="Own photos, with those on their way.")
    most_photos: int
    is_guest: bool
    deleted_on: datetime | None = Field(description="When a guest who goes on without a rating is deleted, with all photos; null: never.")


class UploadsOut(Schema):
    waiting: int = Field(description="Files that have arrived and are not photos yet.")
    is_read: bool = Field(description="Whether a worker reads them; false: none lives that does.")
    refused_count: int
    refused: list[RefusedOut] = Field(description="The newest of them.")
    room: RoomOut


class SidecarsIn(Schema):
    stars: dict[Annotated[str, StringConstraints(min_length=1, max_length=255)], Annotated[int, Field(ge=-1, le=5)]] = Field(
        max_length=200, description="Stars of sidecars, by the name of the photo, with or without its extension."
    )


class FileRatingsOut(Schema):
    love: int
    like: int
    dislike: int


def uploads_out(found: UploadList, room: Room, *, deleted_on: datetime | None, is_read: bool) -> dict[str, object]:
    return {
        "is_read": is_read,
        "waiting": found.waiting,
        "refused_count": found.refused_count,
        "refused": [
            {"id": one.id, "name": one.name, "sentence": PhotoRefused(one.reason, one.reason_values).sentence(gettext)}
            for one in found.refused
        ],
        "room": {"photos": room.photos, "most_photos": room.most_photos, "is_guest": room.is_guest, "deleted_on": deleted_on},
    }


def _sentence(upload: Upload) -> str:
    return PhotoRefused(upload.reason, upload.reason_values).sentence(gettext)
