"""Browsers that sign up and in, and the mail that they get."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client

from tests.guests import Guest

ADDRESS = "alice@example.org"
PASSWORD = "correct horse 7 battery"


def mailed_code() -> str:
    """The code in the newest mail."""
    return re.search(r"^([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})+|\d{6}|[A-Z0-9]{6,})$", mail.outbox[-1].body, re.MULTILINE).group(1)


def sign_up(browser: Client, address: str = ADDRESS, password: str = "") -> None:
    """Sign up by address and code."""
    reply = browser.post("/account/signup/", {"email": address, "password1": password})
    assert reply["Location"] == "/account/confirm-email/", reply.content
    reply = browser.post("/account/confirm-email/", {"code": mailed_code()})
    assert reply["Location"] == "/account/", reply.content


def sign_in(browser: Client, address: str = ADDRESS, password: str = PASSWORD) -> str:
    """Sign in; returns where it leads."""
    reply = browser.post("/account/login/", {"login": address, "password": password})
    assert reply.status_code == 302, reply.content
    return reply["Location"]


@pytest.fixture
def browser(db: None, settings) -> Callable[[], Client]:
    settings.ALLOWED_HOSTS = ["testserver"]
    return Client


def as_browser(guest: Guest) -> Client:
    """The guest's own browser, without the checks of CSRF that tests/raters covers."""
    guest.browser.handler.enforce_csrf_checks = False
    return guest.browser


def account(address: str = ADDRESS, **more: object):
    """An account with a verified address and a password."""
    user = get_user_model().objects.create_user(address.partition("@")[0], address, PASSWORD, **more)
    user.emailaddress_set.create(email=address, verified=True, primary=True)
    return user
