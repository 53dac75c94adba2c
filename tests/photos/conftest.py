"""Fixtures of photo tests: the raters Alice and Bob, browsers of raters, and Dora, a member of staff."""

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from ratings.models import Rater
from ratings.raters.guests import SESSION_KEY
from ratings.raters.services import make_guest


@pytest.fixture
def alice(db: None) -> Rater:
    return make_guest()


@pytest.fixture
def bob(db: None) -> Rater:
    return make_guest()


@pytest.fixture
def browser_of() -> Callable[[Rater], Client]:
    """Open the browser of a rater who has already visited the start page."""

    def open_browser(rater: Rater) -> Client:
        browser = Client()
        session = browser.session
        session[SESSION_KEY] = str(rater.id)
        session.save()
        browser.cookies["sessionid"] = session.session_key
        return browser

    return open_browser


@pytest.fixture
def dora(db: None) -> Client:
    """The browser of a signed-in member of staff."""
    browser = Client()
    browser.force_login(get_user_model().objects.create_user("dora", password="d", is_staff=True))
    return browser
