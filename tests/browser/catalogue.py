"""Program: changes the catalogue of the browser tests, by commands on its standard input.

`add N` imports photos that have no features yet, `prepare N` gives features to so many more, `clear 0` removes all photos. Without a worker
of the queue "gpu", photos stay as they are in between.
"""

import contextlib
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

import numpy as np  # noqa: E402
from django.db import IntegrityError  # noqa: E402

from ratings.photos.models import Photo  # noqa: E402
from ratings.photos.services import add_photo  # noqa: E402
from tests.browser.stock import BANK, HUES, PHOTOS, features, picture  # noqa: E402
from tests.guests import give_features, use_bank  # noqa: E402

rng = np.random.default_rng(7)


def change(action: str, count: int) -> None:
    if action == "clear":
        while Photo.objects.exists():
            with contextlib.suppress(IntegrityError):  # a page rated one of them meanwhile
                Photo.objects.all().delete()
    elif action == "add":
        first = Photo.objects.count()
        for number in range(first, first + count):
            add_photo(data=picture(HUES[number % len(HUES)], number), name=f"{number}.png", credit="Tests", licence="CC0-1.0")
    else:
        for photo in Photo.objects.filter(photofeatures=None).order_by("id")[:count]:
            give_features(photo, features(photo.id % len(HUES), photo.id % PHOTOS, rng))


def main() -> None:
    use_bank(BANK)
    for line in sys.stdin:
        action, count = line.split()
        change(action, int(count))
        print("done", flush=True)


if __name__ == "__main__":
    main()
