"""Alice and Bob, who own photos; Charlie, who has just come; Dora of the staff."""

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from ratings.guests import SESSION_KEY
from ratings.models import Person
from ratings.services import make_guest


@pytest.fixture
def alice(db: None) -> Person:
    return make_guest()


@pytest.fixture
def bob(db: None) -> Person:
    return make_guest()


@pytest.fixture
def browser_of() -> Callable[[Person], Client]:
    """The browser of somebody who has been on the start page."""

    def open_browser(person: Person) -> Client:
        browser = Client()
        session = browser.session
        session[SESSION_KEY] = str(person.id)
        session.save()
        browser.cookies["sessionid"] = session.session_key
        return browser

    return open_browser


@pytest.fixture
def dora(db: None) -> Client:
    """The browser of a signed-in member of the staff."""
    browser = Client()
    browser.force_login(get_user_model().objects.create_user("dora", password="d", is_staff=True))
    return browser
