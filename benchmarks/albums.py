"""Benchmark of scopes: the ranking of an album of 5,000 photos, and of a catalogue of 5,000, alone and inside 100,000 photos of others:
`./pav bench albums`. On an installation of its own."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pav_site.embedded import Services
from pav_site.environment import BASE

GOAL = 1.5  # times as long as alone, at most
OTHERS = 50  # raters who own the photos of others


def measure(scoped: int, others: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of a ranking with the places before, medians, in the database of this process's settings."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")
    django.setup()
    import numpy as np
    from django.db import connection

    from ratings.albums.models import Album, AlbumPhoto
    from ratings.models import Photo, PhotoFeatures, Projection, Rater
    from ratings.photos.scopes import CATALOGUE, Scope
    from ratings.ranking import projections
    from ratings.ranking.selectors import Model, ranking

    current = projections.current()
    if current is None:
        raise RuntimeError("There is no projection: run migrate first.")
    Projection.objects.update(extractors="")  # these photos have no files to extract features from
    rng = np.random.default_rng(0)

    def fill(count: int, owner: Rater | None) -> list[Photo]:
        photos: list[Photo] = []
        for first in range(0, count, 5000):
            some = range(first, min(count, first + 5000))
            hashes = [rng.bytes(32).hex() for _ in some]
            made = Photo.objects.bulk_create(
                Photo(name="p.jpg", sha256=own, content_hash=own[:16], width=640, height=480, thumbhash="", owner=owner) for own in hashes
            )
            features = rng.normal(size=(len(made), 256)) / 16
            PhotoFeatures.objects.bulk_create(
                (
                    PhotoFeatures(photo=photo, projection_id=current.id, generic_score=row[0], features=row.tolist())
                    for photo, row in zip(made, features, strict=True)
                ),
                batch_size=500,
            )
            photos += made
        return photos

    def analyse() -> None:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    weights, before = (Model(rng.normal(size=256).tolist(), projection=current.id) for _ in range(2))

    def milliseconds(scope: Scope) -> float:
        taken = []
        for _ in range(rounds + 3):
            began = time.perf_counter()
            found = ranking(scope, weights, 50, before=before)
            taken.append(1000 * (time.perf_counter() - began))
            if found.total != scoped:
                raise RuntimeError(f"{found.total} photos are in {scope.key}, not {scoped}.")
        return statistics.median(taken[3:])  # the first ones are a warm-up

    fill(scoped, None)
    analyse()
    alone = {"catalogue": milliseconds(CATALOGUE)}
    Photo.objects.all().delete()
    owner = Rater.objects.create()
    album = Album.objects.create(owner=owner, name="Benchmark")
    AlbumPhoto.objects.bulk_create(AlbumPhoto(album=album, photo=photo) for photo in fill(scoped, owner))
    analyse()
    alone["album"] = milliseconds(Scope(album.id))
    # By turns, so that the photos of a scope lie among those of others, as they come in time.
    for turn in range(OTHERS):
        other = Rater.objects.create()
        theirs = fill(others // OTHERS, other)
        another = Album.objects.create(owner=other, name="Theirs")
        AlbumPhoto.objects.bulk_create(AlbumPhoto(album=another, photo=photo) for photo in theirs)
        fill(scoped // OTHERS if turn else scoped - scoped // OTHERS * (OTHERS - 1), None)
    analyse()
    inside = {"catalogue": milliseconds(CATALOGUE), "album": milliseconds(Scope(album.id))}
    return {"alone": alone, "inside": inside}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench albums", description=__doc__)
    parser.add_argument("--photos", type=int, default=5000, help="photos of the album, and of the catalogue")
    parser.add_argument("--others", type=int, default=100_000, help="photos of other raters")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pav-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103 (PostgreSQL runs under another account where PAV runs as root)
        services = Services(Path(folder))
        environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        environment |= {"PAV_VAR": folder, "PYTHONPATH": str(BASE), "PYTHONWARNINGS": "ignore"}
        with services.running():
            subprocess.run([sys.executable, str(BASE / "manage.py"), "migrate", "-v0"], env=environment, check=True)
            command = [sys.executable, "-m", "benchmarks.albums", *map(str, (options.photos, options.others, options.rounds))]
            printed = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True, cwd=BASE).stdout
    found = json.loads(printed.splitlines()[-1])
    print(f"Ranking of {options.photos} photos, milliseconds, medians of {options.rounds}; goal: at most {GOAL} times.\n")
    print(f"| scope | alone | inside {options.others} photos of others | ratio |\n|---|---|---|---|")
    for scope in ("catalogue", "album"):
        alone, inside = found["alone"][scope], found["inside"][scope]
        print(f"| {scope} | {alone:.1f} | {inside:.1f} | {inside / alone:.2f} |")


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
