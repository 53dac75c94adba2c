"""Ratings as CSV: which ratings it contains, who may download it, and documentation of every column."""

import csv
import io
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from pav_site.environment import BASE
from ratings.exports.ratings_csv import COLUMNS, ratings_csv
from ratings.models import Photo


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(ratings_csv()).removeprefix("\ufeff"))))


def test_the_csv_contains_the_current_ratings_without_skips(alice, bob):
    first, second, third = alice.deck()[:3]
    alice.rate(first["token"], "dislike", on_screen_ms=900, modality="touch")
    alice.rate(second["token"], "skip")
    alice.rate(third["token"], "love")
    alice.undo()
    alice.rate(third["token"], "like")
    bob.rate(bob.deck()[0]["token"], "love")
    table = rows()
    assert [(row["rater"], row["score"]) for row in table if row["rater"] == alice.id] == [(alice.id, "1"), (alice.id, "2")]
    assert len(table) == 3
    mine = next(row for row in table if row["rater"] == alice.id)
    assert (mine["on_screen_ms"], mine["modality"], mine["time"][-6:]) == ("900", "touch", "+00:00")
    assert mine["image"] == Photo.objects.get(id=first["photo"]["id"]).name


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2", "@SUM(A1)"])
def test_a_file_name_cannot_be_a_spreadsheet_formula(name, alice):
    Photo.objects.update(name=name)
    alice.rate(alice.deck()[0]["token"])
    assert rows()[0]["image"] == f"'{name}"


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")  # the test client is synchronous, the server is not
def test_staff_can_download_the_csv(alice):
    alice.rate(alice.deck()[0]["token"])
    browser = Client()
    browser.force_login(get_user_model().objects.create_superuser("admin"))
    reply = browser.get("/staff/ratings.csv")
    assert reply["Content-Disposition"] == 'attachment; filename="ratings.csv"'
    assert len(b"".join(reply).splitlines()) == 2


def test_the_documentation_describes_every_column():
    text = (Path(BASE) / "docs" / "api.md").read_text(encoding="utf-8")
    for column in COLUMNS:
        assert f"`{column.name}`" in text
        assert column.about in text
