"""Step: changes the catalogue of the browser tests.

`add N` imports photos that have no features yet, `prepare N` gives features to so many more, `clear` removes all photos. Without a worker
of the queue "gpu", photos stay as they are in between.
"""

import contextlib

import numpy as np
from django.db import IntegrityError, transaction

from ratings.photos.models import Photo
from ratings.photos.services import add_photo
from tests.browser.stock import BANK, HUES, PHOTOS, features, picture
from tests.guests import give_features, use_bank

rng = np.random.default_rng(7)


def main(action: str, count: int = 0) -> None:
    use_bank(BANK)
    if action == "clear":
        while Photo.objects.exists():
            with contextlib.suppress(IntegrityError):  # a page rated one of them meanwhile
                Photo.objects.all().delete()
        return
    with transaction.atomic():  # a page that asks meanwhile sees all of them or none
        if action == "add":
            first = Photo.objects.count()
            for number in range(first, first + count):
                add_photo(data=picture(HUES[number % len(HUES)], number), name=f"{number}.png", credit="Tests", licence="CC0-1.0")
        else:
            for photo in Photo.objects.filter(photofeatures=None).order_by("id")[:count]:
                give_features(photo, features(photo.id % len(HUES), photo.id % PHOTOS, rng))
