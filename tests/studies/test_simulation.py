"""Simulated participants over real HTTP: no trial is lost or doubled, targets are met, the planted taste is found again."""

import csv
from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from personalize.agreement import reading
from personalize.agreement.analysis import analyse
from personalize.agreement.resampling import BootstrapPlan
from ratings.management.commands.simulate_study import right_answers
from ratings.models import Participant, Trial
from ratings.studies import dealing, exports, selectors, simulation
from tests.guests import make_photos
from tests.studies.designs import design, written
from tests.studies.taking_part import Researcher

PLANTED = simulation.Planted(photo=1.5, participant=0.7, both=1.2, noise=0.8)
CHOICE = {"id": "task", "kind": "choice", "text": "What?", "options": ["Fame", "Beauty"], "correct": 2}


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_with_drop_outs_reloads_and_double_posts(live_server, tmp_path, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.PAV = settings.PAV | {"LIMIT_RATINGS": "1000000/minute"}
    dora = Researcher("dora")
    study = dora.study(
        make_photos(12),
        scale__points=11,
        scale__labels={1: "ugly", 11: "beautiful"},
        participants={"places": 24, "photos_each": 8, "ratings_per_photo": 16, "per_address": "1000000/hour", "lease_minutes": 30},
        conditions=[{"name": "a"}, {"name": "b"}],
        comprehension={"questions": [CHOICE]},
        practice=[],
    )
    file = selectors.design_file(study.design_id)
    people = [
        simulation.SimulatedParticipant(live_server.url, "sunsets", number, PLANTED, simulation.Habits(0.1, 0.05, 0.2), seed=3)
        for number in range(24)
    ]
    outcomes = simulation.simulate(people, right_answers(file), range(1, 12), at_once=8)
    ended = Counter(outcome.ended for outcome in outcomes)
    assert set(ended) <= {"completed", "left"}
    assert ended["left"] >= 1
    stored = Counter(Trial.objects.values_list("value", flat=True))
    assert stored == Counter(value for outcome in outcomes for value in outcome.sent.values())
    rows = list(Participant.objects.order_by("number"))
    assert [row.number for row in rows] == list(range(1, 25))
    assert abs(Counter(row.condition for row in rows)["a"] - 12) <= 1
    per_photo = Counter(photo for row in rows for photo in row.photos)
    assert set(per_photo.values()) == {16}
    assert dealing.replay(file, selectors.dealing_log(study, "main")) == [selectors.assignment_of(row) for row in rows]
    path = tmp_path / "ratings.csv"
    path.write_text("".join(exports.lines_of(study, "ratings.csv")))
    with path.open() as table:
        assert sum(1 for _row in csv.reader(table)) == 1 + 16 * ended["completed"]
    result = analyse(reading.read(path).ratings, BootstrapPlan(draws=20))
    shares = {name: result.of(f"share_{name}").value for name in ("photo", "rater", "rater_photo", "residual")}
    total = 1.5**2 + 0.7**2 + 1.2**2 + 0.8**2
    # 12 photos and 20-odd participants leave wide intervals around what was planted; the order of the parts is clear.
    assert shares["photo"] == pytest.approx(1.5**2 / total, abs=0.25)
    assert shares["rater_photo"] == pytest.approx(1.2**2 / total, abs=0.15)
    assert shares["residual"] == pytest.approx(0.8**2 / total, abs=0.1)


@pytest.mark.django_db(transaction=True)
def test_the_command_simulates_a_pilot(live_server, tmp_path, settings, capsys):
    settings.ALLOWED_HOSTS = ["*"]
    path = tmp_path / "sunsets.yaml"
    path.write_text(written(design([photo.sha256 for photo in make_photos(3)], questions_before=[{"set": "age_gender"}])))
    call_command("simulate_study", path, participants=3, at_once=2, url=live_server.url, leave=0, twice=0.3)
    said = capsys.readouterr().out
    assert "3 completed" in said
    assert "accepted: 18; stored in this pilot: 18" in said
    assert set(Participant.objects.values_list("mode", flat=True)) == {"pilot"}
    path.write_text("a: [")
    with pytest.raises(CommandError, match="not YAML"):
        call_command("simulate_study", path)
