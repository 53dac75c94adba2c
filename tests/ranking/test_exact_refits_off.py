"""What the page and the administration say of exact refits, by the workers that live; never by what this process can import."""

import pytest
from django.utils import translation

from personalize.worker import capabilities
from ratings import health
from ratings.models import Fit
from ratings.ranking.selectors import generic_weights
from ratings.raters.services import make_guest
from ratings.redis_client import redis_client
from tests.exports.asking import RATERS, choose, staff
from tests.guests import current_projection, report_worker

LISTS = (RATERS, "/admin/ratings/exactrefit/")
OFF = "Exact refits are off: no worker has PyTorch. Install it on a worker with ./pav install research, then restart the worker."
PROMISE = "when you take a break, PAV also tries a slower, exact model"
NOT_HERE = "The instant model updates with every swipe; the slower, exact model is off on this server."


@pytest.fixture
def admin(db):
    return staff("admin", superuser=True)


@pytest.fixture
def no_redis(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.cache_clear()
    yield
    redis_client.cache_clear()


def help_text(guest) -> str:
    return guest().browser.get("/").content.decode()


def said(guest, admin) -> tuple[bool, bool, bool]:
    """Whether the page promises exact refits, whether it says that they are off, and whether the administration does."""
    text, lists = help_text(guest), {OFF in admin.get(page).content.decode() for page in LISTS}
    assert len(lists) == 1
    return PROMISE in text, NOT_HERE in text, lists.pop()


def test_the_page_promises_exact_refits_where_a_worker_does_them(guest, admin):
    report_worker("gpu")
    report_worker("gpu", "exact")
    assert said(guest, admin) == (True, False, False)


def test_page_and_administration_say_that_no_worker_does_them_though_this_process_could(guest, admin):
    assert capabilities.exact_fits()
    report_worker("refit")
    report_worker("gpu")
    assert said(guest, admin) == (False, True, True)


def test_nothing_is_said_while_no_slow_worker_lives(guest, admin):
    report_worker("refit")
    assert said(guest, admin) == (False, False, False)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_is_said_without_redis(guest, admin, no_redis):
    assert said(guest, admin) == (False, False, False)


def test_exact_refits_that_the_setting_turns_off_are_not_promised(guest, admin, settings):
    settings.PAV = settings.PAV | {"EXACT_REFIT_AFTER": 0}
    report_worker("gpu", "exact")
    assert said(guest, admin) == (False, True, False)
    health.withdraw(health.live_workers()[0])
    report_worker("gpu")
    assert said(guest, admin) == (False, True, False)  # PyTorch would not turn them on


def test_the_sentences_are_translated(guest, admin):
    report_worker("gpu")
    with translation.override("ja"):
        off, not_here = translation.gettext(OFF), translation.gettext(NOT_HERE)
    assert OFF != off in admin.get(RATERS, headers={"Accept-Language": "ja"}).content.decode()
    assert NOT_HERE != not_here in guest().browser.get("/", headers={"Accept-Language": "ja"}).content.decode()


def test_the_form_of_an_export_counts_the_models_that_no_worker_can_export(admin, photos):
    raters = [make_guest() for _ in range(3)]
    for rater in raters[:2]:
        exact_order = {"photos": [photos[0].id], "scores": [1.0]}
        Fit.objects.create(rater=rater, projection_id=current_projection(), weights=generic_weights(), exact_order=exact_order)
    report_worker("gpu", "exact")
    sentence = "be exported now, because no worker has PyTorch"
    assert sentence not in choose(admin, raters).content.decode()
    health.withdraw(health.live_workers()[0])
    report_worker("gpu")
    assert f"The exact models of 2 raters can’t {sentence}" in choose(admin, raters).content.decode()
    assert f"The exact model of 1 rater can’t {sentence}" in choose(admin, raters[1:]).content.decode()
    assert sentence not in choose(admin, raters[2:]).content.decode()
