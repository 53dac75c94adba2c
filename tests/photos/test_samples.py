"""Sample photos: photographs from installed packages, and pictures that PAV draws."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from pav_site.environment import BASE
from ratings.models import Photo
from ratings.photos import samples
from ratings.photos.drawn import catalogue, contact_sheet, store
from ratings.photos.drawn.catalogue import DULL, FAMILIES, KINDS, SIZES, Picture
from ratings.photos.drawn.palettes import MOODS, PALETTES

PHOTOGRAPHS = samples.samples()
PICTURES = catalogue.pictures()


def small(picture: Picture, shrink: int = 6) -> Image.Image:
    """The picture, drawn at a part of its size, which is many times as fast."""
    brief = picture.brief()
    return picture.family.draw(dataclasses.replace(brief, width=brief.width // shrink, height=brief.height // shrink))


def test_every_photograph_is_there_as_it_is_and_cropped_at_most_once() -> None:
    assert list(samples.missing()) == []
    assert len({sample.name for sample in PHOTOGRAPHS}) == len(PHOTOGRAPHS) == 2 * len(samples.SOURCES)
    assert not any(sample.is_close_up for sample in PHOTOGRAPHS[: len(samples.SOURCES)]), "whole photographs come first"


def test_every_source_has_a_credit_and_a_licence() -> None:
    for source in samples.SOURCES:
        assert source.credit
        assert source.licence in {"CC0 1.0", "CC BY 2.0", "Public domain", "No known copyright restrictions"}
        assert source.licence_url or not source.licence.startswith("CC")
        assert source.found_at or source.licence != "CC BY 2.0", "a licence with attribution needs the way to the original"


def test_the_credit_of_a_crop_states_the_change() -> None:
    whole, crop = (next(sample for sample in PHOTOGRAPHS if sample.name == name) for name in ("dahlia.png", "dahlia-close-up.png"))
    assert whole.about.credit == "vultilion on Flickr"
    assert crop.about.credit == "vultilion on Flickr (changed: cropped closer)"
    assert crop.about.alt == "An orange dahlia in front of dark leaves, cropped closer"
    assert crop.image().width < whole.image().width


def test_a_source_that_its_package_has_replaced_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SOURCES", (dataclasses.replace(samples.SOURCES[0], sha256="0" * 64), *samples.SOURCES[1:]))
    assert [source.key for source in samples.missing()] == ["astronaut"]
    assert {sample.source.key for sample in samples.samples()} == {source.key for source in samples.SOURCES} - {"astronaut"}


def test_there_are_hundreds_of_drawn_pictures_of_many_families() -> None:
    assert len(FAMILIES) >= 15
    assert len(PICTURES) >= 240
    assert len({picture.name for picture in PICTURES}) == len(PICTURES)
    assert {picture.name for picture in PICTURES} | DULL == {Picture(family, n).name for family in FAMILIES for n in range(len(KINDS))}
    assert min(max(size) for size in SIZES) >= 1200
    assert {palette.mood for palette in PALETTES} == set(MOODS)


def test_families_and_kinds_take_turns() -> None:
    first = PICTURES[: len(FAMILIES)]
    assert len({picture.family.key for picture in first}) == len(first)
    assert len({KINDS[picture.number] for picture in first}) > 10


def test_drawn_pictures_say_what_they_are_and_whose() -> None:
    about = PICTURES[0].about
    assert about.alt.startswith("Drawn picture: ")
    assert (about.credit, about.licence) == ("Drawn by PAV", "CC0 1.0")
    assert about.licence_url.startswith("https://creativecommons.org/publicdomain/zero/")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.key)
def test_every_family_draws_pictures_that_differ_and_are_the_same_each_time(family: catalogue.Family) -> None:
    drawn = [small(Picture(family, number)) for number in (0, 5, 10, 15)]
    assert drawn[0].tobytes() == small(Picture(family, 0)).tobytes()
    thumbs = [np.asarray(image.convert("RGB").resize((24, 24)), float) for image in drawn]
    for number, one in enumerate(thumbs):
        assert drawn[number].mode == "RGB"
        assert one.std() > 4, "an even surface is no picture"
        assert all(abs(one - other).mean() > 8 for other in thumbs[:number])


def test_contrast_and_mood_are_seen_in_the_pixels() -> None:
    spread: dict[str, list[float]] = {"soft": [], "strong": []}
    warmth: dict[str, list[float]] = {mood: [] for mood in MOODS}
    for family in FAMILIES:
        for number in (1, 3, 4, 6, 8, 14):
            pixels = np.asarray(small(Picture(family, number), shrink=10).resize((48, 48)), float)
            mood, contrast, _density = KINDS[number]
            spread[contrast].append(pixels.mean(axis=-1).std())
            warmth[mood].append((pixels[..., 0] - pixels[..., 2]).mean())
    assert np.mean(spread["strong"]) > 1.3 * np.mean(spread["soft"])
    assert np.mean(warmth["warm"]) > 20 > -5 > np.mean(warmth["cool"])


def test_a_picture_is_drawn_once_and_kept(settings: Any, tmp_path: Path) -> None:
    settings.DRAWN_ROOT, settings.MEDIA_ROOT = tmp_path / "drawn", tmp_path / "media"
    picture = PICTURES[0]
    data = store.drawn(picture)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert image.size == (picture.brief().width, picture.brief().height)
    store.path(picture).write_bytes(b"kept")
    assert store.drawn(picture) == b"kept"


def test_the_sheet_shows_every_picture(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DRAWN_ROOT, settings.MEDIA_ROOT = tmp_path / "drawn", tmp_path / "media"
    monkeypatch.setattr(contact_sheet, "pictures", lambda: [picture for picture in PICTURES if picture.family is FAMILIES[0]][:2])
    monkeypatch.setattr(contact_sheet, "FAMILIES", FAMILIES[:1])
    contact_sheet.write(tmp_path / "sheet.webp")
    with Image.open(tmp_path / "sheet.webp") as sheet:
        assert sheet.width > 1.9 * sheet.height, "two pictures beside each other"
        assert np.asarray(sheet.convert("L")).std() > 10


def test_drawing_refuses_a_part_that_does_not_exist() -> None:
    with pytest.raises(CommandError, match="from 1 to 2"):
        call_command("draw_samples", part=3, parts=2)


@pytest.mark.django_db
def test_samples_are_imported_once(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DRAWN_ROOT = tmp_path / "drawn"
    monkeypatch.setattr("ratings.management.commands.import_photos.pictures", lambda: PICTURES[:2])
    call_command("import_photos", samples=True, verbosity=0)
    call_command("import_photos", samples=True, verbosity=0)
    assert Photo.objects.count() == len(PHOTOGRAPHS) + 2
    assert set(Photo.objects.filter(credit="Drawn by PAV").values_list("licence", flat=True)) == {"CC0 1.0"}


def test_the_documentation_names_every_source_with_its_licence_and_every_family() -> None:
    page = (BASE / "docs" / "photos.md").read_text()
    for source in samples.SOURCES:
        row = next(line for line in page.splitlines() if line.startswith(f"| {source.key} |"))
        for text in (source.path, source.credit, source.licence, source.licence_url, source.found_at):
            assert text in row
    for family in FAMILIES:
        assert f"| {family.key} | {family.alt} |" in page
