"""Sample photos and their treatments."""

import dataclasses
import hashlib
import itertools

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image

from pav_site.environment import BASE
from ratings.models import Photo
from ratings.photos import samples
from ratings.photos.treatments import COLOUR_TREATMENTS, GREY_TREATMENTS, treated

EVERYTHING = samples.samples()
PIXELS = {  # sha256, shortened
    "faded": "fe9dceda5ffd43cc",
    "warm": "df47a2866d2899ea",
    "cool": "47a7df843c834215",
    "vivid": "6d9d8bc395bfb8f7",
    "muted": "2e7139021b6e8722",
    "black-and-white": "317052e2d9e4db07",
    "vignette": "d377754d32d486a5",
    "sepia": "ed693045f8e21461",
    "cyanotype": "f57a93bbf46c6341",
    "split-tone": "92501107a45cf9a6",
}


def pixels(sample: samples.Sample) -> np.ndarray:
    return np.asarray(sample.image().convert("RGB")).astype(float)


def by_name(name: str) -> samples.Sample:
    return next(sample for sample in EVERYTHING if sample.name == name)


def test_there_are_at_least_120_samples_and_no_source_is_missing():
    assert list(samples.missing()) == []
    assert len(EVERYTHING) >= 120
    assert len({sample.name for sample in EVERYTHING}) == len(EVERYTHING)


def test_every_source_comes_untreated_and_in_twelve_treatments():
    for source in samples.SOURCES:
        treatments = [sample.treatment for sample in EVERYTHING if sample.source is source]
        assert "" in treatments
        assert len(treatments) == 13


def test_every_source_has_a_credit_and_a_licence():
    for source in samples.SOURCES:
        assert source.credit
        assert source.licence in {"CC0 1.0", "CC BY 2.0", "Public domain", "No known copyright restrictions"}
        assert source.licence_url or not source.licence.startswith("CC")
        assert source.found_at or source.licence != "CC BY 2.0", "a licence with attribution needs the way to the original"


def test_the_credit_of_a_treated_photo_states_the_change():
    warm = by_name("dahlia-warm.png")

    assert warm.alt == "An orange dahlia in front of dark leaves, warm"
    assert warm.credit == "vultilion on Flickr (changed: warm)"
    assert by_name("dahlia.png").credit == "vultilion on Flickr"


def test_consecutive_samples_differ_in_source_and_treatment():
    treated_ones = [sample for sample in EVERYTHING if sample.treatment]

    for one, next_one in itertools.pairwise(treated_ones):
        assert one.source is not next_one.source
        assert one.treatment != next_one.treatment


@pytest.mark.parametrize("sample", [sample for sample in EVERYTHING if sample.source.key in {"cat", "cameraman"}], ids=lambda s: s.name)
def test_every_treatment_is_visible_and_reproducible(sample):
    untreated = by_name(f"{sample.source.key}.png")

    assert np.array_equal(pixels(sample), pixels(sample))
    if sample.treatment:
        changed = pixels(sample)
        assert changed.shape != pixels(untreated).shape or abs(changed - pixels(untreated)).mean() > 4


@pytest.mark.parametrize(
    ("treatment", "what", "grows"),
    [
        ("brighter", lambda p: p.mean(), True),
        ("darker", lambda p: p.mean(), False),
        ("contrast", lambda p: p.std(), True),
        ("faded", lambda p: p.std(), False),
        ("warm", lambda p: (p[..., 0] - p[..., 2]).mean(), True),
        ("cool", lambda p: (p[..., 0] - p[..., 2]).mean(), False),
        ("vivid", lambda p: (p.max(axis=-1) - p.min(axis=-1)).mean(), True),
        ("muted", lambda p: (p.max(axis=-1) - p.min(axis=-1)).mean(), False),
        ("soft", lambda p: abs(np.diff(p, axis=1)).mean(), False),
        ("vignette", lambda p: p[:20, :20].mean() / p[120:180, 190:260].mean(), False),
    ],
)
def test_a_treatment_does_what_its_name_says(treatment, what, grows):
    before, after = what(pixels(by_name("cat.png"))), what(pixels(by_name(f"cat-{treatment}.png")))

    assert after > 1.1 * before if grows else after < 0.9 * before


def test_black_and_white_has_no_colour():
    grey = pixels(by_name("cat-black-and-white.png"))

    assert (grey.max(axis=-1) - grey.min(axis=-1)).max() == 0


def test_the_same_photo_gives_the_same_pixels_on_every_processor():
    """The hashes come from one processor. Others round sums of products differently, and these pixels contain hundreds of exact halves."""
    rng = np.random.default_rng(11)
    image = Image.fromarray(rng.integers(0, 256, (400, 400, 3), dtype=np.uint8))
    found = {}
    for treatment in ("faded", "warm", "cool", "vivid", "muted", "black-and-white", "vignette", "sepia", "cyanotype", "split-tone"):
        found[treatment] = hashlib.sha256(treated(image, treatment, (0.0, 0.0, 1.0, 1.0)).tobytes()).hexdigest()[:16]

    assert found == PIXELS


@pytest.mark.parametrize("treatment", [*COLOUR_TREATMENTS, *GREY_TREATMENTS])
@pytest.mark.parametrize("colour", ["black", "white", "red"])
def test_treatments_keep_flat_pictures_within_bounds(treatment, colour):
    changed = treated(Image.new("RGB", (100, 80), colour), treatment, (0.1, 0.1, 0.9, 0.9))

    assert changed.mode == "RGB"
    if colour == "black" and treatment != "faded":
        assert np.asarray(changed).max() < 40


def test_a_source_that_its_package_has_replaced_is_left_out(monkeypatch):
    monkeypatch.setattr(samples, "SOURCES", (dataclasses.replace(samples.SOURCES[0], sha256="0" * 64), *samples.SOURCES[1:]))

    assert [source.key for source in samples.missing()] == ["astronaut"]
    assert {sample.source.key for sample in samples.samples()} == {source.key for source in samples.SOURCES} - {"astronaut"}


@pytest.mark.django_db
def test_all_samples_become_photos_with_alt_credit_and_licence(capsys):
    call_command("import_photos", samples=True)

    assert f"{len(EVERYTHING)} photos imported, 0 were there already, 0 refused." in capsys.readouterr().out
    assert Photo.objects.filter(owner=None).exclude(alt="").exclude(credit="").exclude(licence="").count() == len(EVERYTHING)


def test_the_documentation_names_every_source_with_its_licence():
    page = (BASE / "docs" / "photos.md").read_text()

    for source in samples.SOURCES:
        row = next(line for line in page.splitlines() if line.startswith(f"| {source.key} |"))
        for text in (source.path, source.credit, source.licence, source.licence_url, source.found_at):
            assert text in row
