"""An installation of an earlier version is migrated: its raters, staff and rows go on.

`stored/installation-0002.sql` is what `pg_dump --inserts` wrote of an installation at migration 0002 (every table of `ratings` has rows),
without psql's own commands; `stored/installation-0002.json` holds its secret key, session cookies, and what its pages showed.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from tests.guests import Guest

STORED = Path(__file__).parent / "stored"
NAME = "installation_0002"


@pytest.fixture(scope="module")
def shown() -> dict:
    return json.loads((STORED / "installation-0002.json").read_text())


@pytest.fixture(scope="module")
def upgraded(services, django_db_blocker, shown) -> Iterator[None]:
    """The stored installation, migrated, as the default database."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {NAME}")
    with psycopg.connect(settings.DATABASE_URL, dbname=NAME) as stored:
        stored.execute((STORED / "installation-0002.sql").read_text())
    before = connection.settings_dict["NAME"]
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patched:
        connection.close()
        connection.settings_dict["NAME"] = NAME
        patched.setattr(settings, "SECRET_KEY", shown["secret"])
        patched.setattr(settings, "ALLOWED_HOSTS", ["testserver"])
        try:
            call_command("migrate", verbosity=0)
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = before


def returning(name: str, shown: dict) -> Guest:
    """A browser with the session cookie that it got before the upgrade."""
    guest = Guest.__new__(Guest)
    guest.browser = Client(enforce_csrf_checks=True)
    guest.browser.cookies[settings.SESSION_COOKIE_NAME] = shown["cookies"][name]
    assert guest.get("/").status_code == 200
    return guest


def test_rankings_are_the_same_after_the_upgrade(upgraded, shown):
    for name, before in shown["raters"].items():
        ranking = returning(name, shown).get("/api/v1/ranking?limit=24").json()
        assert ranking["top"] == before["ranking"]["top"]
