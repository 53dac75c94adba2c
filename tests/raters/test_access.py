"""Who may ask for what: guests, strangers, staff; sessions, CSRF, origins, limits."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from ratings.models import Bank, ExactRefit, Fit, ModelExport, PopulationPrior, Rater, RatingEvent
from ratings.ranking.selectors import generic_weights
from ratings.raters.admin_links import make_ticket

# Every address of the rating app: what anonymous, guest and staff get. A new address fails until it has a row.
MATRIX = {
    "home": ("get", "/", 200, 200, 200),
    "healthz": ("get", "/healthz", 503, 503, 503),  # no worker runs in this test
    "photo_file": ("get", "/photos/{photo}/{hash}/320.webp", 404, 404, 404),  # tests/photos has the files
    "ratings_csv": ("get", "/staff/ratings.csv", 302, 302, 200),
    "staff_enter": ("get", "/staff/enter/nonsense/", 403, 403, 403),
    "export_page": ("get", f"/staff/exports/{uuid4()}/", 302, 302, 404),
    "export_state": ("get", f"/staff/exports/{uuid4()}/state", 302, 302, 404),
    "export_file": ("get", "/staff/exports/file/nonsense/", 302, 302, 403),
    "api:rate": ("post", "/api/v1/ratings", 403, 400, 403),
    "api:undo": ("delete", "/api/v1/ratings/last", 403, 404, 403),
    "api:deck": ("get", "/api/v1/deck", 403, 200, 403),
    "api:ranking": ("get", "/api/v1/ranking", 403, 200, 403),
    "api:photos": ("get", "/api/v1/photos?ids=1", 403, 200, 403),
    "api:me": ("get", "/api/v1/me", 403, 200, 403),
    "api:change_me": ("patch", "/api/v1/me", 403, 422, 403),
    "api:openapi-json": ("get", "/api/v1/openapi.json", 200, 200, 200),
    "api:api-root": ("get", "/api/v1/", 404, 404, 404),
}


def names(resolver, prefix="") -> set[str]:
    found = set()
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            if pattern.app_name not in ("admin",) and "i18n" not in str(pattern.pattern):
                found |= names(pattern, f"{pattern.namespace}:" if pattern.namespace else prefix)
        elif pattern.name:
            found.add(prefix + pattern.name)
    return found


def test_every_address_has_a_row():
    assert names(get_resolver()) == set(MATRIX)


@pytest.mark.parametrize("name", MATRIX)
@pytest.mark.parametrize("who", ["anonymous", "guest", "staff"])
def test_the_permission_matrix(name, who, guest, photos):
    method, address, *expected = MATRIX[name]
    browser = Client()
    if who == "guest":
        browser = guest().browser
        browser.handler.enforce_csrf_checks = False
    if who == "staff":
        browser.force_login(get_user_model().objects.create_superuser("admin"))
    reply = getattr(browser, method)(address.format(photo=photos[0].id, hash=photos[0].content_hash))
    assert reply.status_code == expected[["anonymous", "guest", "staff"].index(who)]


def test_a_stranger_is_told_how_to_begin(guest, photos):
    assert Client().get("/api/v1/deck").json()["detail"] == "Open the start page first: it starts your session. Then try again."


def test_a_write_needs_the_csrf_token(alice):
    card = alice.deck()[0]
    body = {"client_id": str(uuid4()), "token": card["token"], "value": "like"}
    assert alice.browser.post("/api/v1/ratings", body, content_type="application/json").status_code == 403
    assert alice.browser.delete("/api/v1/ratings/last").status_code == 403
    assert RatingEvent.objects.count() == 0


def test_a_write_from_another_origin_is_refused(alice):
    card = alice.deck()[0]
    body = {"client_id": str(uuid4()), "token": card["token"], "value": "like"}
    headers = alice.headers() | {"Origin": "https://evil.example"}
    assert alice.browser.post("/api/v1/ratings", body, content_type="application/json", headers=headers).status_code == 403


def test_bob_has_a_ranking_and_a_deck_of_his_own(alice, bob):
    assert alice.id != bob.id
    assert {card["token"] for card in alice.deck()}.isdisjoint(card["token"] for card in bob.deck())
    before = bob.get("/api/v1/ranking").json()
    bank = Bank.objects.get(is_current=True)
    Fit.objects.create(rater_id=alice.id, weights=[-1.0] + [0.0] * 255, bank=bank, version=1, ratings_seq=1)
    assert [photo["id"] for photo in alice.get("/api/v1/ranking").json()["top"]] == [photo["id"] for photo in before["top"]][::-1]
    assert bob.get("/api/v1/ranking").json() == before


def test_a_second_visit_is_the_same_guest(alice):
    alice.browser.get("/")
    assert (alice.browser.session["rater"], Rater.objects.count()) == (alice.id, 1)


def test_a_deleted_guest_becomes_a_new_one(alice):
    Rater.objects.all().delete()
    alice.browser.get("/")
    assert alice.browser.session["rater"] != alice.id


def test_too_many_answers_are_told_when_to_come_back(alice, settings):
    settings.PAV = settings.PAV | {"LIMIT_RATINGS": "2/minute"}
    replies = [alice.rate(str(uuid4())) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [404, 404, 429]
    assert 1 <= int(replies[2]["Retry-After"]) <= 60
    assert "wait" in replies[2].json()["detail"]


def test_too_many_new_guests_from_one_address_are_refused(guest, photos, settings):
    settings.PAV = settings.PAV | {"LIMIT_GUESTS": "1/hour"}
    guest()
    assert Client().get("/").status_code == 429


def test_limits_refuse_nobody_while_redis_is_away(alice, settings):
    from ratings import limits

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limits._limiter.cache_clear()
    try:
        assert alice.get("/api/v1/deck").status_code == 200
    finally:
        limits._limiter.cache_clear()


def test_the_link_of_the_administrator_works_once(db, guest):
    ticket = make_ticket()
    first, second = Client().get(f"/staff/enter/{ticket}/"), Client().get(f"/staff/enter/{ticket}/")
    assert (first.status_code, first["Location"]) == (302, "/admin/")
    assert second.status_code == 403


def test_an_older_link_dies_when_a_newer_one_is_used(db, guest):
    older, newer = make_ticket(), make_ticket()
    assert Client().get(f"/staff/enter/{newer}/").status_code == 302
    assert Client().get(f"/staff/enter/{older}/").status_code == 403


def test_the_administration_shows_a_row_of_every_table(alice):
    alice.rate(alice.deck()[0]["token"])
    admin = get_user_model().objects.create_superuser("admin")
    bank = Bank.objects.get(is_current=True)
    PopulationPrior.objects.create(bank=bank, rater_count=1, photo_count=1, report={})
    Fit.objects.create(rater_id=alice.id, bank=bank, weights=generic_weights())
    ExactRefit.objects.create(rater_id=alice.id, bank=bank, ratings_seq=1)
    ModelExport.objects.create(requested_by=admin, file_format="json", raters=[], step_queued_at=timezone.now())
    browser = Client()
    browser.force_login(admin)
    for model in apps.get_app_config("ratings").get_models():
        row, pages = model.objects.first(), f"/admin/ratings/{model._meta.model_name}/"
        page = f"{pages}{quote(row.pk)}/change/"
        assert page in browser.get(pages).content.decode()
        assert browser.get(page).status_code == 200


def test_no_event_can_be_altered_by_the_administrator(alice):
    alice.rate(alice.deck()[0]["token"])
    event = RatingEvent.objects.get()
    browser = Client()
    browser.force_login(get_user_model().objects.create_superuser("admin"))
    browser.post(f"/admin/ratings/ratingevent/{event.id}/delete/", {"post": "yes"})
    browser.post(f"/admin/ratings/ratingevent/{event.id}/change/", {"value": "1"})
    assert RatingEvent.objects.get().value == event.value
