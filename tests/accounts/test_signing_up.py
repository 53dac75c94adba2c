"""Saving a guest's taste: sign-up by code, invitations, closed sign-up, and what strangers learn about addresses."""

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.utils import timezone

from ratings.accounts import services
from ratings.models import Invitation, Rater
from ratings.raters.services import give_rater
from tests.accounts.conftest import ADDRESS, PASSWORD, account, as_browser, mailed_code, sign_in, sign_up


def test_signing_up_keeps_the_guests_ratings(alice):
    alice.rate(alice.deck()[0]["token"], "love")
    browser = as_browser(alice)
    sign_up(browser)
    rater = Rater.objects.get(user__email=ADDRESS)
    assert (str(rater.id), rater.ratings_seq) == (alice.id, 1)
    assert alice.get("/api/v1/deck").json()["rated"] == 1
    assert [group.name for group in rater.user.groups.all()] == ["rater"]


def test_the_same_taste_is_there_on_another_device(alice, browser):
    alice.rate(alice.deck()[0]["token"], "love")
    sign_up(as_browser(alice), password=PASSWORD)
    other = browser()
    assert sign_in(other) == "/"
    other.get("/")
    assert other.get("/api/v1/deck").json()["rated"] == 1
    assert other.get("/api/v1/ranking").json() == alice.get("/api/v1/ranking").json()


def test_signing_out_leaves_a_new_guest_behind(alice):
    alice.rate(alice.deck()[0]["token"], "love")
    browser = as_browser(alice)
    sign_up(browser)
    browser.post("/account/logout/")
    assert browser.get("/api/v1/deck").status_code == 403
    browser.get("/")
    assert alice.get("/api/v1/deck").json()["rated"] == 0


def test_the_guest_stays_a_guest_until_the_code_is_entered(alice):
    alice.rate(alice.deck()[0]["token"], "love")
    browser = as_browser(alice)
    browser.post("/account/signup/", {"email": ADDRESS})
    assert alice.get("/api/v1/deck").json()["rated"] == 1
    assert Rater.objects.get(id=alice.id).user is None


def test_two_tabs_that_sign_up_the_same_guest_make_one_account_of_it(alice):
    browser = as_browser(alice)
    alice.rate(alice.deck()[0]["token"], "love")
    browser.post("/account/signup/", {"email": "first@example.org"})
    assert browser.post("/account/signup/", {"email": "second@example.org"})["Location"] == "/account/confirm-email/"
    browser.post("/account/confirm-email/", {"code": mailed_code()})
    assert Rater.objects.get(id=alice.id).user.email == "first@example.org"
    assert get_user_model().objects.count() == 1


@pytest.mark.django_db
def test_an_account_takes_a_guest_only_once():
    guest = Rater.objects.create(ratings_seq=4)
    users = [get_user_model().objects.create_user(name) for name in ("anna", "ben")]
    given = [give_rater(user_id=user.id, guest=guest.id, with_ratings=True) for user in users]
    assert given[0] == guest.id != given[1]


@pytest.mark.parametrize("code", ["", "AAAA-BBBB", "x" * 5000])
def test_a_wrong_code_is_refused_and_a_used_one_too(alice, code):
    browser = as_browser(alice)
    browser.post("/account/signup/", {"email": ADDRESS})
    right = mailed_code()
    assert browser.post("/account/confirm-email/", {"code": code}).status_code == 200
    browser.post("/account/confirm-email/", {"code": right})
    assert browser.get("/account/").status_code == 200
    browser.post("/account/logout/")
    browser.post("/account/confirm-email/", {"code": right})
    assert browser.get("/account/").status_code == 302


def test_a_code_expires(alice, monkeypatch):
    browser = as_browser(alice)
    browser.post("/account/signup/", {"email": ADDRESS})
    session = browser.session
    session["account_email_verification_code"]["at"] -= 3600
    session.save()
    browser.post("/account/confirm-email/", {"code": mailed_code()})
    assert browser.get("/account/").status_code == 302


def test_sign_up_answers_the_same_for_an_address_that_exists(browser):
    account()
    replies = []
    for address in (ADDRESS, "new@example.org"):
        one, before = browser(), len(mail.outbox)
        reply = one.post("/account/signup/", {"email": address})
        page = one.get(reply["Location"]).content.decode().replace(address, "")
        replies.append((reply.status_code, reply["Location"], len(mail.outbox) - before, _without_tokens(page)))
    assert replies[0] == replies[1]
    assert [message.to for message in mail.outbox] == [[ADDRESS], ["new@example.org"]]


def test_a_code_to_sign_in_answers_the_same_for_an_unknown_address(browser):
    account()
    replies = []
    for address in (ADDRESS, "new@example.org"):
        one, before = browser(), len(mail.outbox)
        reply = one.post("/account/login/", {"login": address, "password": ""})
        page = one.get(reply["Location"]).content.decode().replace(address, "")
        replies.append((reply.status_code, reply["Location"], len(mail.outbox) - before, _without_tokens(page)))
    assert replies[0] == replies[1]


def _without_tokens(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|"rater": "[^"]*"', "", page)


@pytest.fixture
def mail_is_away(monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise SMTPServerDisconnected("Connection refused")

    monkeypatch.setattr(EmailBackend, "send_messages", fail)


def test_a_mail_server_that_is_away_is_said_and_sign_up_can_be_tried_again(alice, mail_is_away, monkeypatch):
    alice.rate(alice.deck()[0]["token"], "love")
    browser = as_browser(alice)
    reply = browser.post("/account/signup/", {"email": ADDRESS})
    assert reply.status_code == 503
    assert "The mail server doesn’t answer" in reply.content.decode()
    assert get_user_model().objects.count() == 0
    assert alice.get("/api/v1/deck").json()["rated"] == 1
    monkeypatch.undo()
    sign_up(browser, "alice2@example.org")
    assert str(Rater.objects.get(user__email="alice2@example.org").id) == alice.id


def test_a_mail_server_that_is_away_gives_the_same_answer_for_an_address_that_exists(browser, mail_is_away):
    account()
    replies = [browser().post("/account/signup/", {"email": address}) for address in (ADDRESS, "new@example.org")]
    assert {(reply.status_code, _without_tokens(reply.content.decode())) for reply in replies} == {
        (503, _without_tokens(replies[0].content.decode()))
    }


def test_signing_in_works_while_the_mail_server_is_away(browser, mail_is_away):
    account()
    assert sign_in(browser()) == "/"


def test_closed_sign_up_says_so(browser, settings):
    settings.PAV = settings.PAV | {"SIGNUP": "closed"}
    one = browser()
    assert "Sign-up is closed" in one.get("/account/signup/").content.decode()
    one.post("/account/signup/", {"email": ADDRESS})
    assert get_user_model().objects.count() == 0


def test_an_invitation_opens_sign_up_once(browser, settings):
    settings.PAV = settings.PAV | {"SIGNUP": "invitation"}
    invitation = services.invite(note="for Alice")
    assert "Sign-up is closed" in browser().get("/account/signup/").content.decode()
    one, two = browser(), browser()
    for each in (one, two):
        assert each.get(f"/account/invitation/{invitation.id}/")["Location"] == "/account/signup/"
    sign_up(one)
    reply = two.post("/account/signup/", {"email": "two@example.org"})
    assert "Sign-up is closed" in reply.content.decode()
    assert Invitation.objects.get().used_by.email == ADDRESS
    reply = browser().get(f"/account/invitation/{invitation.id}/")
    assert reply.status_code == 403
    assert "This invitation doesn’t work any more" in reply.content.decode()


@pytest.mark.django_db
def test_an_invitation_is_claimed_once_and_expires():
    invitation = services.invite()
    assert [services.claim_invitation(invitation.id) for _ in range(2)] == [True, False]
    old = services.invite()
    Invitation.objects.filter(id=old.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not services.claim_invitation(old.id)


def test_an_invitation_can_be_used_again_where_the_mail_could_not_be_sent(browser, settings, mail_is_away):
    settings.PAV = settings.PAV | {"SIGNUP": "invitation"}
    invitation = services.invite()
    one = browser()
    one.get(f"/account/invitation/{invitation.id}/")
    assert one.post("/account/signup/", {"email": ADDRESS}).status_code == 503
    assert Invitation.objects.get().used_at is None


def without_mail(settings) -> None:
    """As an installation without PAV_MAIL_URL."""
    settings.PAV = settings.PAV | {"MAIL_URL": None}
    settings.HAS_MAIL = False
    settings.ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
    settings.ACCOUNT_LOGIN_METHODS = {"username"}
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = settings.ACCOUNT_LOGIN_BY_CODE_ENABLED = False
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = settings.MFA_PASSKEY_SIGNUP_ENABLED = False


def test_without_mail_an_invitation_and_a_password_make_an_account(alice, browser, settings):
    without_mail(settings)
    alice.rate(alice.deck()[0]["token"], "love")
    one = as_browser(alice)
    assert "Sign-up is closed" in one.get("/account/signup/").content.decode()
    one.get(f"/account/invitation/{services.invite().id}/")
    assert "Name" in one.get("/account/signup/").content.decode()
    assert one.post("/account/signup/", {"username": "alice", "password1": PASSWORD})["Location"] == "/account/"
    assert str(Rater.objects.get(user__username="alice").id) == alice.id
    assert sign_in(browser(), "alice") == "/"
    assert mail.outbox == []


def test_a_weak_password_is_refused(browser):
    reply = browser().post("/account/signup/", {"email": ADDRESS, "password1": "12345678"})
    assert reply.status_code == 200
    assert get_user_model().objects.count() == 0


def test_ten_thousand_attempts_to_sign_in_are_limited_by_account_and_address(browser):
    account()
    replies = [browser().post("/account/login/", {"login": ADDRESS, "password": f"guess {n}"}) for n in range(40)]
    assert {reply.status_code for reply in replies} == {200, 429}
    assert "Too many failed login attempts" in replies[8].content.decode()
    assert "try again in a few minutes" in replies[-1].content.decode()
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    reply = elsewhere.post("/account/login/", {"login": ADDRESS, "password": PASSWORD})
    assert "Too many failed login attempts" in reply.content.decode()  # of this account, wherever they come from
