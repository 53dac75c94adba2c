"""Files of the drawn pictures: each is drawn once, and kept in PAV_VAR also where the photos are deleted."""

import io
from pathlib import Path

from django.conf import settings

from ratings.photos import files
from ratings.photos.drawn.catalogue import Picture

QUALITY = 90  # of the JPEG; the photo's own files are made from it


def path(picture: Picture) -> Path:
    """Where a picture's file is, or will be."""
    return Path(settings.DRAWN_ROOT) / f"{picture.name}.jpg"


def drawn(picture: Picture) -> bytes:
    """A picture's file, which is drawn first where there is none.

    Raises:
        OSError: the file cannot be written, or read.
    """
    place = path(picture)
    if not place.exists():
        data = io.BytesIO()
        picture.image().save(data, "JPEG", quality=QUALITY, subsampling=0)
        place.parent.mkdir(parents=True, exist_ok=True)
        files.write(place, data.getvalue())
    return place.read_bytes()
