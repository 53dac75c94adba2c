"""The demo's import of the samples: photographs first, drawn pictures when they are there, and what stops it."""

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from pav_site import demo_photos
from pav_site.demo_photos import PhotoImport
from ratings.models import Photo
from ratings.photos import samples
from ratings.photos.drawn import catalogue

PHOTOGRAPHS = samples.samples()

pytestmark = pytest.mark.django_db(transaction=True)

DRAWER = """
import pathlib, sys, time
from PIL import Image
part = int(sys.argv[sys.argv.index("--part") + 1])
places = [pathlib.Path({folder!r}) / name for name in {names!r}]
if part > {drawn}:
    while not all(place.exists() for place in places[:{drawn}]):
        time.sleep(0.01)
    sys.exit("no space left")
partial = places[part - 1].with_suffix(".part")
Image.linear_gradient("L").resize((300, 200 + part)).convert("RGB").save(partial, "JPEG")
partial.rename(places[part - 1])
"""


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch, settings, tmp_path: Path):
    """One photograph and two pictures, each drawn by a process that takes its place; how many of them succeed is passed."""
    pictures = catalogue.pictures()[:2]
    settings.VAR = settings.DRAWN_ROOT = tmp_path
    monkeypatch.setattr(samples, "samples", lambda: PHOTOGRAPHS[:1])
    monkeypatch.setattr(catalogue, "pictures", lambda: pictures)
    monkeypatch.setattr(demo_photos, "BASE", tmp_path)

    def draws(drawn: int) -> None:
        names = [f"{picture.name}.jpg" for picture in pictures]
        (tmp_path / "manage.py").write_text(DRAWER.format(drawn=drawn, folder=str(tmp_path), names=names))

    return draws


def run() -> list[str]:
    """Import as a start of the demo does; returns what it says."""
    importing = PhotoImport(None)
    importing.run()
    return list(importing.messages())


def test_photographs_come_first_and_a_picture_that_is_not_drawn_stops_the_import_until_the_next_start(few_samples, tmp_path: Path) -> None:
    few_samples(1)
    (message,) = run()
    second = catalogue.pictures()[1].name
    assert f"{second}.jpg could not be drawn" in message
    assert "draw.log" in message
    assert "start the demo again" in message
    assert "no space left" in (tmp_path / "logs" / "draw.log").read_text()
    stored = list(Photo.objects.order_by("created_at").values_list("credit", flat=True))
    assert stored == [PHOTOGRAPHS[0].about.credit, catalogue.CREDIT]

    few_samples(2)
    assert run() == []
    assert Photo.objects.count() == 3
    assert len(json.loads((tmp_path / "imported.json").read_text())) == 3


def test_a_full_disk_is_said_as_one(few_samples, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    few_samples(0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: namedtuple("usage", "total used free")(9, 9, 0))
    assert run() == [f"The import stopped: the disk is full. Free some space in {tmp_path}, then start the demo again."]


def test_rated_photos_of_an_earlier_version_stay(few_samples, tmp_path: Path, alice) -> None:
    before = set(Photo.objects.values_list("id", flat=True))
    assert alice.rate(alice.deck()[0]["token"]).status_code == 201
    (tmp_path / "imported.json").write_text(json.dumps(["sample of-an-earlier-version.png"]))
    few_samples(2)
    assert run() == []
    assert set(Photo.objects.values_list("id", flat=True)) >= before
    assert Photo.objects.count() == len(before) + 3
    assert alice.get("/api/v1/deck").json()["rated"] == 1
    assert "sample of-an-earlier-version.png" in json.loads((tmp_path / "imported.json").read_text())
