"""Program: makes an album of 24 photos; the first four are a burst. Arguments: the rater, the name. Prints the album's id."""

import os
import sys
from datetime import UTC, datetime, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

import numpy as np  # noqa: E402

from ratings.albums import services  # noqa: E402
from ratings.models import Photo, Rater  # noqa: E402
from ratings.photos.services import add_photo  # noqa: E402
from tests.browser.stock import HUES, features, picture  # noqa: E402
from tests.guests import give_features  # noqa: E402

PHOTOS, BURST = 24, 4


def main() -> None:
    rater = Rater.objects.get(id=sys.argv[1])
    album = services.create_album(owner_id=rater.id, name=sys.argv[2])
    rng, start = np.random.default_rng(11), datetime(2026, 7, 4, 9, tzinfo=UTC)
    for number in range(PHOTOS):
        hue = 0 if number < BURST else 1 + number % (len(HUES) - 1)
        photo = add_photo(data=picture(HUES[hue], 100 + number), name=f"IMG_{number:04}.png", owner=rater)
        taken = start + timedelta(seconds=number) if number < BURST else start + timedelta(hours=number)
        Photo.objects.filter(id=photo.id).update(taken_at=taken)
        give_features(photo, features(hue, number, rng, noise=0.005 if number < BURST else 0.05))
        services.add_photos(owner_id=rater.id, album_id=album.id, photo_ids=[photo.id])
    print(album.id)


if __name__ == "__main__":
    main()
