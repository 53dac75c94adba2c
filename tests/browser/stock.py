"""Step: fills the database of the browser tests with small photos of plain colours, whose features follow the colour."""

import io

import numpy as np
from PIL import Image, ImageDraw

from ratings.photos.services import add_photo
from tests.guests import give_features, use_bank

PHOTOS = 60
BANK = "browser-tests"
HUES = ("red", "orange", "gold", "green", "teal", "blue", "purple", "pink", "gray", "brown")


def picture(hue: str, number: int) -> bytes:
    """A coloured rectangle with a disc whose position depends on the number, so that no two pictures are the same."""
    width, height = ((480, 320), (320, 480), (400, 400))[number % 3]
    image = Image.new("RGB", (width, height), hue)
    x, y = 40 + 23 * number % (width - 120), 30 + 37 * number % (height - 120)
    ImageDraw.Draw(image).ellipse((x, y, x + 80, y + 80), fill="white")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def features(hue: int, number: int, rng: np.random.Generator, noise: float = 0.05) -> np.ndarray:
    """256 numbers: the generic score, one direction per colour, and noise."""
    values = rng.normal(0, noise, 256)
    values[0] = 0.5 - number / PHOTOS
    values[1 + hue] += 3.0
    return values


def main() -> None:
    rng = np.random.default_rng(7)
    use_bank(BANK)
    for number in range(PHOTOS):
        hue = number % len(HUES)
        photo = add_photo(data=picture(HUES[hue], number), name=f"{HUES[hue]}-{number}.png", credit="Tests", licence="CC0-1.0")
        give_features(photo, features(hue, number, rng))
