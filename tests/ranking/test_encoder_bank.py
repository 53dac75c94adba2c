"""A bank of an encoder without task vectors in the app: taken into use in the background, then swipes make an own ranking."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch
from PIL import Image

from personalize import apps
from personalize.bank_building import encoder_banks
from personalize.bank_building.encoder_banks import EncoderPlan
from personalize.files import banks
from personalize.tasks import extract_features, fill_projection, refit_rater, sweep
from personalize.worker import generic_score, loaded_bank
from personalize.worker import projections as worker
from ratings.models import Photo
from ratings.photos.services import add_photo
from ratings.ranking import exact_refits, projections
from ratings.ranking.models import FEATURES, FOLDS, PopulationPrior
from ratings.ranking.selectors import has_generic_score
from tests.guests import report_worker
from tests.personalize import small_clip
from tests.photos.making import encoded
from tests.ranking.versions import collect_all_requests

PHOTOS = 24
CACHED = (
    loaded_bank.bank_hash,
    loaded_bank.taste,
    loaded_bank.extractors,
    loaded_bank.raw_layout,
    loaded_bank.bank,
    loaded_bank._extractor,
)


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """A bank of a small encoder with random weights, imported without photos."""
    folder = tmp_path_factory.mktemp("encoder")
    small_clip.register(folder)
    torch.save(small_clip.whole_model(seed=1).state_dict(), folder / "weights.bin")
    encoder_banks.import_encoder(EncoderPlan(small_clip.NAME, folder / "weights.bin"), folder / "encoder.safetensors")
    return folder / "encoder.safetensors"


@pytest.fixture
def requested(monkeypatch) -> dict[str, list]:
    return collect_all_requests(monkeypatch)


@pytest.fixture
def switched(db, bank, settings, requested):
    """The setting names the bank, and the next start has registered it beside the shipped one, by which photos are ranked."""
    settings.PAV = settings.PAV | {"BANK": bank}
    for cached in CACHED:
        cached.cache_clear()
    apps.register_bank()
    yield bank
    for cached in CACHED:
        cached.cache_clear()


def add_photos(count: int = PHOTOS) -> list[Photo]:
    """Photos in red (every other one) and blue, the first one the oldest."""
    rng = np.random.default_rng(0)
    photos = []
    for number in range(count):
        colour = np.array([200, 60, 50] if number % 2 == 0 else [50, 60, 200]) + rng.integers(-40, 40, 3)
        pixels = np.clip(colour + rng.normal(scale=20, size=(96, 128, 3)), 0, 255).astype(np.uint8)
        photos.append(add_photo(data=encoded(Image.fromarray(pixels), "PNG"), name=f"{number}.png"))
        Photo.objects.filter(pk=photos[-1].pk).update(created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number))
    return photos


def work(requested: dict[str, list]) -> None:
    """Sweep until a worker has nothing more to do in the slow queue."""
    for _ in range(20):
        sweep()
        if not (requested["request_features"] or requested["request_fill"]):
            return
        while requested["request_features"]:
            extract_features(requested["request_features"].pop())
        while requested["request_fill"]:
            fill_projection(requested["request_fill"].pop())
    raise AssertionError("the slow queue never becomes empty")


def test_swipes_make_an_own_ranking_with_an_encoder_alone(switched, requested, guest):
    photos = add_photos()
    assert projections.current().bank == banks.read_metadata().hash
    work(requested)
    assert projections.current().bank == banks.read_metadata(switched).hash
    assert not has_generic_score()
    alice = guest()

    before = alice.get("/api/v1/ranking").json()
    newest_first = [photo.id for photo in reversed(photos)]
    assert [one["id"] for one in before["top"]] == newest_first
    assert before["active_model"] == {"name": "date", "comparison": None}

    red = {photo.id for photo in photos[::2]}
    rated = set()
    for _ in range(14):
        card = alice.deck()[0]
        rated.add(card["photo"]["id"])
        assert alice.rate(card["token"], "love" if card["photo"]["id"] in red else "dislike").status_code == 201
    refit_rater(alice.id)
    after = alice.get("/api/v1/ranking").json()
    assert after["active_model"]["name"] == "instant"
    unrated = [one["id"] in red for one in after["top"] if one["id"] not in rated]
    assert unrated == sorted(unrated, reverse=True)  # every red one before every blue one, among photos that were never rated
    assert {one["id"]: one["was"] for one in after["top"]} == {photo: place for place, photo in enumerate(newest_first, 1)}
    assert [one["id"] for one in alice.get("/api/v1/ranking?of=everyone").json()["top"]] == newest_first
    places = alice.get(f"/api/v1/photos?ids={newest_first[0]}").json()["photos"][0]
    assert places["everyones_place"] == 1
    assert alice.get("/api/v1/coefficients").json()["coefficients"] == []  # there is no score for everyone to have a coefficient on


def test_exact_refits_are_off_and_page_and_administration_say_so(switched, requested, guest, admin_client):
    add_photos(12)
    work(requested)
    report_worker("gpu", "exact")
    assert not exact_refits.wanted()
    assert exact_refits.begin_one(pause_seconds=0, least=1) is None
    page = guest().get("/").content.decode()
    assert "the slower, exact model is off on this server." in page
    assert "“Everyone” is in order of date, the newest first" in page
    listed = admin_client.get("/admin/ratings/projection/").content.decode()
    assert "the installed bank has no task vectors" in listed
    assert "Photos are in order of date for everyone" in listed


def test_a_first_bank_waits_for_ten_photos_and_learns_its_projection_from_them(no_bank, switched, requested, guest):
    add_photos(9)
    work_done = projections.current()
    assert work_done.photo_count == 0
    sweep()
    while requested["request_features"]:
        extract_features(requested["request_features"].pop())
    sweep()
    fill_projection(requested["request_fill"].pop())
    assert guest().deck() == []
    requested["request_fill"].clear()
    add_photos(10)
    work(requested)
    assert projections.current().photo_count == 10
    assert len(guest().deck()) == 5


def test_the_population_prior_gives_a_score_for_everyone_and_the_next_projection_keeps_it(switched, requested, guest, monkeypatch):
    add_photos()
    work(requested)
    now = projections.current()
    liked = np.random.default_rng(1).normal(size=FEATURES)
    liked[0] = 0
    assert generic_score.learn() is None
    PopulationPrior.objects.create(
        projection_id=now.id, is_current=True, rater_count=20, photo_count=PHOTOS, weights=[liked.tolist()] * FOLDS, report={}
    )
    monkeypatch.setattr(generic_score, "LEAST_RATERS", 0)
    fill_projection(generic_score.learn().pk)
    work(requested)
    assert has_generic_score()
    assert guest().get("/api/v1/ranking").json()["active_model"]["name"] == "generic"
    taught = projections.current()
    learned = worker.learn(taught)
    assert learned.has_generic_score
    raw = np.random.default_rng(2).normal(size=(50, loaded_bank.raw_layout().width))
    was, kept = (worker.loaded(one).apply(raw)[:, 0] for one in (taught.id, learned.pk))
    assert np.corrcoef(was, kept)[0, 1] > 0.999
