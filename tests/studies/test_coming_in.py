"""Coming into a study: links, ids and codes, previews, languages, and kind ends before any trial."""

import html
import re

import pytest
import redis
from django.core.management import CommandError, call_command

from ratings.models import BarredId, Participant, StudyLog, StudyPhoto, Trial
from ratings.studies import external_id_services, services
from tests.studies.taking_part import FROM_PROLIFIC, PROLIFIC, Person


def test_a_decline_stores_no_participant(dora, few):
    study = dora.study(few, entry=PROLIFIC)
    person = Person(query=FROM_PROLIFIC)
    person.arrive()
    said = person.browser.post(f"/study/sunsets/{FROM_PROLIFIC}", {"decision": "decline"}).content.decode()
    assert "nothing was saved" in said
    assert "submissions/complete?cc=D1" in said
    assert Participant.objects.count() == 0
    assert StudyLog.objects.filter(study=study, kind="declined").count() == 1


def test_a_consent_that_is_sent_twice_begins_one_run_and_none_of_somebody_else(dora, few):
    dora.study(few, entry=PROLIFIC)
    person = Person(query=FROM_PROLIFIC)
    run = re.search(r'name="run" value="([^"]+)"', person.arrive().content.decode())[1]
    fields = {"decision": "agree", "age": "yes", "run": run}
    again = Person()  # the first reply was lost, and the cookie with it
    for browser in (person.browser, again.browser):
        assert "What to do" in browser.post(f"/study/sunsets/{FROM_PROLIFIC}", fields, follow=True).content.decode()
    assert again.row == person.row
    person.go_on("instructions")
    assert Person().browser.post(f"/study/sunsets/{FROM_PROLIFIC}", fields).status_code == 409
    other = Person()
    other.browser.post("/study/sunsets/?PROLIFIC_PID=p2", fields)
    assert other.row != person.row
    assert Participant.objects.count() == 2


def test_somebody_too_young_is_asked_and_nothing_is_stored(dora, few):
    dora.study(few)
    person = Person()
    reply = person.browser.post("/study/sunsets/", {"decision": "agree"})
    assert "Please confirm your age" in reply.content.decode()
    assert Participant.objects.count() == 0


def test_an_id_from_prolific_runs_once_and_leads_back_with_a_link(dora, few):
    dora.study(few, entry=PROLIFIC)
    person = Person(query=FROM_PROLIFIC)
    assert 'href="https://app.prolific.com/submissions/complete?cc=C1"' in person.complete()
    assert (person.row.identity.external_id, person.row.identity.external_session) == ("p1", "x1")
    again = Person(query=FROM_PROLIFIC).consent()
    assert again.status_code == 409
    assert "One run for each id" in again.content.decode()
    assert "not complete" in Person().arrive().content.decode()  # the plain link
    assert Participant.objects.count() == 1


def test_barred_ids_and_unknown_invitations_are_refused_kindly(dora, few):
    study = dora.study(few, entry={"link": False, "invitations": True, "prolific": PROLIFIC["prolific"]})
    services.bar_ids(study, ["p1"], by=None)
    assert "cannot take part" in Person(query=FROM_PROLIFIC).consent().content.decode()
    (code,) = services.invite(study, 1, by=None)
    assert "know this code" in Person().consent(code="WRONG").content.decode()
    assert "What to do" in Person().consent(code=code.lower()).content.decode()
    assert Person(query=f"?code={code}").consent().status_code == 409


def test_until_the_consent_only_the_address_says_who_came(dora, few):
    dora.study(few, entry=PROLIFIC, languages=["en", "ja"], consent__text={"en": "We study.", "ja": "研究します。"})
    person = Person(query="?PROLIFIC_PID=%20p1%00%20&SESSION_ID=x1")
    page = person.arrive().content.decode()
    assert "p1" not in str(dict(person.browser.session))
    other = html.unescape(re.search(r'<a href="([^"]+)" lang="ja"', page)[1])
    page = person.browser.get(f"/study/sunsets/{other}").content.decode()
    assert "研究します" in page
    there = html.unescape(re.search(r'<form method="post" action="([^"]+)"', page)[1])
    person.browser.post(there, {"decision": "agree", "age": "yes", "lang": "ja"})
    assert (person.row.identity.external_id, person.row.identity.external_session) == ("p1", "x1")


def test_an_id_that_was_erased_runs_no_second_time(dora, few):
    study = dora.study(few, entry=PROLIFIC, keep_ids_days=0, ends_at=None)
    gone, late = Person(query=FROM_PROLIFIC), Person(query="?PROLIFIC_PID=p2")
    gone.complete()
    late.complete()
    gone.browser.post("/study/sunsets/withdraw/", {"code": gone.code()})
    assert external_id_services.erase_due() == 1
    for query in ("?PROLIFIC_PID=p1%20", "?PROLIFIC_PID=p2"):
        again = Person(query=query).consent()
        assert (again.status_code, "One run for each id" in again.content.decode()) == (409, True)
    assert "p1" not in str(list(BarredId.objects.filter(study=study).values_list("key")))
    assert Participant.objects.count() == 2


def test_a_full_study_says_so_and_gives_the_code(dora, few):
    dora.study(few, participants={"places": 1}, entry=PROLIFIC)
    Person(query="?PROLIFIC_PID=a").consent()
    said = Person(query="?PROLIFIC_PID=b").consent().content.decode()
    assert "This study is full" in said
    assert "cc=U1" in said


def test_closed_paused_and_draft_studies_take_nobody(dora, few):
    study = dora.study(few)
    person = Person()
    person.reach_trials()
    trial = person.claim().json()["trials"][0]
    services.change_state(study, "paused", by=None)
    assert "paused" in Person().arrive().content.decode()
    assert person.answer(trial).status_code == 503  # the page keeps it, and sends it again
    services.change_state(study, "open", by=None)
    assert person.answer(trial).status_code == 201
    services.change_state(study, "closed", by=None)
    assert "This study is closed" in Person().arrive().content.decode()
    dora.study(few, slug="other", state="draft")
    assert Person("other").arrive().status_code == 404


def test_a_preview_is_for_its_researcher_alone_and_leaves_no_data(dora, erik, few):
    study = dora.study(few, state="preview")
    stranger = Person()
    assert [stranger.browser.get(f"/study/sunsets/{page}").status_code for page in ("", "run/", "withdraw/")] == [404] * 3
    person = Person()
    person.browser.force_login(erik.user)
    assert person.arrive().status_code == 404
    person = Person()
    person.browser.force_login(dora.user)
    assert "Preview" in person.complete()
    address = f"/study/sunsets/photos/{StudyPhoto.objects.first().pk}/{few[0].content_hash}/640.webp"
    assert stranger.browser.get(address).status_code == 404
    services.change_state(study, "open", by=None)
    assert (Participant.objects.count(), Trial.objects.count()) == (0, 0)


def test_whoever_took_part_in_a_pilot_can_withdraw_while_the_next_preview_is_on(dora, few):
    study = dora.study(few, state="pilot")
    person = Person()
    assert "Preview" not in person.complete()
    code = person.code()
    for state in ("draft", "preview"):
        services.change_state(study, state, by=None)
    assert Person().arrive().status_code == 404
    assert "You have withdrawn" in Person().browser.post("/study/sunsets/withdraw/", {"code": code}).content.decode()


def test_a_preview_after_a_preview_shows_the_photos_anew(dora, few):
    study = dora.study(few, state="preview")
    for _time in range(2):
        person = Person()
        person.browser.force_login(dora.user)
        assert "everything is saved" in person.complete()
        services.change_state(study, "draft", by=None)
        study = services.change_state(study, "preview", by=None)
    services.change_state(study, "draft", by=None)
    few[0].delete()  # nothing holds it any more


def test_too_many_from_one_address_wait(dora, few):
    dora.study(few, participants={"places": 5, "per_address": "1/hour"})
    Person().consent()
    reply = Person().consent()
    assert reply.status_code == 429
    assert int(reply["Retry-After"]) >= 1


def test_the_administrators_limit_caps_the_studys_and_no_address_is_kept(dora, few, settings):
    settings.PAV = settings.PAV | {"LIMIT_PARTICIPANTS": "1/hour"}
    dora.study(few, participants={"places": 5, "per_address": "100/hour"})
    Person().consent()
    assert Person().consent().status_code == 429
    keys = redis.from_url(settings.REDIS_URL).keys("*PARTICIPANTS*")
    assert keys
    assert "127.0.0.1" not in str(keys)


def test_ids_are_barred_on_the_page_and_by_the_command(dora, few, tmp_path):
    dora.study(few, entry=PROLIFIC)
    dora.browser.post("/studies/sunsets/", {"action": "bar", "ids": "p1 p2"})
    path = tmp_path / "ids.txt"
    path.write_text("p2\np3\n")
    call_command("study", "block", "sunsets", path)
    said = [Person(query=f"?PROLIFIC_PID=p{number}").consent().content.decode() for number in (1, 2, 3, 4)]
    assert ["cannot take part" in one for one in said] == [True, True, True, False]
    assert "cc=S1" in said[0]
    assert BarredId.objects.count() == 3
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="not text in UTF-8"):
        call_command("study", "block", "sunsets", path)


def test_the_same_id_has_another_pseudonym_and_key_in_another_study(dora, few):
    names = ("sunsets", "moons")
    studies = [dora.study(few, slug=name, entry=PROLIFIC) for name in names]
    people = [Person(name, FROM_PROLIFIC) for name in names]
    for person in people:
        person.consent()
    assert len({person.row.pseudonym for person in people}) == 2
    assert len({external_id_services.used_key(study.pk, "main", "p1") for study in studies}) == 2


def test_japanese_pages_follow_the_browser_or_the_choice(dora, few):
    dora.study(few, languages=["en", "ja"], title={"en": "Sunsets", "ja": "夕日"}, consent__text={"en": "We study.", "ja": "研究します。"})
    browser = Person().browser
    assert "研究します" in browser.get("/study/sunsets/", headers={"Accept-Language": "ja"}).content.decode()
    assert "We study." in browser.get("/study/sunsets/?lang=en", headers={"Accept-Language": "ja"}).content.decode()
