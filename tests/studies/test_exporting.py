"""What leaves a study: raw and cleaned tables, the dictionary of columns, agreement, and the commands that write them."""

import csv
import json
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from personalize.agreement import reading
from personalize.files import rating_tables
from ratings.exports.ratings_csv import ratings_csv
from ratings.models import Participant
from ratings.photos import files
from ratings.studies import export_columns, exports, services
from tests.guests import make_photos
from tests.studies.taking_part import PROLIFIC, Person, table


def test_exclusion_needs_a_reason_and_only_changes_the_cleaned_trials(dora, few):
    study = dora.study(few)
    person = Person()
    person.complete()
    who = {"participant": str(person.row.pk), "action": "exclude"}
    assert "Say why" in dora.browser.post("/studies/sunsets/participants/", who, follow=True).content.decode()
    dora.browser.post("/studies/sunsets/participants/", who | {"reason": "asleep"})
    assert [row["reason"] for row in table(study, "exclusions.csv")] == ["asleep"]
    assert (len(table(study, "trials.csv")), len(table(study, "trials_cleaned.csv"))) == (8, 0)
    assert person.row.released
    dora.browser.post("/studies/sunsets/participants/", who | {"action": "include"})
    assert len(table(study, "trials_cleaned.csv")) == 8
    assert not person.row.released
    assert dora.browser.post("/studies/sunsets/participants/", {"participant": "x", "reason": "y"}).status_code == 302


def test_cleaning_follows_the_frozen_rules(dora, few):
    check = {"text": "Choose 2.", "value": 2, "after": 2}
    rules = {"fastest_seconds": 1, "most_failed_checks": 0}
    study = dora.study(few, cleaning=rules, trials__checks=[check])
    careful, careless, left = Person(), Person(), Person()
    careful.reach_trials()
    first, *others = careful.claim().json()["trials"]
    careful.answer(first, answer_ms=1500)
    for trial in others:
        careful.answer(trial, 2)
    careful.go_on("trials")
    careless.complete()
    left.reach_trials()
    left.rate_all(most=2)
    names = {row["rater"] for row in table(study, "ratings.csv")}
    assert names == {careful.row.pseudonym}
    assert len(table(study, "ratings.csv")) == 7
    assert {row["participant"]: row["failed_checks"] for row in table(study, "participants.csv")}[careless.row.pseudonym] == "1"


def test_an_export_says_what_was_agreed_to_and_which_design_it_is(dora, few):
    study = dora.study(few, languages=["en", "ja"], consent__text={"en": "We study.", "ja": "研究します。"})
    Person().complete()
    (person,) = table(study, "participants.csv")
    texts = {row["hash"]: row["text"] for row in table(study, "consents.csv")}
    assert "We study." in texts[person["consent_hash"]]
    facts = json.loads("".join(exports.lines_of(study, "study.json")))
    assert facts["frozen_at"] == study.design.frozen_at.isoformat(timespec="seconds")
    assert (facts["versions"]["bank"], facts["is_opening"]) == ("test-bank", True)
    reply = dora.browser.get("/studies/sunsets/files/ratings.csv")
    assert f"sunsets-{study.design.hash[:12]}-ratings.csv" in reply["Content-Disposition"]
    assert "text" not in exports.people(study, "main").first().design.__dict__  # designs are large


def test_hidden_spells_changes_and_sizes_are_exported_raw_and_cleaned_by_the_rules(dora, few):
    study = dora.study(few, cleaning={"slowest_seconds": 2, "drop_hidden": True})
    person = Person()
    person.reach_trials()
    hidden, slow, *others = person.claim().json()["trials"]
    spells = {"hidden": [[1200.5, 1300]], "changes": [[1100, 2], [1150, 4]], "shown_width": 360, "shown_height": 240.5}
    person.answer(hidden, **spells)
    person.answer(slow, answer_ms=3000.5)
    for trial in others:
        person.answer(trial)
    person.post("events", {"client_id": str(uuid4()), "kind": "photo_failed", "place": 2, "started_ms": 5, "ended_ms": 6})
    person.go_on("trials")
    row = table(study, "trials.csv")[0]
    assert (json.loads(row["hidden"]), json.loads(row["changes"])) == (spells["hidden"], spells["changes"])
    assert (row["shown_width"], row["device_width"], row["device_height"]) == ("360.0", "1080.0", "721.5")
    assert [json.loads(one["data"])["started_ms"] for one in table(study, "events.csv") if one["kind"] == "photo_failed"] == [5]
    assert [int(one["position"]) for one in table(study, "trials_cleaned.csv")] == list(range(3, 9))


def test_every_column_is_in_the_dictionary_and_ids_only_where_asked(dora, few):
    study = dora.study(few, entry={"prolific": {"codes": {"completed": "C"}}})
    Person(query="?PROLIFIC_PID=secret-id&SESSION_ID=s").complete()
    meaning = {(row["table"], row["column"]) for row in table(study, "dictionary.csv")}
    for name in export_columns.TABLES:
        rows = "".join(exports.lines_of(study, name))
        assert "secret-id" not in rows
        header = rows.splitlines()[0].split(",")
        assert {(name, column) for column in header} <= meaning
    assert table(study, "participants.csv", with_ids=True)[0]["external_id"] == "secret-id"
    facts = json.loads("".join(exports.lines_of(study, "study.json")))
    assert facts["design_sha256"] == study.design.hash == services.sha256("".join(exports.lines_of(study, "study.yaml")))
    assert "secret-id" not in "".join("".join(exports.lines_of(study, name)) for name in exports.NAMES)


def test_withdrawn_rows_leave_every_file(dora, few):
    study = dora.study(few)
    alice, bob = Person(), Person()
    alice.complete()
    bob.complete()
    name = alice.row.pseudonym
    alice.browser.post("/study/sunsets/withdraw/", {"code": alice.code()})
    for file in exports.NAMES:
        assert name not in "".join(exports.lines_of(study, file))
    assert len(table(study, "participants.csv")) == 1


def test_formulas_in_answers_stay_text(dora, few):
    study = dora.study(few, questions_after=[{"id": "said", "kind": "text", "text": "Well?"}])
    person = Person()
    person.complete()
    person.go_on("questions_after", said="=1+1")
    assert [row["value"] for row in table(study, "answers.csv")] == ["'=1+1"]


def test_an_export_has_everything_and_agreement_reads_it(dora, db, tmp_path, capsys):
    photos = make_photos(6)
    study = dora.study(photos)
    for taste in range(5):
        Person().complete(lambda trial, taste=taste: 1 + (trial["place"] * 7 + taste) % 5)
    call_command("export_study", "sunsets", out=tmp_path, draws=20)
    assert {path.name for path in tmp_path.iterdir()} == {*exports.NAMES, "agreement.json", "report.md"}
    found = reading.read(tmp_path / "ratings.csv").ratings
    assert (len(found), len(found.raters), len(found.photos), found.blocks) == (60, 5, 6, ["1", "2"])
    facts = json.loads((tmp_path / "agreement.json").read_text())
    assert (facts["primary_statistic"], facts["design_sha256"], facts["mode"]) == ("icc_ak", study.design.hash, "main")
    assert f"design SHA-256 {study.design.hash}" in (tmp_path / "report.md").read_text()
    with (tmp_path / "flickr_aes.csv").open() as file:
        assert next(csv.reader(file)) == ["worker", "imagePair", "score"]
    with pytest.raises(CommandError, match="no study"):
        call_command("export_study", "nothing", out=tmp_path)
    assert Participant.objects.filter(study=study).count() == 5


def test_an_export_of_a_pilot_has_ids_and_photos_where_asked_and_evaluate_reads_it(dora, few, tmp_path):
    dora.study(few, state="pilot", entry=PROLIFIC)
    for photo in few:
        files.folder(photo).mkdir(parents=True)
        files.path(photo, files.MASTER).write_bytes(photo.sha256.encode())
    for number in range(2):
        Person(query=f"?PROLIFIC_PID=secret-{number}").complete(lambda trial, number=number: 1 + (trial["place"] + number) % 5)
    call_command("export_study", "sunsets", out=tmp_path, pilot=True, with_ids=True, photos=True, no_agreement=True)
    with (tmp_path / "participants.csv").open() as file:
        assert [row["external_id"] for row in csv.DictReader(file)] == ["secret-0", "secret-1"]
    for name in ("ratings.csv", "flickr_aes.csv"):
        found = rating_tables.read(tmp_path / name, tmp_path / "photos")
        assert (len(found.photos), [len(one.ratings) for one in found.raters]) == (4, [4, 4])


def test_trials_are_in_no_ratings_csv(dora, few):
    dora.study(few)
    Person().complete()
    assert len(list(ratings_csv())) <= 1
