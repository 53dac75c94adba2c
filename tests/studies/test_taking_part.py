"""Taking part: steps, trials stored once and in order, kind ends, withdrawal, erasure."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from personalize.tasks import tidy_studies
from ratings.models import (
    Exclusion,
    Participant,
    ParticipantIdentity,
    Photo,
    Presentation,
    Rater,
    RatingEvent,
    Study,
    StudyAnswer,
    StudyLog,
    Trial,
    TrialEvent,
)
from ratings.studies import dealing, external_id_services, selectors, services, views
from tests.studies.taking_part import FROM_PROLIFIC, PROLIFIC, Person

CHOICE = {"id": "task", "kind": "choice", "text": "What?", "options": ["Beauty", "Fame"]}


def test_the_whole_way_stores_every_trial_once_and_no_rater(dora, few):
    dora.study(few)
    person = Person()
    assert "We study sunsets." in person.arrive().content.decode()
    assert Participant.objects.count() == 0
    said = person.complete()
    assert "everything is saved" in said
    assert person.row.withdrawal_code in said
    rows = list(Trial.objects.order_by("place"))
    assert [row.place for row in rows] == list(range(8))
    assert [row.photo_before_id for row in rows[1:]] == [row.photo_id for row in rows[:-1]]
    first = rows[0]
    assert (first.value, first.shown_ms, first.answer_ms, first.derivative, first.dealt_by) == (3, 1000.25, 2500.5, 640, "random")
    assert person.row.state == "completed"
    assert (Rater.objects.count(), Presentation.objects.count(), RatingEvent.objects.count()) == (1, 0, 0)  # the researcher's own


def test_a_double_post_is_stored_once_and_a_changed_one_is_refused(dora, few):
    dora.study(few)
    person = Person()
    person.reach_trials()
    trial, second, *_ = person.claim().json()["trials"]
    body = person.body(trial)
    assert [person.post("trials", body).status_code for _time in range(2)] == [201, 200]
    assert person.post("trials", body | {"value": 4}).status_code == 422
    assert person.post("trials", person.body(trial)).status_code == 409  # another answer to the same trial
    assert person.answer(second).status_code == 201
    assert Trial.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        ({"value": 6}, 422, "not on the scale"),
        ({"value": None}, 422, "not on the scale"),
        ({"value": None, "skipped": True}, 422, "cannot be skipped"),
        ({"value": None, "timed_out": True}, 422, "no time limit"),
        ({"token": "0" * 32}, 404, "not one of yours"),
        ({"place": 3}, 404, "not one of yours"),
        ({"answer_ms": 1}, 422, "before the photo"),
        ({"answer_ms": -1}, 422, "answer_ms"),
        ({"changes": [[1200, 9]]}, 422, "not on the scale"),
    ],
)
def test_an_answer_that_the_page_cannot_have_sent_is_refused(dora, few, changes, status, sentence):
    dora.study(few)
    person = Person()
    person.reach_trials()
    reply = person.post("trials", person.body(person.claim().json()["trials"][0]) | changes)
    assert reply.status_code == status
    assert sentence in reply.json()["detail"]
    assert Trial.objects.count() == 0


def test_somebody_elses_trial_is_not_found_and_a_stranger_is_told_to_begin(dora, few):
    dora.study(few)
    alice, bob = Person(), Person()
    alice.reach_trials()
    bob.reach_trials()
    assert bob.answer(alice.claim().json()["trials"][0]).status_code == 404
    assert Person().claim().status_code == 403


def test_time_limit_minimum_time_skip_and_undo_follow_the_design(dora, few):
    dora.study(few, trials={"blocks": [{"name": "a"}], "minimum_seconds": 1, "limit_seconds": 5, "skip": True, "undo": True})
    person = Person()
    person.reach_trials()
    first, second, third, _ = person.claim().json()["trials"]
    assert "seen for 1.0 seconds" in person.answer(first, answer_ms=1500).json()["detail"]
    assert "after the time limit" in person.answer(first, answer_ms=9000).json()["detail"]
    assert "not over yet" in person.answer(first, None, timed_out=True, answer_ms=5000).json()["detail"]
    assert person.answer(first, None, timed_out=True, answer_ms=6000.3).status_code == 201
    assert person.answer(second, None, skipped=True).status_code == 201
    undo = {"client_id": str(uuid4()), "place": second["place"]}
    assert [person.post("undo", undo).status_code for _time in range(2)] == [200, 200]
    assert person.post("undo", {"client_id": str(uuid4()), "place": third["place"]}).status_code == 409
    assert person.answer(second, 5).status_code == 201
    assert list(Trial.objects.order_by("place", "attempt").values_list("place", "attempt", "value", "skipped", "timed_out")) == [
        (0, 0, None, False, True),
        (1, 0, None, True, False),
        (1, 1, 5, False, False),
    ]


def test_a_reload_goes_on_at_the_same_trial(dora, few):
    dora.study(few)
    person = Person()
    person.reach_trials()
    person.rate_all(most=3)
    person.page = str(uuid4())
    assert person.claim().status_code == 409  # the other page was heard of just now
    left = person.claim(insists=True).json()["trials"]
    assert [trial["place"] for trial in left] == [3, 4, 5, 6, 7]
    assert TrialEvent.objects.get().kind == "resume"


def test_a_study_that_allows_no_second_opening_ends_the_run(dora, few):
    study = dora.study(few, resume="never")
    person = Person()
    person.reach_trials()
    person.rate_all(most=2)
    person.page = str(uuid4())
    assert person.claim(insists=True).status_code == 409
    assert "This run has ended" in person.see()
    assert (person.row.state, person.row.released) == ("left", True)
    assert StudyLog.objects.get(study=study, kind="released").data["why"] == "left"


def test_a_reload_is_allowed_for_a_while_where_the_study_says_so(dora, few):
    dora.study(few, resume="reload", entry=PROLIFIC)
    person = Person(query=FROM_PROLIFIC)
    person.reach_trials()
    person.rate_all(most=2)
    assert person.claim().status_code == 200
    Participant.objects.update(page_seen_at=timezone.now() - timedelta(minutes=11))
    assert person.claim().status_code == 409
    said = person.see()
    assert "This run has ended" in said
    assert "cc=T1" in said  # nobody is left without a code


def test_a_break_that_was_taken_is_not_taken_again_after_a_reload(dora, few):
    dora.study(few)
    person = Person()
    person.reach_trials()
    person.rate_all(most=4)
    assert [trial["break_before"] for trial in person.claim().json()["trials"]] == [True, False, False, False]
    person.post("events", {"client_id": str(uuid4()), "kind": "break", "place": 4, "started_ms": 1, "ended_ms": 2})
    assert not any(trial["break_before"] for trial in person.claim().json()["trials"])


def test_examples_and_a_matrix_are_shown_and_credited(dora, few):
    Photo.objects.filter(pk=few[0].pk).update(credit="Photo: Marguerite")
    examples = [{"photo": few[0].sha256, "text": "Such as this one."}]
    practice = [few[0].sha256]
    dora.study(few, instructions__examples=examples, practice=practice, questions_before=[{"set": "aesthetics_interest"}])
    person = Person()
    assert "I enjoy looking at photos." in person.consent().content.decode()
    missing = person.go_on("questions_before", **{"photo_interest.1": "2", "photo_interest.2": "9"}).content.decode()
    assert missing.count("Please answer this question.") == 2
    assert 'value="2" checked' in missing
    page = person.go_on("questions_before", **{f"photo_interest.{row}": "2" for row in (1, 2, 3)}).content.decode()
    assert "Such as this one." in page
    assert f"/{few[0].content_hash}/" in page
    assert person.row.withdrawal_code in page
    assert sorted(StudyAnswer.objects.values_list("question", "row", "value")) == [("photo_interest", row, "2") for row in "123"]
    Participant.objects.update(state="completed")
    assert "Marguerite" in person.see()


def test_after_the_date_of_the_consent_nobody_withdraws(dora, few, monkeypatch):
    dora.study(few, consent__withdraw_until=timezone.now().date())
    person = Person()
    code = (person.complete(), person.code())[1]
    monkeypatch.setattr(views, "datetime", SimpleNamespace(now=lambda zone: datetime.now(zone) + timedelta(days=1)))
    said = person.browser.post("/study/sunsets/withdraw/", {"code": code}).content.decode()
    assert "The time for withdrawing is over" in said
    assert person.row.state == "completed"


def test_what_cannot_be_stored_is_left_out_of_what_is(dora, few):
    dora.study(few, questions_before=[{"id": "said", "kind": "text", "text": "Well?"}])
    person = Person()
    person.consent()
    person.go_on("questions_before", said="a\x00b")
    person.go_on("instructions")
    trial = person.claim().json()["trials"][0]
    assert person.answer(trial, orientation="portrait\x00-primary").status_code == 201
    assert (StudyAnswer.objects.get().value, Trial.objects.get().orientation) == ("ab", "portrait-primary")


def test_screening_ends_kindly_and_gives_the_place_back(dora, few):
    dora.study(few, questions_before=[CHOICE | {"screen_out": [2]}], participants={"places": 1})
    person = Person()
    assert "What?" in person.consent().content.decode()
    assert "Please answer this question" in person.go_on("questions_before").content.decode()
    assert "Thank you for your interest" in person.go_on("questions_before", task="2").content.decode()
    assert person.row.state == "screened_out"
    assert "How beautiful" in Person().consent().content.decode() or Participant.objects.filter(released=False).count() == 1


def test_comprehension_has_two_tries_then_a_kind_end_before_any_trial(dora, few):
    dora.study(few, comprehension={"questions": [CHOICE | {"correct": 1}]}, entry=PROLIFIC)
    alice, bob = Person(query="?PROLIFIC_PID=a"), Person(query="?PROLIFIC_PID=b")
    for person in (alice, bob):
        person.consent()
        person.go_on("instructions")
        for _time in range(2):  # a double click is one try
            assert "another try" in person.go_on("comprehension", task="2", attempt="1").content.decode()
    assert "the study ends here" in alice.go_on("comprehension", task="2", attempt="2").content.decode()
    bob.go_on("comprehension", task="1", attempt="2")
    assert "cc=F1" in alice.see()
    assert (alice.row.state, bob.row.step) == ("checks_failed", "trials")
    assert alice.claim().status_code == 409
    assert StudyAnswer.objects.filter(step="comprehension").count() == 4


def test_conditions_may_have_a_scale_and_trials_of_their_own(dora, few):
    short = {"name": "short", "scale": {"kind": "swipe"}, "trials": {"blocks": [{"name": "once"}], "skip": True}, "question": "Keep it?"}
    dora.study(few, conditions=[{"name": "long"}, short])
    people = {}
    for _time in range(2):
        person = Person()
        person.reach_trials()
        people[person.row.condition] = person
    assert [len(people[name].claim().json()["trials"]) for name in ("long", "short")] == [8, 4]
    page = people["short"].see()
    assert 'data-drawn="swipe"' in page
    assert "Keep it?" in page
    trials = people["short"].claim().json()["trials"]
    assert "from 1 to 3" in people["short"].answer(trials[0], 4).json()["detail"]
    assert people["short"].answer(trials[0], None, skipped=True).status_code == 201
    assert people["long"].answer(people["long"].claim().json()["trials"][0], 5).status_code == 201


def test_whoever_stays_away_gives_the_place_to_somebody_else_and_the_log_replays_it(dora, few):
    study = dora.study(few, participants={"places": 2, "photos_each": 2, "ratings_per_photo": 1})
    gone, stays, late = Person(), Person(), Person()
    gone.consent()
    stays.complete()
    Participant.objects.filter(pk=gone.row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    late.consent()
    assert set(late.row.photos) == set(gone.row.photos)
    assert "This study is full" in gone.see()
    rows = Participant.objects.order_by("number")
    file = selectors.design_file(study.design_id)
    assert dealing.replay(file, selectors.dealing_log(study, "main")) == [selectors.assignment_of(row) for row in rows]


def test_a_withdrawal_erases_everything_but_what_others_are_dealt_by(dora, few):
    wanted = {"places": 4, "photos_each": 2, "ratings_per_photo": 1}
    conditions = [{"name": "a"}, {"name": "b"}]
    study = dora.study(few, entry=PROLIFIC, participants=wanted, conditions=conditions, questions_after=[{"set": "age_gender"}])
    gone, stays, late = (Person(query=f"?PROLIFIC_PID=p{number}") for number in range(3))
    gone.complete()
    gone.go_on("questions_after", age="40")
    stays.complete()
    services.exclude(gone.row, reason="asleep", by=None)
    before, code, stranger = gone.row, gone.code(), Person().browser
    assert "know this code" in stranger.post("/study/sunsets/withdraw/", {"code": "AAAA"}).content.decode()
    for _time in range(2):
        assert "You have withdrawn" in stranger.post("/study/sunsets/withdraw/", {"code": code.replace("-", " ").lower()}).content.decode()
    row = gone.row
    kept = {"id", "study_id", "design_id", "mode", "number", "condition", "row", "withdrawal_code", "released", "state", "lease_until"}
    left = {field.attname for field in Participant._meta.concrete_fields if getattr(row, field.attname) not in ("", None, [], 0)}
    assert left <= kept
    assert (row.state, row.number, row.condition, row.row) == ("withdrawn", before.number, before.condition, before.row)
    for table in (Trial, TrialEvent, StudyAnswer, ParticipantIdentity, Exclusion):
        assert not table.objects.filter(participant=row).exists()
    assert gone.post("events", {"client_id": str(uuid4()), "kind": "break", "place": 1}).status_code == 200
    assert not TrialEvent.objects.filter(participant=row).exists()
    lines = [line.data for line in StudyLog.objects.filter(study=study) if line.data.get("number") == row.number]
    left = {"mode": "main", "number": row.number}
    assert sorted(lines, key=len) == [left, left, left | {"design": study.design.hash}]  # released, withdrawn, dealt
    assert "p0" not in str(dict(gone.browser.session))
    assert selectors.counts_by_state(study, "main") == {"under_way": 1}
    assert "You have withdrawn" in gone.see()
    assert dora.browser.get("/studies/sunsets/participants/").status_code == 200
    late.consent()
    assert set(late.row.photos) == set(before.photos)
    dealt = dealing.replay(selectors.design_file(study.design_id), selectors.dealing_log(study, "main"))
    assert dealt[1:] == [selectors.assignment_of(person.row) for person in (stays, late)]


def test_a_technical_fault_ends_the_run_with_its_code(dora, few):
    dora.study(few, entry=PROLIFIC)
    person = Person(query=FROM_PROLIFIC)
    person.reach_trials()
    said = person.browser.post("/study/sunsets/run/", {"fault": "yes", "note": "photo"}, follow=True).content.decode()
    assert "cc=T1" in said
    assert (person.row.state, person.row.released, person.row.fault_note) == ("fault", True, "photo")


def test_photos_of_a_study_are_protected_and_the_frozen_design_stays(dora, few):
    study = dora.study(few)
    with pytest.raises(ProtectedError):
        few[0].delete()
    with pytest.raises(services.BadStudy):
        services.save_draft(study, "other", by=None)
    assert study.design.is_opening
    assert study.design.versions["bank"] == "test-bank"


def test_photos_are_shown_to_participants_alone_and_with_neither_name_nor_credit(dora, few, media):
    few[0].credit = "Photo: Marguerite"
    few[0].save()
    dora.study(few[:1], practice=[], trials={"blocks": [{"name": "a"}]})
    person = Person()
    person.reach_trials()
    page = person.see()
    trial = person.claim().content.decode()
    assert "Marguerite" not in page + trial
    assert few[0].name not in page + trial
    address = person.claim(insists=True).json()["trials"][0]["photo"]["src"]
    assert Person().browser.get(address).status_code == 404


def test_ids_are_erased_at_the_retention_date(dora, few, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)  # else midnight may pass meanwhile
    today = now.date()
    study = dora.study(few, entry=PROLIFIC, keep_ids_days=10, ends_at=today + timedelta(days=20))
    Person(query=FROM_PROLIFIC).consent()

    def days() -> int:
        return (ParticipantIdentity.objects.get().erase_on - today).days

    assert days() == 31  # the last day is over at the midnight after it
    later = {"places": 20, "contact": "dora@example.org", "by": None}
    services.change_open_study(study, ends_at=timezone.now() + timedelta(days=40), **later)
    assert days() == 50
    services.change_state(study, "closed", by=None)
    assert days() == 10
    services.change_state(study, "open", by=None)
    assert days() == 50
    services.change_open_study(study, ends_at=None, **later)
    assert days() == 10  # after the run, where the study has no end
    assert external_id_services.erase_due() == 0
    ParticipantIdentity.objects.update(erase_on=timezone.now().date())
    assert external_id_services.erase_due() == 1
    assert Participant.objects.count() == 1


def test_the_hourly_task_closes_a_study_past_its_last_day_and_releases_who_left(dora, few):
    study = dora.study(few)
    person = Person()
    person.consent()
    Participant.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    Study.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert "This study is closed" in Person().arrive().content.decode()
    tidy_studies()
    study.refresh_from_db()
    assert (study.state, person.row.released) == ("closed", True)


def test_an_answer_takes_few_queries(dora, few, django_assert_num_queries):
    dora.study(few)
    person = Person()
    person.reach_trials()
    first, second, *_ = person.claim().json()["trials"]
    person.answer(first)
    with django_assert_num_queries(6):  # session, participant, the transaction, its two writes
        person.answer(second)
