"""Fixtures of photo tests: the raters Alice and Bob, and Dora, a member of staff."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from ratings.models import Rater
from ratings.raters.services import make_guest


@pytest.fixture
def alice(db: None) -> Rater:
    return make_guest()


@pytest.fixture
def bob(db: None) -> Rater:
    return make_guest()


@pytest.fixture
def dora(db: None) -> Client:
    """The browser of a signed-in member of staff."""
    browser = Client()
    browser.force_login(get_user_model().objects.create_user("dora", password="d", is_staff=True))
    return browser
