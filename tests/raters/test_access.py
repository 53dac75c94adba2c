"""Access to every URL: anonymous visitors, guests and staff; sessions, CSRF, origins and rate limits."""

from uuid import uuid4

import numpy as np
import pytest
from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from ratings.models import (
    AgreementAnalysis,
    Album,
    AlbumPhoto,
    Catalogue,
    Download,
    ExactRefit,
    Fit,
    Invitation,
    MergedGuest,
    ModelExport,
    Original,
    Photo,
    PhotoFeatures,
    PhotoView,
    PopulationPrior,
    Projection,
    Rater,
    RatingEvent,
    RawFeatures,
    Upload,
)
from ratings.ranking.selectors import generic_weights
from ratings.raters.admin_links import make_ticket
from tests.guests import current_projection, give_features
from tests.studies.taking_part import make_rows_of_every_table

# The status codes of every URL for anonymous visitors, guests and staff. A new URL fails the test until it has a row.
MATRIX = {
    "home": ("get", "/", 200, 200, 200),
    "healthz": ("get", "/healthz", 503, 503, 503),  # no worker runs in this test
    "photo_file": ("get", "/photos/{photo}/{hash}/320.webp", 404, 404, 404),  # the files themselves are tested in tests/photos
    "ratings_csv": ("get", "/staff/ratings.csv", 302, 302, 200),
    "own_photo": ("get", "/staff/photos/", 302, 302, 200),
    "download_file": ("get", "/downloads/nonsense/", 404, 404, 404),
    "albums": ("get", "/albums/", 200, 200, 200),
    "album": ("get", f"/albums/{uuid4()}/", 404, 404, 404),  # of owners: tests/albums
    "album_bin": ("get", "/albums/bin/", 302, 200, 200),
    "rate_album": ("get", f"/albums/{uuid4()}/rate/", 404, 404, 404),
    "account_overview": ("get", "/account/", 302, 302, 200),
    "account_merge": ("get", "/account/merge/", 302, 302, 302),
    "account_invitation": ("get", f"/account/invitation/{uuid4()}/", 403, 403, 403),
    "staff_enter": ("get", "/staff/enter/nonsense/", 403, 403, 403),
    "agreement": ("get", "/staff/agreement/", 302, 302, 200),
    "agreement_page": ("get", f"/staff/agreement/{uuid4()}/", 302, 302, 404),
    "agreement_file": ("get", f"/staff/agreement/{uuid4()}/page.txt", 302, 302, 404),
    "export_page": ("get", f"/staff/exports/{uuid4()}/", 302, 302, 404),
    "export_state": ("get", f"/staff/exports/{uuid4()}/state", 302, 302, 404),
    "export_file": ("get", "/staff/exports/file/nonsense/", 302, 302, 403),
    "api:rate": ("post", "/api/v1/ratings", 403, 400, 400),
    "api:rate_picked": ("post", "/api/v1/ratings/picked", 403, 400, 400),
    "api:undo": ("delete", "/api/v1/ratings/last", 403, 404, 404),
    "api:deck": ("get", "/api/v1/deck", 403, 200, 200),
    "api:ranking": ("get", "/api/v1/ranking", 403, 200, 200),
    "api:coefficients": ("get", "/api/v1/coefficients", 403, 200, 200),
    "api:photos": ("get", "/api/v1/photos?ids=1", 403, 200, 200),
    "api:me": ("get", "/api/v1/me", 403, 200, 200),
    "api:change_me": ("patch", "/api/v1/me", 403, 422, 422),
    "api:albums": ("get", "/api/v1/albums", 403, 200, 200),
    "api:make_album": ("post", "/api/v1/albums", 403, 400, 400),
    "api:one_album": ("get", f"/api/v1/albums/{uuid4()}", 403, 404, 404),
    "api:change_album": ("patch", f"/api/v1/albums/{uuid4()}", 403, 422, 422),
    "api:delete_album": ("delete", f"/api/v1/albums/{uuid4()}", 403, 404, 404),
    "api:add_photos": ("post", f"/api/v1/albums/{uuid4()}/photos", 403, 400, 400),
    "api:remove_photos": ("post", f"/api/v1/albums/{uuid4()}/remove", 403, 400, 400),
    "api:album_photos": ("get", f"/api/v1/albums/{uuid4()}/photos", 403, 404, 404),
    "api:album_opinions": ("get", f"/api/v1/albums/{uuid4()}/opinions", 403, 404, 404),
    "api:album_best": ("get", f"/api/v1/albums/{uuid4()}/best", 403, 404, 404),
    "api:binned_photos": ("get", "/api/v1/bin", 403, 200, 200),
    "api:bin_photos": ("post", "/api/v1/bin", 403, 400, 400),
    "api:restore_photos": ("post", "/api/v1/bin/restore", 403, 400, 400),
    "api:purge_photos": ("post", "/api/v1/bin/purge", 403, 400, 400),
    "api:uploads": ("get", f"/api/v1/uploads?album={uuid4()}", 403, 404, 404),
    "api:known": ("post", "/api/v1/uploads/known", 403, 400, 400),
    "api:dismiss": ("delete", f"/api/v1/uploads?album={uuid4()}", 403, 404, 404),
    "api:file_ratings": ("get", f"/api/v1/uploads/stars?album={uuid4()}", 403, 404, 404),
    "api:note_sidecars": ("patch", f"/api/v1/uploads/stars?album={uuid4()}", 403, 422, 422),
    "api:import_file_ratings": ("post", f"/api/v1/uploads/stars?album={uuid4()}", 403, 404, 404),
    "api:request_download": ("post", "/api/v1/downloads", 403, 400, 400),
    "api:download": ("get", f"/api/v1/downloads/{uuid4()}", 403, 404, 404),
    "api:delete_download": ("delete", f"/api/v1/downloads/{uuid4()}", 403, 404, 404),
    "api:openapi-json": ("get", "/api/v1/openapi.json", 200, 200, 200),
    "api:api-root": ("get", "/api/v1/", 404, 404, 404),
    "study_entry": ("get", "/study/none/", 404, 404, 404),  # studies themselves are tested in tests/studies
    "study_run": ("get", "/study/none/run/", 404, 404, 404),
    "study_withdraw": ("get", "/study/none/withdraw/", 404, 404, 404),
    "study_photo": ("get", "/study/none/photos/1/abc/320.webp", 404, 404, 404),
    "studies": ("get", "/studies/", 302, 302, 200),
    "study": ("get", "/studies/none/", 302, 302, 404),
    "study_design": ("get", "/studies/none/design/", 302, 302, 404),
    "study_participants": ("get", "/studies/none/participants/", 302, 302, 404),
    "study_file": ("get", "/studies/none/files/trials.csv", 302, 302, 404),
    "api:claim": ("post", "/api/v1/studies/none/claim", 403, 403, 403),
    "api:answer": ("post", "/api/v1/studies/none/trials", 403, 403, 403),
    "api:undo_trial": ("post", "/api/v1/studies/none/undo", 403, 403, 403),
    "api:note": ("post", "/api/v1/studies/none/events", 403, 403, 403),
    # allauth's
    "account_login": ("get", "/account/login/", 200, 200, 302),
    "account_logout": ("get", "/account/logout/", 302, 302, 200),
    "account_inactive": ("get", "/account/inactive/", 200, 200, 200),
    "account_signup": ("get", "/account/signup/", 200, 200, 302),
    "account_signup_by_passkey": ("get", "/account/signup/passkey/", 200, 200, 302),
    "account_reauthenticate": ("get", "/account/reauthenticate/", 302, 302, 403),
    "account_request_reauthentication_code": ("get", "/account/reauthenticate/code/", 302, 302, 403),
    "account_confirm_reauthentication_code": ("get", "/account/reauthenticate/code/confirm/", 302, 302, 302),
    "account_email": ("get", "/account/email/", 302, 302, 200),
    "account_email_verification_sent": ("get", "/account/confirm-email/", 302, 302, 302),
    "account_change_password": ("get", "/account/password/change/", 302, 302, 302),
    "account_set_password": ("get", "/account/password/set/", 302, 302, 200),
    "account_reset_password": ("get", "/account/password/reset/", 200, 200, 200),
    "account_confirm_password_reset_code": ("get", "/account/password/reset/confirm/", 302, 302, 302),
    "account_complete_password_reset": ("get", "/account/password/reset/complete/", 302, 302, 302),
    "account_password_reset_completed": ("get", "/account/password/reset/done/", 200, 200, 200),
    "account_request_login_code": ("get", "/account/login/code/", 200, 200, 302),
    "account_confirm_login_code": ("get", "/account/login/code/confirm/", 302, 302, 302),
    "mfa_index": ("get", "/account/2fa/", 302, 302, 200),
    "mfa_authenticate": ("get", "/account/2fa/authenticate/", 302, 302, 302),
    "mfa_reauthenticate": ("get", "/account/2fa/reauthenticate/", 302, 302, 403),
    "mfa_activate_totp": ("get", "/account/2fa/totp/activate/", 302, 302, 200),
    "mfa_deactivate_totp": ("get", "/account/2fa/totp/deactivate/", 302, 302, 404),
    "mfa_view_recovery_codes": ("get", "/account/2fa/recovery-codes/", 302, 302, 404),
    "mfa_generate_recovery_codes": ("get", "/account/2fa/recovery-codes/generate/", 302, 302, 200),
    "mfa_download_recovery_codes": ("get", "/account/2fa/recovery-codes/download/", 302, 302, 404),
    "mfa_list_webauthn": ("get", "/account/2fa/webauthn/", 302, 302, 200),
    "mfa_add_webauthn": ("get", "/account/2fa/webauthn/add/", 302, 302, 200),
    "mfa_reauthenticate_webauthn": ("get", "/account/2fa/webauthn/reauthenticate/", 302, 302, 403),
    "mfa_remove_webauthn": ("get", "/account/2fa/webauthn/keys/1/remove/", 302, 302, 404),
    "mfa_edit_webauthn": ("get", "/account/2fa/webauthn/keys/1/edit/", 302, 302, 404),
    "mfa_login_webauthn": ("get", "/account/2fa/webauthn/login/", 302, 302, 302),
    "mfa_signup_webauthn": ("get", "/account/2fa/webauthn/signup/", 302, 302, 302),
    "usersessions_list": ("get", "/account/sessions/", 302, 302, 200),
}

OWN_PAGES = {AgreementAnalysis: "/staff/agreement/{}/"}  # tables that the administration shows elsewhere


def url_names(resolver, prefix="") -> set[str]:
    found = set()
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            if pattern.app_name not in ("admin",) and "i18n" not in str(pattern.pattern):
                found |= url_names(pattern, f"{pattern.namespace}:" if pattern.namespace else prefix)
        elif pattern.name:
            found.add(prefix + pattern.name)
    return found


def test_every_url_has_a_row_in_the_permission_matrix():
    assert url_names(get_resolver()) == set(MATRIX)


@pytest.mark.parametrize("name", MATRIX)
@pytest.mark.parametrize("who", ["anonymous", "guest", "staff"])
def test_the_status_code_is_the_one_in_the_permission_matrix(name, who, guest, photos):
    method, address, *expected = MATRIX[name]
    browser = Client()
    if who == "guest":
        browser = guest().browser
        browser.handler.enforce_csrf_checks = False
    if who == "staff":
        browser.force_login(get_user_model().objects.create_superuser("admin"))
    reply = getattr(browser, method)(address.format(photo=photos[0].id, hash=photos[0].content_hash))
    assert reply.status_code == expected[["anonymous", "guest", "staff"].index(who)]


def test_the_api_tells_a_visitor_without_a_session_to_open_the_start_page(guest, photos):
    assert Client().get("/api/v1/deck").json()["detail"] == "Open the start page first: it starts your session. Then try again."


def test_a_write_without_the_csrf_token_is_refused(alice):
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


def test_each_rater_has_a_separate_ranking_and_deck(alice, bob):
    assert alice.id != bob.id
    assert {card["token"] for card in alice.deck()}.isdisjoint(card["token"] for card in bob.deck())
    before = bob.get("/api/v1/ranking").json()
    Fit.objects.create(rater_id=alice.id, weights=[-1.0] + [0.0] * 255, projection_id=current_projection(), version=1, ratings_seq=1)
    assert [photo["id"] for photo in alice.get("/api/v1/ranking").json()["top"]] == [photo["id"] for photo in before["top"]][::-1]
    assert bob.get("/api/v1/ranking").json() == before


def test_a_second_visit_continues_as_the_same_guest(alice):
    alice.browser.get("/")
    assert (alice.browser.session["rater"], Rater.objects.count()) == (alice.id, 1)


def test_a_deleted_guest_gets_a_new_session(alice):
    Rater.objects.all().delete()
    alice.browser.get("/")
    assert alice.browser.session["rater"] != alice.id


def test_too_many_ratings_are_refused_with_the_time_to_wait(alice, settings):
    settings.PAV = settings.PAV | {"LIMIT_RATINGS": "2/minute"}
    replies = [alice.rate(str(uuid4())) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [404, 404, 429]
    assert 1 <= int(replies[2]["Retry-After"]) <= 60
    assert "wait" in replies[2].json()["detail"]


def test_too_many_new_guests_from_one_address_are_refused(guest, photos, settings):
    settings.PAV = settings.PAV | {"LIMIT_GUESTS": "1/hour"}
    guest()
    reply = Client().get("/")
    assert reply.status_code == 429
    assert 1 <= int(reply["Retry-After"]) <= 3600
    assert f'http-equiv="refresh" content="{reply["Retry-After"]}"' in reply.text  # the page updates automatically


def test_rate_limits_fail_open_when_redis_is_down(alice, settings):
    from ratings import limits

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    limits._limiter.cache_clear()
    try:
        assert alice.get("/api/v1/deck").status_code == 200
    finally:
        limits._limiter.cache_clear()


def test_an_administrator_link_works_once(db, guest):
    ticket = make_ticket()
    first, second = Client().get(f"/staff/enter/{ticket}/"), Client().get(f"/staff/enter/{ticket}/")
    assert (first.status_code, first["Location"]) == (302, "/admin/")
    assert second.status_code == 403


def test_using_a_newer_administrator_link_invalidates_older_ones(db, guest):
    older, newer = make_ticket(), make_ticket()
    assert Client().get(f"/staff/enter/{newer}/").status_code == 302
    assert Client().get(f"/staff/enter/{older}/").status_code == 403


def test_the_administration_lists_and_shows_rows_of_every_table(alice):
    alice.rate(alice.deck()[0]["token"])
    admin = get_user_model().objects.create_superuser("admin")
    projection = Projection.objects.get(state="current")
    PopulationPrior.objects.create(projection=projection, rater_count=1, photo_count=1, report={})
    Fit.objects.create(rater_id=alice.id, projection=projection, weights=generic_weights())
    ExactRefit.objects.create(rater_id=alice.id, bank=projection.bank, projection=projection, ratings_seq=1)
    RawFeatures.objects.create(photo=Photo.objects.first(), extractors="e" * 16, data=b"")
    Invitation.objects.create(expires_at=timezone.now())
    MergedGuest.objects.create(guest=uuid4(), rater_id=alice.id, first_seq=1, event_count=1)
    ModelExport.objects.create(requested_by=admin, file_format="json", raters=[], step_queued_at=timezone.now())
    AlbumPhoto.objects.create(album=Album.objects.create(owner_id=alice.id, name="Sea"), photo=Photo.objects.first())
    Catalogue.objects.create()
    AgreementAnalysis.objects.create(queued_at=timezone.now())
    album = Album.objects.get()
    Upload.objects.create(owner_id=alice.id, album=album, name="a.jpg", size_bytes=1)
    Original.objects.create(owner_id=alice.id, photo=Photo.objects.first(), sha256="0" * 64, name="a.jpg", stem="a", size_bytes=1)
    Download.objects.create(owner_id=alice.id, album=album, photos=[], choices={}, step_at=timezone.now())
    PhotoView.objects.create(photo_number=1, owner=alice.id, user=admin, reason="report 17")
    make_rows_of_every_table()
    browser = Client()
    browser.force_login(admin)
    for model in apps.get_app_config("ratings").get_models():
        row, pages = model.objects.first(), f"/admin/ratings/{model._meta.model_name}/"
        page = f"{pages}{quote(row.pk)}/change/"
        assert OWN_PAGES.get(model, page).format(row.pk) in browser.get(pages, follow=True).content.decode()
        assert browser.get(page, follow=True).status_code == 200


def test_only_staff_who_may_change_projections_bring_one_back(photos):
    current = current_projection()
    kept = Projection.objects.create(bank_id="test-bank", state="kept")
    for photo in photos:
        give_features(photo, np.zeros(256))
        PhotoFeatures.objects.create(photo=photo, projection=kept, generic_score=0, features=[0.0] * 256)
    form = {"action": "bring_back", "_selected_action": [kept.pk]}
    staff = get_user_model().objects.create_user("dora", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_projection"))
    browser = Client()
    browser.force_login(staff)
    browser.post("/admin/ratings/projection/", form)
    assert Projection.objects.get(pk=kept.pk).state == "kept"
    staff.user_permissions.add(Permission.objects.get(codename="change_projection"))
    said = browser.post("/admin/ratings/projection/", form | {"_selected_action": [kept.pk, current]}, follow=True).content.decode()
    assert "Choose one version." in said
    said = browser.post("/admin/ratings/projection/", form, follow=True).content.decode()
    assert f"Version {kept.pk} fills in the background" in said
    assert f"{len(photos)} / {len(photos)}" in said
    assert Projection.objects.get(pk=kept.pk).state == "filling"
    assert "A new version is filling already." in browser.post("/admin/ratings/projection/", form, follow=True).content.decode()


def test_an_administrator_cannot_change_or_delete_a_rating_event(alice):
    alice.rate(alice.deck()[0]["token"])
    event = RatingEvent.objects.get()
    browser = Client()
    browser.force_login(get_user_model().objects.create_superuser("admin"))
    browser.post(f"/admin/ratings/ratingevent/{event.id}/delete/", {"post": "yes"})
    browser.post(f"/admin/ratings/ratingevent/{event.id}/change/", {"value": "1"})
    assert RatingEvent.objects.get().value == event.value
