"""One image that shows all drawn pictures, a row for each family: to look at them, and for the documentation."""

import io
from pathlib import Path

from PIL import Image, ImageOps

from ratings.photos.drawn import store
from ratings.photos.drawn.catalogue import FAMILIES, pictures

SIDE, GAP = 96, 4  # pixels
GROUND = (24, 24, 26)


def write(place: Path) -> None:
    """Draw what is not drawn yet, and write the sheet as WebP."""
    rows = [[picture for picture in pictures() if picture.family is family] for family in FAMILIES]
    step = SIDE + GAP
    sheet = Image.new("RGB", (GAP + step * max(map(len, rows)), GAP + step * len(rows)), GROUND)
    for down, row in enumerate(rows):
        for across, picture in enumerate(sorted(row, key=lambda picture: picture.number)):
            with Image.open(io.BytesIO(store.drawn(picture))) as image:
                sheet.paste(ImageOps.fit(image, (SIDE, SIDE)), (GAP + across * step, GAP + down * step))
    place.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(place, "WEBP", quality=80, method=6)
