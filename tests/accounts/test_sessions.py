"""Sessions of accounts: the list, signing out elsewhere, administrators, the second factor, notices by mail, merging after sign-in."""

import time
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
import redis
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.core.cache.backends.redis import RedisCache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ratings.accounts.sessions import ADMINISTRATOR_HOURS
from ratings.models import MergedGuest, Rater
from ratings.ranking import events
from ratings.raters.admin_links import make_ticket
from tests.accounts.conftest import ADDRESS, PASSWORD, account, as_browser, mailed_code, sign_in, sign_up

SECRET = "JBSWY3DPEHPK3PXP"


def totp_code() -> str:
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30))


@pytest.fixture
def closed(monkeypatch) -> list[str]:
    """The raters whose sockets are closed."""
    found: list[str] = []
    monkeypatch.setattr(events, "_send", lambda rater, event, _what: found.append(str(rater)) if event["type"] == "rater_changed" else None)
    return found


def test_signing_out_everywhere_else_ends_the_other_sessions(browser, closed, django_capture_on_commit_callbacks):
    user = account()
    here, there = browser(), browser()
    for one in (here, there):
        sign_in(one)
    assert UserSession.objects.count() == 2
    closed.clear()
    with django_capture_on_commit_callbacks(execute=True):
        here.post("/account/sessions/")
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302
    assert there.get("/api/v1/deck").status_code == 403
    assert closed == [str(user.rater.id)]


def test_a_request_with_the_cookie_before_sign_in_signs_nobody_out(alice, browser):
    account()
    late, here = browser(), as_browser(alice)
    late.cookies["sessionid"] = here.cookies["sessionid"].value  # of a photo that is fetched meanwhile
    sign_in(here)
    assert "sessionid" not in late.get("/api/v1/deck").cookies
    here.post("/account/logout/")
    assert here.get("/account/").status_code == 302


def test_signing_out_takes_the_cookie_away_or_gives_another(browser):
    account()
    here = browser()
    sign_in(here)
    before = here.cookies["sessionid"].value
    assert here.post("/account/logout/").cookies["sessionid"].value != before


def test_sockets_close_at_sign_in_and_sign_out(alice, closed, django_capture_on_commit_callbacks):
    user, browser = account(), as_browser(alice)
    with django_capture_on_commit_callbacks(execute=True):
        sign_in(browser)
    assert alice.id in closed
    closed.clear()
    with django_capture_on_commit_callbacks(execute=True):
        browser.post("/account/logout/")
    assert closed == [str(Rater.objects.get(user=user).id)]


def test_sockets_close_when_a_rater_is_deleted(alice, closed, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        Rater.objects.all().delete()
    assert closed == [alice.id]


def test_the_session_of_a_deleted_account_ends(browser):
    user, one = account(), browser()
    sign_in(one)
    get_user_model().objects.filter(pk=user.pk).delete()
    assert one.get("/api/v1/deck").status_code == 403
    assert one.get("/").status_code == 200
    assert one.get("/api/v1/deck").status_code == 200


def test_a_new_sign_in_is_mailed_to_the_owner(browser):
    account()
    sign_in(browser())
    assert [message.to for message in mail.outbox] == [[ADDRESS]]
    assert "Someone signed in to your account" in mail.outbox[0].body


def test_a_removed_passkey_and_a_changed_address_are_mailed(browser):
    user, one = account(), browser()
    key = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Phone", "credential": {}})
    other = Authenticator.objects.create(user=user, type="totp", data={"secret": SECRET})
    one.force_login(user)
    mail.outbox.clear()
    one.post(f"/account/2fa/webauthn/keys/{key.pk}/remove/")
    assert not Authenticator.objects.filter(pk=key.pk).exists()
    assert Authenticator.objects.filter(pk=other.pk).exists()
    assert [message.to for message in mail.outbox] == [[ADDRESS]]
    mail.outbox.clear()
    one.post("/account/email/", {"email": "new@example.org", "action_add": ""})
    one.post("/account/confirm-email/", {"code": mailed_code()})
    user.refresh_from_db()
    assert user.email == "new@example.org"
    assert [ADDRESS] in [message.to for message in mail.outbox]


def test_the_second_factor_is_asked_for_after_a_password_and_for_the_administration(browser):
    user = account(is_staff=True)
    TOTP.activate(user, SECRET)
    one = browser()
    reply = one.get("/admin/")
    assert reply["Location"].startswith("/admin/login/")
    reply = one.get(reply["Location"])
    assert reply["Location"] == "/account/login/?next=%2Fadmin%2F"
    assert sign_in(one) == "/account/2fa/authenticate/"
    assert one.get("/admin/").status_code == 302
    assert one.post("/account/2fa/authenticate/", {"code": "000000"}).status_code == 200
    code = totp_code()
    assert one.post("/account/2fa/authenticate/", {"code": code})["Location"] == "/"
    assert one.get("/admin/").status_code == 200
    again = browser()
    sign_in(again)
    assert again.post("/account/2fa/authenticate/", {"code": code}).status_code == 200  # a code works once


def test_a_copy_of_the_database_does_not_tell_the_second_factor(db, settings):
    user = account()
    TOTP.activate(user, SECRET)
    seed = RecoveryCodes.activate(user).get_unused_codes()
    for factor in Authenticator.objects.filter(user=user):
        assert SECRET not in str(factor.data)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "the next key of this installation"
    factors = {factor.type: factor.wrap() for factor in Authenticator.objects.filter(user=user)}
    assert factors["totp"].validate_code(totp_code())
    assert factors["recovery_codes"].get_unused_codes() == seed


def test_a_recovery_code_works_once(browser):
    user = account()
    TOTP.activate(user, SECRET)
    code = RecoveryCodes.activate(user).get_unused_codes()[0]
    one, two = browser(), browser()
    sign_in(one)
    assert one.post("/account/2fa/authenticate/", {"code": code}).status_code == 302
    sign_in(two)
    assert two.post("/account/2fa/authenticate/", {"code": code}).status_code == 200


@pytest.mark.parametrize("by", ["password", "link"])
def test_the_session_of_an_administrator_ends_after_twelve_hours(browser, by):
    one = browser()
    if by == "password":
        account(is_staff=True)
        sign_in(one)
    else:
        one.get(f"/staff/enter/{make_ticket()}/")
    ends = one.session.get_expiry_date()
    assert abs(ends - timezone.now() - timedelta(hours=ADMINISTRATOR_HOURS)) < timedelta(minutes=5)
    session = one.session
    session.set_expiry(timezone.now() - timedelta(seconds=1))
    session.save()
    assert one.get("/admin/").status_code == 302


def test_an_older_session_of_an_administrator_ends_twelve_hours_after_its_next_use(browser):
    account(is_staff=True)
    one = browser()
    sign_in(one)
    session = one.session
    session.set_expiry(None)
    session.save()
    assert one.get("/admin/").status_code == 200
    assert one.session.get_expiry_age() <= ADMINISTRATOR_HOURS * 3600


def test_the_session_of_a_rater_lasts_a_year(browser):
    account()
    one = browser()
    sign_in(one)
    assert one.session.get_expiry_age() > 360 * 24 * 3600


@pytest.mark.django_db
def test_create_admin_prints_a_link_that_signs_in(browser):
    said = StringIO()
    call_command("create_admin", "dora", email="dora@example.org", stdout=said)
    one = browser()
    assert one.get(said.getvalue().strip().removeprefix("http://localhost:8000"))["Location"] == "/admin/"
    dora = get_user_model().objects.get()
    assert (dora.username, dora.is_superuser, [group.name for group in dora.groups.all()]) == ("dora", True, ["administrator"])
    assert one.get("/account/2fa/webauthn/add/").status_code == 200
    for name, email in (("dora", ""), ("other", "DORA@example.org")):
        with pytest.raises(CommandError, match="already"):
            call_command("create_admin", name, email=email)


def test_an_administrator_invites_by_a_link(browser):
    said = StringIO()
    call_command("invite", count=2, stdout=said)
    assert len(said.getvalue().split()) == 2
    one = browser()
    one.force_login(get_user_model().objects.create_superuser("admin"))
    reply = one.post("/admin/ratings/invitation/add/", {"note": "Class 7"}, follow=True)
    assert "http://testserver/account/invitation/" in reply.content.decode()


def test_only_a_superuser_makes_administrators(browser):
    staff, user = account(is_staff=True), get_user_model().objects.create_user("bob")
    admin = get_user_model().objects.create_superuser("admin")
    staff.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user", "change_group", "view_group")))
    form = {
        "username": "bob",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00",
    }
    form |= {"emailaddress_set-TOTAL_FORMS": "0"}
    one, group = browser(), Group.objects.get(name="administrator")
    one.force_login(staff)
    one.post(f"/admin/auth/user/{user.pk}/change/", form)
    user.refresh_from_db()
    assert not user.is_staff
    assert not user.is_superuser
    assert one.post(f"/admin/auth/user/{admin.pk}/password/", {"password1": PASSWORD, "password2": PASSWORD}).status_code == 403
    assert one.post(f"/admin/auth/group/{group.pk}/change/", {"name": "x"}).status_code == 403
    one.force_login(admin)
    one.post(f"/admin/auth/user/{user.pk}/change/", form)
    user.refresh_from_db()
    assert user.is_superuser


def test_signing_in_asks_before_the_guests_ratings_are_added(alice, django_capture_on_commit_callbacks):
    user, browser = account(), as_browser(alice)
    alice.rate(alice.deck()[0]["token"], "love")
    assert sign_in(browser) == "/account/merge/"
    assert alice.get("/api/v1/deck").json()["rated"] == 0
    assert "1 rating was given in this browser" in browser.get("/account/merge/").content.decode()
    assert MergedGuest.objects.count() == 0
    browser.post("/account/merge/")
    browser.post("/account/merge/")
    assert alice.get("/api/v1/deck").json()["rated"] == 1
    assert [str(one.guest) for one in MergedGuest.objects.filter(rater=user.rater)] == [alice.id]
    assert f'"merged_guests": ["{alice.id}"]' in browser.get("/").content.decode()


@pytest.mark.parametrize("page", ["/account/logout/", "/admin/logout/"])
def test_a_guest_who_is_not_added_is_there_again_after_signing_out(alice, page):
    account()
    browser = as_browser(alice)
    alice.rate(alice.deck()[0]["token"], "love")
    sign_in(browser)
    browser.get("/")
    browser.post(page)
    assert alice.get("/api/v1/deck").json()["rated"] == 1


def test_a_guest_without_ratings_is_not_asked_about(alice, browser):
    account()
    assert sign_in(as_browser(alice)) == "/"


def test_a_page_of_another_rater_does_not_rate_for_this_one(alice):
    account()
    alice.rate(alice.deck()[0]["token"], "love")
    sign_in(as_browser(alice))
    alice.get("/")
    token = alice.deck()[0]["token"]
    assert alice.rate(token, rater=alice.id).status_code == 412
    assert alice.rate(token, rater=str(uuid4())).json()["detail"].endswith("nothing is lost.")
    assert alice.rate(token).status_code == 201


def test_a_rating_takes_one_query_more_with_an_account_and_none_for_a_guest(alice, browser):
    def queries_of_a_rating(one) -> int:
        token = one.get("/api/v1/deck").json()["cards"][0]["token"]
        body = {"client_id": str(uuid4()), "token": token, "value": "like"}
        with CaptureQueriesContext(connection) as captured:
            assert one.post("/api/v1/ratings", body, content_type="application/json").status_code == 201
        return len(captured)

    guest = as_browser(alice)
    as_guest = queries_of_a_rating(guest)
    account()
    other = browser()
    sign_in(other)
    other.get("/")
    assert as_guest == 7
    assert queries_of_a_rating(other) == as_guest + 1


def test_undo_names_the_card_that_it_takes_back(alice):
    first, second = (card["token"] for card in alice.deck()[:2])
    for token in (first, second):
        alice.rate(token)
    headers = alice.headers()
    undone = alice.browser.delete(f"/api/v1/ratings/last?token={first}", headers=headers)
    assert undone.json()["card"]["token"] == first
    assert alice.browser.delete(f"/api/v1/ratings/last?token={first}", headers=headers).status_code == 404
    assert alice.undo().json()["card"]["token"] == second


def test_a_passkey_of_another_site_or_nonsense_is_refused(browser):
    one = browser()
    for credential in ("", "nonsense", "{}", '{"id": "x", "response": {"userHandle": "MQ"}}', "[]", '"x"', "9" * 5000):
        one.get("/account/2fa/webauthn/login/", headers={"Accept": "application/json"})
        reply = one.post("/account/2fa/webauthn/login/", {"credential": credential})
        assert reply.status_code in (200, 302), credential
        assert one.get("/account/").status_code == 302


def test_signing_up_with_an_address_and_a_code_twice_makes_one_account(alice):
    browser = as_browser(alice)
    sign_up(browser)
    sign_up_again = browser.post("/account/signup/", {"email": ADDRESS})
    assert sign_up_again.status_code == 302
    assert get_user_model().objects.count() == 1


def test_while_redis_is_away_nobody_signs_in_and_a_page_says_so(browser, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise redis.ConnectionError("Connection refused")

    account()
    one = browser()
    monkeypatch.setattr(RedisCache, "add", fail)
    reply = one.post("/account/login/", {"login": ADDRESS, "password": PASSWORD})
    assert reply.status_code == 503
    assert "Signing in doesn’t work at the moment" in reply.content.decode()
