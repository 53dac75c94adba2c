"""Analyses of agreement: requested by an administrator, made by the worker, shown on their pages."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.utils import timezone

from personalize import tasks
from personalize.agreement.resampling import BootstrapPlan
from personalize.worker import agreement_analysis
from ratings.agreement import services
from ratings.agreement.models import AgreementAnalysis
from ratings.models import Photo, Presentation, Rater, RatingEvent
from tests.exports.asking import staff
from tests.guests import collect_requests, make_photos

pytestmark = pytest.mark.django_db
PAGES = "/staff/agreement/"
RATERS, PHOTOS = 8, 24


@pytest.fixture
def admin(settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    return staff("admin", superuser=True)


@pytest.fixture
def requested(monkeypatch) -> list[UUID]:
    """The queue of analyses."""
    monkeypatch.setattr(agreement_analysis, "BootstrapPlan", lambda: BootstrapPlan(draws=20))
    return collect_requests(monkeypatch, "request_agreement")


def rate(raters: list[Rater], photos: list[Photo], algorithm: str = "explore") -> None:
    """Ratings that differ between photos and between raters."""
    rng = np.random.default_rng(0)
    liked = rng.normal(size=len(photos))
    for rater in raters:
        start = RatingEvent.objects.filter(rater=rater).count()
        own = np.digitize(liked + rng.normal(size=len(photos)), [-0.5, 0.8]) + 1
        for place, (photo, value) in enumerate(zip(photos, own.tolist(), strict=True), start + 1):
            card = Presentation.objects.create(
                rater=rater, photo=photo, algorithm=algorithm, position=place, value=value, rated_at=timezone.now()
            )
            RatingEvent.objects.create(rater=rater, seq=place, client_id=uuid4(), kind="set", presentation=card, value=value)


@pytest.fixture
def raters() -> list[Rater]:
    raters = [Rater.objects.create() for _ in range(RATERS)]
    rate(raters, make_photos(PHOTOS))
    return raters


def test_an_analysis_is_made_once_and_shown_with_its_files(admin, raters, requested, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        row = AgreementAnalysis.objects.get(id=admin.post(PAGES).url.split("/")[-2])
    assert "A worker is analysing" in admin.get(f"{PAGES}{row.id}/").content.decode()
    tasks.analyse_agreement(str(row.id))
    row.refresh_from_db()
    tasks.analyse_agreement(str(row.id))

    again = AgreementAnalysis.objects.get(id=row.id)
    assert (row.state, row.rating_count, row.left_out_count) == ("done", RATERS * PHOTOS, 0)
    assert again.finished_at == row.finished_at
    page = admin.get(f"{PAGES}{row.id}/").content.decode()
    assert f"{RATERS * PHOTOS} ratings, analysed" in page
    assert "alpha" in page
    assert json.loads(admin.get(f"{PAGES}{row.id}/agreement.json").content)["counts"]["raters"] == RATERS
    plots = [name for name in row.files if name.endswith(".svg")]
    assert plots
    for name in plots:
        shown = admin.get(f"{PAGES}{row.id}/{name}")
        assert (shown["Content-Type"], shown["Content-Disposition"]) == ("image/svg+xml", f'inline; filename="{name}"')
        assert admin.get(f"{PAGES}{row.id}/{name}?download")["Content-Disposition"].startswith("attachment")
    assert admin.get(f"{PAGES}{row.id}/other.txt").status_code == 404
    assert str(row.id) in admin.get(PAGES).content.decode()
    assert admin.get("/admin/ratings/agreementanalysis/").url == PAGES


def test_photos_that_the_taste_model_chose_and_own_photos_take_no_part(admin, raters, requested, django_capture_on_commit_callbacks):
    rate(raters[:3], make_photos(5, seed=1), algorithm="teach")
    rate(raters[:1], make_photos(4, seed=2, owner=raters[0]))
    with django_capture_on_commit_callbacks(execute=True):
        row = AgreementAnalysis.objects.get(id=admin.post(PAGES).url.split("/")[-2])
    tasks.analyse_agreement(str(row.id))
    row.refresh_from_db()

    assert (row.rating_count, row.left_out_count) == (RATERS * PHOTOS, 15)
    assert "15 ratings of photos that the taste model chose are left out." in admin.get(f"{PAGES}{row.id}/").content.decode()


def test_without_ratings_the_page_says_so(admin, requested, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        page = admin.post(PAGES).url
    tasks.analyse_agreement(str(requested[-1]))

    assert "There are no ratings to analyse." in admin.get(page).content.decode()


def test_a_second_analysis_waits_for_the_first(admin, requested):
    admin.post(PAGES)

    assert "An analysis is under way" in admin.post(PAGES).content.decode()
    assert AgreementAnalysis.objects.count() == 1


def test_only_administrators_who_may_see_it(client, admin, settings):
    assert client.get(PAGES).status_code == 302
    other = staff("helper")
    assert other.get(PAGES).status_code == 403
    assert other.post(PAGES).status_code == 403
    row = AgreementAnalysis.objects.create(queued_at=timezone.now())
    assert other.get(f"{PAGES}{row.id}/agreement.json").status_code == 403


def test_a_lost_analysis_is_queued_again_and_one_of_hours_has_failed(requested):
    long_ago = timezone.now() - timedelta(minutes=30)
    lost = AgreementAnalysis.objects.create(queued_at=long_ago)
    hanging = AgreementAnalysis.objects.create(queued_at=long_ago, state="running")
    AgreementAnalysis.objects.filter(id=hanging.id).update(created_at=timezone.now() - timedelta(hours=3))

    services.requeue_lost(waiting_seconds=600)
    services.requeue_lost(waiting_seconds=600)

    assert requested == [lost.id]
    hanging.refresh_from_db()
    assert hanging.state == "failed"


def test_the_newest_twenty_are_kept(admin, requested):
    for _ in range(25):
        AgreementAnalysis.objects.create(queued_at=timezone.now(), state="done")
    admin.post(PAGES)

    assert AgreementAnalysis.objects.count() == services.KEPT
