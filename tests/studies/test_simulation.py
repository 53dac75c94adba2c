"""Simulated participants over real HTTP: no trial is lost or doubled, targets are met, the planted taste is found again."""

import re
from math import asin, pi
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from pav_site.management.commands import simulate_study
from pav_site.simulation.participants import Outcome
from pav_site.simulation.planted import Planted, planted_shares
from pav_site.simulation.report import is_far, report
from personalize.agreement.statistic import Statistic
from ratings.models import Participant, Photo, Trial
from tests.guests import make_photos
from tests.studies.designs import design, written
from tests.studies.taking_part import Person, Researcher

CHOICE = {"id": "task", "kind": "choice", "text": "What?", "options": ["Fame", "Beauty"], "correct": 2}


def write_study(path: Path, photos: int, **changes: object) -> Path:
    made = make_photos(photos)
    for number, photo in enumerate(made):
        photo.content_hash = f"{number:016x}"  # the planted opinions follow it: the same in every run
    Photo.objects.bulk_update(made, ["content_hash"])
    path.write_text(written(design([photo.sha256 for photo in made], **changes)))
    return path


@pytest.mark.django_db(transaction=True)
def test_many_at_once_with_drop_outs_reloads_and_double_posts(live_server, tmp_path, settings, capsys):
    settings.ALLOWED_HOSTS = ["*"]
    settings.PAV = settings.PAV | {"LIMIT_RATINGS": "1000000/minute"}
    path = write_study(
        tmp_path / "sunsets.yaml",
        12,
        scale__points=11,
        scale__labels={1: "ugly", 11: "beautiful"},
        participants={"places": 24, "photos_each": 8, "ratings_per_photo": 12, "per_address": "1000000/hour", "lease_minutes": 30},
        conditions=[{"name": "a"}, {"name": "b"}],
        comprehension={"questions": [CHOICE]},
        questions_before=[{"set": "age_gender"}],
    )
    call_command("simulate_study", path, participants=24, at_once=8, url=live_server.url, leave=0.15, twice=0.2, seed=3, draws=100)
    said = capsys.readouterr().out
    assert "left." in said
    assert "sent; 0 lost, 0 doubled, 0 with another value, 0 that nobody sent." in said
    assert "The log replays what all 24 were dealt." in said
    assert "met for all 12 photos" in said
    assert re.search("Of 4 intervals, [34] hold what was planted", said)  # each does in 95 of 100 runs
    rows = list(Participant.objects.order_by("number"))
    assert {row.mode for row in rows} == {"pilot"}
    counts = [sum(row.condition == name and not row.released for row in rows) for name in "ab"]
    assert abs(counts[0] - counts[1]) <= 1
    assert Trial.objects.values("participant", "place").distinct().count() == Trial.objects.count()


@pytest.mark.django_db
def test_lost_doubled_and_changed_trials_are_faults():
    study = Researcher("dora").study(make_photos(3))
    person = Person()
    person.complete(3)
    sent = dict.fromkeys(range(6), 3)
    who = str(person.row.pk)

    def faults(sent: dict[int, int], problem: str = "") -> list[str]:
        outcome = Outcome("completed", who, sent, (1, 2, 3, 4, 5), problem=problem)
        return [finding.sentence for finding in report(study, "main", [outcome], Planted(), draws=0) if finding.is_fault]

    assert faults(sent) == []
    assert faults(sent | {6: 3}) == ["Trials: 7 sent; 1 lost, 0 doubled, 0 with another value, 0 that nobody sent."]
    assert faults(sent | {0: 4}) == ["Trials: 6 sent; 0 lost, 0 doubled, 1 with another value, 0 that nobody sent."]
    assert faults({0: 3}) == ["Trials: 1 sent; 0 lost, 0 doubled, 0 with another value, 5 that nobody sent."]
    assert faults(sent, "broken") == ["1 failed: broken"]
    study.log.filter(kind="dealt").update(data={"number": 2, "mode": "main"})
    assert faults(sent) == ["The log does not replay what these numbers were dealt: 1."]


@pytest.mark.parametrize(("planted", "far"), [(0.30, False), (0.09, False), (0.07, True), (0.45, False), (0.51, True)])
def test_a_share_far_outside_its_interval_is_a_fault(planted, far):
    found = Statistic("share_photo", 0.3, 0.19, 0.4)  # as skew as intervals of shares are
    assert is_far(found, planted) == far


def test_planted_shares_are_those_of_signs_on_two_points():
    """Two normal scores that correlate by r have signs that correlate by 2 / pi * asin(r)."""
    planted = Planted(photo=1.0, participant=0.5, both=0.8, noise=0.6)
    total = 1 + 0.25 + 0.64 + 0.36
    photo, rater, everything = (2 / pi * asin(part / total) for part in (1, 0.25, 1.89))
    found = planted_shares(planted, (1, 2))
    assert found["photo"] == pytest.approx(photo, abs=0.004)
    assert found["rater"] == pytest.approx(rater, abs=0.004)
    assert found["rater_photo"] == pytest.approx(everything - photo - rater, abs=0.004)
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.django_db
def test_what_cannot_be_simulated_is_refused(tmp_path, monkeypatch):
    path = write_study(tmp_path / "sunsets.yaml", 3)
    monkeypatch.setattr(simulate_study, "find_headless", lambda: None)
    with pytest.raises(CommandError, match="No Chromium or Chrome was found"):
        call_command("simulate_study", path, browsers=1)
    with pytest.raises(CommandError, match="no more browsers than participants"):
        call_command("simulate_study", path, browsers=3, participants=2)
    path.write_text("a: [")
    with pytest.raises(CommandError, match="not YAML"):
        call_command("simulate_study", path)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("simulate_study", tmp_path / "nothing.yaml")
