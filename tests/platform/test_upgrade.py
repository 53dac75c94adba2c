"""Migration of an installation of an earlier version: raters, sessions, staff and rows are kept.

`stored/installation-0002.sql` is the output of `pg_dump --inserts` at migration 0002 (every table of `ratings` has rows),
without psql commands; `stored/installation-0002.json` contains its secret key, session cookies, and the contents of its pages.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client

from personalize import tasks
from personalize.tasks import refit_rater
from personalize.worker import loaded_bank
from ratings import jobs
from ratings.exports import services as exports
from ratings.models import ModelExport, Rater
from ratings.ranking import projections
from ratings.raters.guests import rater_of
from tests.guests import Guest

STORED = Path(__file__).parent / "stored"
NAME = "installation_0002"


def connect_to(database: str) -> None:
    """Use another database from now on; the pool would keep connections to the one before."""
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = database


@pytest.fixture(scope="module")
def shown() -> dict:
    return json.loads((STORED / "installation-0002.json").read_text())


@pytest.fixture(scope="module")
def upgraded(services, django_db_blocker, shown) -> Iterator[None]:
    """The stored installation as the default database, migrated."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {NAME}")
    with psycopg.connect(settings.DATABASE_URL, dbname=NAME) as stored:
        stored.execute((STORED / "installation-0002.sql").read_text())
    before = connection.settings_dict["NAME"]
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patched:
        connect_to(NAME)
        patched.setattr(settings, "SECRET_KEY", shown["secret"])
        patched.setattr(settings, "ALLOWED_HOSTS", ["testserver"])
        try:
            call_command("migrate", verbosity=0)
            yield
        finally:
            connect_to(before)


def returning(name: str, shown: dict) -> Guest:
    """A browser with a session cookie from before the upgrade."""
    guest = Guest.__new__(Guest)
    guest.browser = Client(enforce_csrf_checks=True)
    guest.browser.cookies[settings.SESSION_COOKIE_NAME] = shown["cookies"][name]
    assert guest.get("/").status_code == 200
    return guest


@pytest.fixture
def queued(monkeypatch) -> dict[str, list]:
    """Queued requests, by the name of the request."""
    found: dict[str, list] = {}
    for name in ("request_refit", "request_features", "request_exact_refit", "request_export", "request_fill", "request_learning"):
        monkeypatch.setattr(jobs, name, found.setdefault(name, []).append)
    return found


def test_the_upgrade_keeps_every_row(upgraded, shown):
    old = {"ratings_person": "ratings_rater", "ratings_description": "ratings_photofeatures", "ratings_refinement": "ratings_exactrefit"}
    old |= {"ratings_population": "ratings_populationprior"}
    for table, count in shown["rows"].items():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {old.get(table, table)}")  # noqa: S608 (names of the stored file)
            installed = 1 if table == "ratings_bank" else 0  # the bank of this version joins those of the installation
            assert cursor.fetchone()[0] == count + installed, table


def test_rankings_and_decks_are_the_same_after_the_upgrade(upgraded, shown):
    for name, before in shown["raters"].items():
        guest = returning(name, shown)
        ranking = guest.get("/api/v1/ranking?limit=24").json()
        for key in ("version", "ratings_seq", "accuracy", "total"):
            assert ranking[key] == before["ranking"][key], (name, key)
        # How far photos moved is known again after the next rating: earlier versions kept the places, and not the weights before.
        assert ranking["top"] == [placed | {"was": None} for placed in before["ranking"]["top"]]
        assert ranking["active_model"]["name"] == before["ranking"]["speaker"]["model"]
        assert ranking["active_model"]["comparison"] == before["ranking"]["speaker"]["checked"]
        deck = guest.get("/api/v1/deck").json()
        assert (deck["cards"], deck["rated"]) == (before["deck"]["cards"], before["deck"]["answered"])


def test_the_installed_bank_fills_in_the_background_after_the_upgrade(upgraded, shown):
    before, new = reversed(projections.status())
    assert (before.version.state, before.version.extractors, before.ready) == ("current", "", before.total)
    assert (new.version.state, new.version.extractors, new.ready) == ("filling", loaded_bank.extractors(), 0)
    assert returning("alice", shown).get("/api/v1/deck").json()["photos"]["updated"] == 0


def test_a_guest_continues_as_the_same_rater_after_the_upgrade(upgraded, shown, queued):
    alice = returning("alice", shown)
    before = shown["raters"]["alice"]
    assert alice.browser.session["rater"] == before["id"]
    assert "person" not in alice.browser.session
    assert alice.rate(alice.deck()[0]["token"], "love").status_code == 201
    assert [str(rater) for rater in queued["request_refit"]] == [before["id"]]
    refit_rater(before["id"])
    ranking = alice.get("/api/v1/ranking").json()
    assert (ranking["version"], ranking["ratings_seq"]) == (before["ranking"]["version"] + 1, before["ranking"]["ratings_seq"] + 1)
    assert alice.undo().status_code == 200
    assert alice.get("/api/v1/me").json() == {"shares_ratings": True}


def test_an_administrator_who_has_rated_as_a_guest_can_add_these_ratings_after_the_upgrade(upgraded, shown):
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = shown["cookies"]["dora"]
    guest = rater_of(browser.session, AnonymousUser())
    assert browser.get("/").status_code == 200
    assert browser.get("/account/").status_code == 200
    rater = Rater.objects.get(user__username="dora")
    assert rater.id != guest


def test_a_websocket_accepts_a_session_from_before_the_upgrade(upgraded, shown):
    assert rater_of({"person": shown["raters"]["bob"]["id"]}, AnonymousUser()) == UUID(shown["raters"]["bob"]["id"])


def test_a_rating_ends_the_exact_order_of_an_old_exact_refit(upgraded, shown, queued):
    bob = returning("bob", shown)
    assert bob.get("/api/v1/ranking").json()["active_model"]["name"] == "exact"
    bob.rate(bob.deck()[0]["token"], "like")
    refit_rater(shown["raters"]["bob"]["id"])
    assert bob.get("/api/v1/ranking").json()["active_model"] == {"name": "instant", "comparison": None}


def test_the_sweeper_requests_work_lost_before_the_upgrade(upgraded, shown, queued, monkeypatch):
    monkeypatch.setattr(jobs, "gpu_waiting", lambda: 0)
    monkeypatch.setattr(tasks, "LOST_SECONDS", 0)
    tasks.sweep()
    assert UUID(shown["raters"]["charlie"]["id"]) in queued["request_refit"]


def test_staff_keep_their_permissions_after_the_upgrade(upgraded, shown):
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = shown["cookies"]["dora"]
    for table in ("rater", "photofeatures", "exactrefit", "populationprior", "modelexport"):
        assert browser.get(f"/admin/ratings/{table}/").status_code == 200, table
    assert browser.get("/admin/ratings/presentation/").status_code == 403
    group = set(Group.objects.get(name="researchers").permissions.values_list("codename", flat=True))
    assert group == {"view_rater", "view_ratingevent"}
    assert not Permission.objects.filter(codename__endswith="_person").exists()


def test_an_unfinished_export_shows_its_progress_after_the_upgrade(upgraded, shown):
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = shown["cookies"]["dora"]
    state = browser.get(f"/staff/exports/{ModelExport.objects.get().id}/state").json()
    assert (state["done"], state["raters"]) == (1, 2)
    assert state["problems"] == [{"rater": shown["raters"]["alice"]["id"], "detail": exports.NO_FIT}]


def test_the_migration_can_be_reversed(upgraded, shown, monkeypatch):
    before, filling = projections.current().bank, projections.filling().id
    with connection.cursor() as cursor:  # the bank of this version has features, too
        cursor.execute(
            """INSERT INTO ratings_photofeatures (photo_id, projection_id, generic_score, features, population_scores)
            SELECT photo_id, %s, generic_score, features, population_scores FROM ratings_photofeatures LIMIT 5""",
            [filling],
        )
    monkeypatch.setattr(projections, "register_bank", lambda **_: None)  # after a migration it would write the current tables
    call_command("migrate", "ratings", "0002", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT verdict->>'speaks' FROM ratings_refinement WHERE verdict IS NOT NULL")
        assert cursor.fetchall() == [("exact",)]
        cursor.execute("SELECT count(*), count(DISTINCT bank_id) FROM ratings_description")
        assert cursor.fetchall() == [(shown["rows"]["ratings_description"] + 5, 2)]
        cursor.execute("SELECT hash FROM ratings_bank WHERE is_current")
        assert cursor.fetchall() == [(before,)]
        cursor.execute("SELECT jsonb_array_length(weights->0) FROM ratings_population")
        assert cursor.fetchall() == [(255,)]
    monkeypatch.undo()
    call_command("migrate", verbosity=0)
    assert Permission.objects.filter(codename="view_rater").count() == 1
