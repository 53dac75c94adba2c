"""Researchers' pages, states, exports; another's study is a 404 like none."""

import csv
import html
import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from personalize import tasks
from personalize.worker import study_agreement
from ratings.models import Participant, ParticipantIdentity, Photo, Rater, Study, StudyAnalysis, StudyLog, StudyPhoto
from ratings.studies import analysis_services, dealing, example_study, exports, selectors, services, submission_services
from ratings.studies.errors import BadStudy
from tests.guests import make_photos
from tests.studies.designs import design, written
from tests.studies.taking_part import PROLIFIC, Person, table

FORM = "application/x-www-form-urlencoded"
PAGES = ("", "design/", "participants/", "files/trials.csv")


@pytest.mark.parametrize("page", PAGES)
def test_anothers_study_is_a_404_with_the_body_of_none(dora, erik, few, page):
    dora.study(few)
    admin = Client()
    admin.force_login(get_user_model().objects.create_superuser("admin"))
    for browser in (erik.browser, admin):
        others = browser.get(f"/studies/sunsets/{page}")
        none = browser.get(f"/studies/nothing/{page}")
        assert (others.status_code, none.status_code) == (404, 404)
        assert others.content.replace(b"sunsets", b"nothing") == none.content
        assert browser.post(f"/studies/sunsets/{page}", {"action": "state", "to": "closed"}).status_code in (404, 405)
    assert dora.browser.get(f"/studies/sunsets/{page}").status_code == 200
    assert Study.objects.get().state == "open"


def test_the_migration_gives_the_role_its_permission(db):
    assert Group.objects.get(name="researcher").permissions.filter(codename="add_study").exists()


def test_whoever_has_no_role_finds_no_studies(few, db):
    browser = Client()
    browser.force_login(get_user_model().objects.create_user("guest"))
    assert browser.get("/studies/").status_code == 404


def test_a_new_study_begins_sound_and_goes_from_state_to_state(dora, db):
    make_photos(6)
    dora.browser.post("/studies/", {"slug": "My Study"})
    page = dora.browser.get("/studies/my-study/design/").content.decode()
    assert "The design is sound." in page
    for state in ("preview", "draft", "pilot", "open", "paused", "open", "closed", "archived"):
        dora.browser.post("/studies/my-study/", {"action": "state", "to": state})
        assert Study.objects.get().state == state
    dora.browser.post("/studies/my-study/", {"action": "state", "to": "draft"})
    assert Study.objects.get().state == "archived"


def test_the_design_page_shows_problems_by_line_and_saves_them(dora, few):
    dora.study(few, state="draft")
    text = written(design([photo.sha256 for photo in few], colour="red"))
    page = dora.browser.post("/studies/sunsets/design/", {"text": text}, follow=True).content.decode()
    assert f"Line {text[: text.index('colour')].count(chr(10)) + 1}" in page
    assert Study.objects.get().draft == text
    said = dora.browser.post("/studies/sunsets/", {"action": "state", "to": "open"}, follow=True).content.decode()
    assert "The design has problems: line" in said
    assert Study.objects.get().state == "draft"


def test_a_large_design_is_saved_and_one_that_is_too_large_refused_in_words(dora, few):
    dora.study(few, state="draft")
    text = Study.objects.get().draft
    large = text + f"# {'夕' * 30_000}\n"  # 90 kB, 270 kB in a form

    def send(text: str) -> str:
        return dora.browser.post("/studies/sunsets/design/", urlencode({"text": text}), content_type=FORM, follow=True).content.decode()

    assert "Saved." in send(large + "\x00")
    assert Study.objects.get().draft == large
    assert "larger than 1000 kB" in send("x" * 1_000_001)
    assert "4 MB at most" in send("x" * 5_000_000)
    assert Study.objects.get().draft == large


def test_a_draft_cannot_be_changed_as_an_open_study(dora, few):
    dora.study(few, state="pilot")
    changes = {"action": "change", "places": "30", "ends_at": "", "contact": "new@example.org"}
    assert "not open yet" in dora.browser.post("/studies/sunsets/", changes, follow=True).content.decode()
    assert Study.objects.get().places == 20


def test_an_open_study_changes_only_what_may_and_notes_it(dora, few):
    study = dora.study(few)
    assert "frozen" in dora.browser.get("/studies/sunsets/design/").content.decode()
    assert dora.browser.post("/studies/sunsets/design/", {"text": "other"}).status_code == 422
    changes = {"action": "change", "places": "30", "ends_at": "2999-01-31", "contact": "new@example.org"}
    dora.browser.post("/studies/sunsets/", changes)
    study.refresh_from_db()
    assert (study.places, study.ends_at.year, study.contact) == (30, 2999, "new@example.org")
    assert StudyLog.objects.get(kind="changed").data["places"] == [20, 30]
    for wrong in ({"places": "-1"}, {"ends_at": "soon"}, {"ends_at": "2999-02-31"}, {"contact": ""}):
        dora.browser.post("/studies/sunsets/", changes | wrong)
    dora.browser.post("/studies/sunsets/", changes)  # nothing new
    assert StudyLog.objects.filter(kind="changed").count() == 1


def test_a_pilot_stays_apart(dora, few):
    study = dora.study(few, state="pilot")
    Person().complete()
    study = services.change_state(study, "open", by=None)
    Person().complete(5)
    assert [row["value"] for row in table(study, "trials.csv")] == ["5"] * 8
    assert [row["value"] for row in table(study, "trials.csv", mode="pilot")] == ["3"] * 8
    assert [row["number"] for row in table(study, "participants.csv")] == ["1"]


def test_a_pilot_of_another_design_is_dealt_and_exported_by_its_own(dora, few):
    study = dora.study(few, state="pilot", participants={"places": 1})
    Person().complete()
    services.change_state(study, "draft", by=None)
    text = written(design([photo.sha256 for photo in few[:2]], participants={"places": 1}, seed=8))
    services.save_draft(Study.objects.get(), text, by=None)
    study = services.change_state(study, "pilot", by=None)
    assert "everything is saved" in Person().complete()  # the place of the first pilot is not this one's
    rows = list(Participant.objects.order_by("number"))
    assert [(row.number, row.row) for row in rows] == [(1, 0), (2, 0)]
    study.refresh_from_db()
    dealt = dealing.replay(selectors.design_file(study.design_id), selectors.dealing_log(study, "pilot"))
    assert dealt == [selectors.assignment_of(rows[1])]
    opened = written(design([photo.sha256 for photo in few], seed=9))
    services.change_state(study, "draft", by=None)
    services.save_draft(Study.objects.get(), opened, by=None)
    study = services.change_state(study, "open", by=None)
    assert ("".join(exports.lines_of(study, "study.yaml", mode="pilot")), "".join(exports.lines_of(study, "study.yaml"))) == (text, opened)
    assert (len(table(study, "photos.csv", mode="pilot")), len(table(study, "photos.csv"))) == (2, 4)


def test_prolifics_table_marks_and_releases_and_says_what_does_not_match(dora, few):
    study = dora.study(few, entry={"prolific": {"codes": {"completed": "C"}}})
    for who in ("p1", "p2", "p3"):
        Person(query=f"?PROLIFIC_PID={who}").complete()

    def send(text: str) -> str:
        upload = {"action": "submissions", "table": SimpleUploadedFile("s.csv", text.encode())}
        return html.unescape(dora.browser.post("/studies/sunsets/", upload, follow=True).content.decode())

    said = send("Participant id,Status,Completion code\np1,APPROVED,C\np2,RETURNED,\np9,APPROVED,C\n")
    assert "unknown here: p9" in said
    assert "missing in the table: p3" in said
    assert "p2: RETURNED" in said
    by_id = {row.external_id: row.participant for row in ParticipantIdentity.objects.filter(study=study)}
    assert (by_id["p1"].crowd_status, by_id["p1"].released, by_id["p2"].released) == ("APPROVED", False, True)
    assert "p1: X" in send("Participant id,Status,Completion code\np1,APPROVED,X\np2,APPROVED,C\np2,APPROVED,C\np3,APPROVED,C\n")
    by_id["p2"].refresh_from_db()
    assert not by_id["p2"].released  # the later table has it otherwise
    assert "needs the columns" in send("a,b\n1,2\n")
    assert "Choose the CSV" in dora.browser.post("/studies/sunsets/", {"action": "submissions"}, follow=True).content.decode()


@pytest.mark.parametrize(
    ("state", "status", "code", "unlike", "is_released"),
    [
        ("completed", "REJECTED", "C1", "", True),
        ("completed", "TIMED-OUT", "", "state", True),
        ("under_way", "TIMED-OUT", "", "", True),
        ("screened_out", "SCREENED OUT", "S1", "", False),
        ("left", "SCREENED OUT", "S1", "code state", False),
        ("under_way", "APPROVED", "", "state", False),
        ("completed", "DANCING", "", "state", False),
    ],
)
def test_each_status_of_prolific_fits_some_states(dora, few, state, status, code, unlike, is_released):
    study = dora.study(few, entry=PROLIFIC)
    Person(query="?PROLIFIC_PID=p1").consent()
    Participant.objects.update(state=state)
    found = submission_services.mark(study, [("p1", status, code), ("p8", "RETURNED", "D1"), ("p9", "APPROVED", "U1")], by=None)
    assert " ".join(sorted(name for name, own in found.items() if own)) == unlike
    assert Participant.objects.get().released == is_released


def test_commands_make_check_load_save_and_export(dora, db, tmp_path, monkeypatch, capsys):
    make_photos(5)
    monkeypatch.chdir(tmp_path)
    call_command("study", "new", "coast", photos=5)
    call_command("study", "check", "coast")
    assert "The design is sound." in capsys.readouterr().out
    call_command("study", "load", "coast", owner="dora")
    with pytest.raises(CommandError, match="exists"):
        call_command("study", "save", "coast")
    loaded = Path("coast.yaml").read_text()
    call_command("study", "save", "coast", force=True)
    assert Path("coast.yaml").read_text() == loaded
    Path("coast.yaml").write_text(loaded.replace("points: 7", "points: 1"))
    with pytest.raises(CommandError, match="problem"):
        call_command("study", "check", "coast")
    assert "scale.points" in capsys.readouterr().out
    assert Study.objects.get(slug="coast").owner == dora.user


def test_a_worker_analyses_the_study_for_its_page_and_a_withdrawal_deletes_that(dora, erik, db):
    dora.study(make_photos(6))
    people = [Person() for _number in range(5)]
    for taste, person in enumerate(people):
        person.complete(lambda trial, taste=taste: 1 + (trial["place"] * 7 + taste) % 5)
    assert "Analyse" in dora.browser.get("/studies/sunsets/").content.decode()
    assert "under way" in dora.browser.post("/studies/sunsets/", {"action": "analyse"}, follow=True).content.decode()
    assert erik.browser.post("/studies/sunsets/", {"action": "analyse"}).status_code == 404
    waiting = StudyAnalysis.objects.get()
    dora.browser.post("/studies/sunsets/", {"action": "analyse"})  # one at a time
    tasks.analyse_study_agreement(str(waiting.pk))
    tasks.analyse_study_agreement(str(waiting.pk))  # another worker
    row = StudyAnalysis.objects.get()
    assert (row.pk, row.state, sorted(row.files)) == (waiting.pk, "done", ["agreement.json", "report.md"])
    page = dora.browser.get("/studies/sunsets/").content.decode()
    assert "/studies/sunsets/files/agreement.json" in page
    assert "Analyse again" in page
    assert json.loads(row.files["agreement.json"])["counts"]["raters"] == 5
    assert dora.browser.get("/studies/sunsets/files/agreement.json").status_code == 200
    assert erik.browser.get("/studies/sunsets/files/agreement.json").status_code == 404
    people[0].browser.post("/study/sunsets/withdraw/", {"code": people[0].code()})
    assert not StudyAnalysis.objects.exists()
    assert dora.browser.get("/studies/sunsets/files/agreement.json").status_code == 404


def test_an_analysis_says_why_there_is_none_and_a_lost_one_is_queued_again(dora, few, queued):
    study = dora.study(few)
    row = analysis_services.request_analysis(study)
    StudyAnalysis.objects.update(queued_at=timezone.now() - timedelta(hours=1))
    analysis_services.requeue_lost(waiting_seconds=60)
    analysis_services.requeue_lost(waiting_seconds=60)
    assert queued == [row.pk]
    study_agreement.make(row.pk)
    assert "There is no analysis" in dora.browser.get("/studies/sunsets/").content.decode()
    lost = analysis_services.request_analysis(study)
    assert analysis_services.start(lost.pk) == study
    StudyAnalysis.objects.update(created_at=timezone.now() - timedelta(hours=3))
    analysis_services.requeue_lost(waiting_seconds=60)
    assert "not finished within two hours" in dora.browser.get("/studies/sunsets/").content.decode()


@pytest.fixture
def queued(monkeypatch) -> list:
    """Ids of the analyses that were queued, but for those that wait for a commit."""
    found: list = []
    monkeypatch.setattr("ratings.jobs.request_study_agreement", found.append)
    return found


def test_different_scales_are_analysed_apart(dora, db, tmp_path):
    dora.study(make_photos(6), conditions=[{"name": "long"}, {"name": "short", "scale": {"kind": "swipe"}}])
    for taste in range(8):
        Person().complete(lambda trial, taste=taste: 1 + (trial["place"] * 7 + taste) % 3)
    call_command("export_study", "sunsets", out=tmp_path, draws=20)
    assert {path.name for path in tmp_path.iterdir()} == {
        *exports.NAMES,
        *(f"{name}-{condition}.{ending}" for condition in ("long", "short") for name, ending in (("agreement", "json"), ("report", "md"))),
    }
    assert json.loads((tmp_path / "agreement-short.json").read_text())["table"] == "sunsets short"
    with (tmp_path / "ratings.csv").open() as file:
        assert {row["condition"] for row in csv.DictReader(file)} == {"long", "short"}


def test_own_photos_are_in_no_study_not_even_the_researchers(dora, few):
    own = make_photos(2, seed=3, owner=Rater.objects.get(user=dora.user))
    everybodys = [photo.sha256 for photo in few]
    hashes = [*everybodys, *(photo.sha256 for photo in own)]
    assert selectors.catalogue_hashes(hashes) == set(everybodys)
    assert {photo.id for photo in selectors.catalogue_photos(100)} == {photo.id for photo in few}
    with pytest.raises(BadStudy):
        dora.study([*few, *own])
    Photo.objects.filter(id=own[0].id).update(sha256=few[0].sha256)  # the same picture as one of the catalogue
    dora.study(few, slug="dusk")
    assert set(StudyPhoto.objects.values_list("photo", flat=True)) == {photo.id for photo in few}


def test_the_demo_opens_its_example_once(db):
    make_photos(14)
    assert [example_study.open_example() for _time in range(2)] == ["example"] * 2
    assert Study.objects.get().state == "open"
    assert "写真の第一印象" in Person("example").browser.get("/study/example/?lang=ja").content.decode()
