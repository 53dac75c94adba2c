"""Step: an album of 24 photos; the first four are a burst."""

from datetime import UTC, datetime, timedelta

import numpy as np

from ratings.albums import services
from ratings.models import Photo, Rater
from ratings.photos.services import add_photo
from tests.browser.stock import HUES, features, picture
from tests.guests import give_features

PHOTOS, BURST = 24, 4


def main(rater_id: str, name: str) -> str:
    """The id of the album."""
    rater = Rater.objects.get(id=rater_id)
    album = services.create_album(owner_id=rater.id, name=name)
    rng, start = np.random.default_rng(11), datetime(2026, 7, 4, 9, tzinfo=UTC)
    for number in range(PHOTOS):
        hue = 0 if number < BURST else 1 + number % (len(HUES) - 1)
        photo = add_photo(data=picture(HUES[hue], 100 + number), name=f"IMG_{number:04}.png", owner=rater)
        taken = start + timedelta(seconds=number) if number < BURST else start + timedelta(hours=number)
        Photo.objects.filter(id=photo.id).update(taken_at=taken)
        give_features(photo, features(hue, number, rng, noise=0.005 if number < BURST else 0.05))
        services.add_photos(owner_id=rater.id, album_id=album.id, photo_ids=[photo.id])
    return str(album.id)
