"""API schema of a photo."""

from typing import Any

from ninja import Field, Schema

from ratings.photos import files
from ratings.photos.models import Photo


class PhotoOut(Schema):
    id: int
    src: str = Field(description="Address of the file for a medium-sized screen.")
    srcset: str = Field(description="All widths, for the `srcset` attribute of an image.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    thumbhash: str = Field(description="A tiny preview in the ThumbHash format, base64.")
    alt: str
    credit: str
    licence: str


def photo_out(photo: Photo) -> dict[str, Any]:
    """The public fields of a photo: never its owner, path or file name."""
    return {
        "id": photo.id,
        "src": files.src(photo),
        "srcset": files.srcset(photo),
        "width": photo.width,
        "height": photo.height,
        "thumbhash": photo.thumbhash,
        "alt": photo.alt,
        "credit": photo.credit,
        "licence": photo.licence,
    }
