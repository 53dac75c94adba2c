"""Administrators take models home: who may, how far it is, what is in the archive, and links that expire."""

import asyncio
import io
import json
import shutil
import threading
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core import signing
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

from personalize.app import exporting, serving
from personalize.files import banks
from personalize.scorers import person_files
from personalize.tasks import export_models, sweep
from ratings import jobs, model_exports, selectors, services
from ratings.errors import RatingError
from ratings.models import Fit, ModelExport, Person

PEOPLE = "/admin/ratings/person/"


@pytest.fixture(autouse=True)
def exports_root(settings, tmp_path) -> Path:
    settings.EXPORTS_ROOT = tmp_path / "exports"
    return settings.EXPORTS_ROOT


@pytest.fixture
def asked(monkeypatch) -> list[UUID]:
    """Steps that were asked for; nothing runs them."""
    queue: list[UUID] = []
    monkeypatch.setattr(jobs, "request_export", queue.append)
    monkeypatch.setattr(jobs, "gpu_waiting", lambda: 0)
    return queue


@pytest.fixture
def people(db) -> list[Person]:
    """Three people: two with a fit made with the shipped bank, one who has answered nothing."""
    card = banks.read_card()
    services.use_bank(hash=card.hash, card=card.facts)
    made = [services.make_guest() for _ in range(3)]
    for number, person in enumerate(made[:2]):
        weights = np.r_[0.4, 0.3 * np.random.default_rng(number).normal(size=255)]
        Fit.objects.filter(person=person).update(bank=card.hash, weights=weights.tolist(), ratings_seq=12)
    return made


def staff(name: str, *, superuser: bool = False, may: tuple[str, ...] = ("view_person", "add_modelexport", "view_modelexport")):
    users = get_user_model().objects
    user = users.create_superuser(name) if superuser else users.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=may, content_type__app_label="ratings"))
    browser = Client()
    browser.force_login(user)
    browser.user = user
    return browser


@pytest.fixture
def admin(db) -> Client:
    return staff("admin", superuser=True)


def choose(browser: Client, people: list[Person], **more: str):
    return browser.post(PEOPLE, {"action": "export_models", "_selected_action": [str(person.id) for person in people], **more})


def export(browser: Client, people: list[Person], kind: str = "json") -> ModelExport:
    reply = choose(browser, people, begin="yes", kind=kind)
    assert reply.status_code == 302, reply.content.decode()
    return ModelExport.objects.get(id=reply["Location"].split("/")[-2])


def run(row: ModelExport, asked: list[UUID]) -> dict[str, bytes]:
    """Every step; the files in the archive by name."""
    export_models(str(row.id))
    while asked:
        export_models(str(asked.pop()))
    row.refresh_from_db()
    path = model_exports.archive(row.id)
    if not path.exists():
        return {}
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def downloaded(reply) -> bytes:
    async def gathered() -> bytes:
        return b"".join([piece async for piece in reply.streaming_content])

    return asyncio.run(gathered())


def test_the_form_tells_formats_and_limits(admin, people):
    text = choose(admin, people).content.decode()
    assert "The models of 3 people" in text
    assert "take a second or two for each person" in text
    assert "At most 500 people at once." in text
    assert "At most 50 people at once." in text
    assert ModelExport.objects.count() == 0


def test_two_people_as_json_come_home_and_score_as_here(admin, people, asked, tmp_path, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        row = export(admin, people)
    assert asked == [row.id]
    asked.clear()
    files = run(row, asked)
    names = {f"person-{person.id}.{end}" for person in people[:2] for end in ("json", "card.json")}
    assert set(files) == names | {"README.txt"}
    assert b"./pav score --model person-ID.json" in files["README.txt"]
    assert (row.state, row.done, row.size) == ("done", 3, model_exports.archive(row.id).stat().st_size)
    assert [problem["person"] for problem in row.problems] == [str(people[2].id)]
    path = tmp_path / "one.json"
    path.write_bytes(files[f"person-{people[0].id}.json"])
    photos = person_files._examples(person_files.opened(path, serving.bank()).preprocessing)
    assert np.isfinite(person_files.opened(path, serving.bank()).score(photos)).all()
    assert json.loads(files[f"person-{people[0].id}.card.json"])["person"] == str(people[0].id)
    assert not model_exports.folder(row.id).exists()


def test_the_page_shows_progress_then_the_link_and_who_has_no_model(admin, people, asked):
    row = export(admin, people)
    page = f"/staff/exports/{row.id}/"
    assert "Waiting for a worker." in admin.get(page).content.decode()
    model_exports.start(row)
    assert "0 of 3 people done." in admin.get(page).content.decode()
    export_models(str(row.id))
    assert admin.get(page + "state").json() == {
        "sentence": "1 of 3 people done.",
        "finished": False,
        "done": 1,
        "people": 3,
        "problems": [],
        "further_problems": 0,
        "link": "",
        "size": 0,
    }
    run(row, asked)
    text = admin.get(page).content.decode()
    assert "2 models are ready." in text
    assert f"<code>{people[2].id}</code> There is no fit" in text
    link = admin.get(page + "state").json()["link"]
    reply = admin.get(link)
    assert reply["Content-Disposition"].startswith('attachment; filename="models-json-')
    assert "no-store" in reply["Cache-Control"]
    assert int(reply["Content-Length"]) == row.size
    packed = downloaded(reply)
    assert len(zipfile.ZipFile(io.BytesIO(packed)).namelist()) == 5


def test_an_archive_is_sent_piece_by_piece(admin, people, asked, monkeypatch):
    """A synchronous iterator would be read into memory whole before the first byte: of 50 networks, two gigabytes."""
    row = export(admin, people)
    run(row, asked)
    monkeypatch.setattr("ratings.staff_views.PIECE", 1000)
    reply = admin.get(admin.get(f"/staff/exports/{row.id}/state").json()["link"])
    assert reply.is_async
    assert downloaded(reply) == model_exports.archive(row.id).read_bytes()


def test_problems_are_told_in_the_language_of_the_page(admin, people, asked):
    row = export(admin, people)
    run(row, asked)
    with translation.override("ja"):
        told = translation.gettext(model_exports.NO_FIT)
    state = admin.get(f"/staff/exports/{row.id}/state", headers={"Accept-Language": "ja"}).json()
    assert state["problems"] == [{"person": str(people[2].id), "detail": told}]


def test_where_no_model_can_be_made_that_is_said(admin, people, asked):
    row = export(admin, people[2:])
    assert run(row, asked) == {}
    assert row.state == "failed"
    assert "No model could be made." in admin.get(f"/staff/exports/{row.id}/").content.decode()


@pytest.mark.parametrize("error", [OSError("No space left on device"), RuntimeError("a kernel is missing")])
def test_one_person_who_cannot_be_written_stops_nobody_else(error, admin, people, asked, monkeypatch):
    write = person_files.write

    def full(path, kind, fit, bank):
        if fit.facts["person"] == str(people[0].id):
            raise error
        return write(path, kind, fit, bank)

    monkeypatch.setattr(person_files, "write", full)
    row = export(admin, people)
    files = run(row, asked)
    assert f"person-{people[1].id}.json" in files
    assert str(error) in next(problem["detail"] for problem in row.problems if problem["person"] == str(people[0].id))


def test_a_step_that_runs_twice_or_late_changes_nothing(admin, people, asked):
    row = export(admin, people)
    before = model_exports.under_way(row.id)
    export_models(str(row.id))
    assert not model_exports.store_step(before)
    files = run(row, asked)
    packed = model_exports.archive(row.id).stat().st_mtime_ns
    export_models(str(row.id))
    assert model_exports.archive(row.id).stat().st_mtime_ns == packed
    assert len(files) == 5
    export_models(str(uuid4()))


def test_a_lost_step_is_asked_for_again(admin, people, asked):
    row = export(admin, people)
    sweep()
    assert asked == []
    ModelExport.objects.update(asked_at=timezone.now() - timedelta(hours=1))
    sweep()
    sweep()
    assert asked == [row.id]


def test_an_export_that_never_ends_has_failed_after_a_day(admin, people, asked):
    row = export(admin, people)
    ModelExport.objects.update(created_at=timezone.now() - timedelta(hours=25), asked_at=timezone.now() - timedelta(hours=1))
    sweep()
    row.refresh_from_db()
    assert (row.state, asked) == ("failed", [])
    assert "not finished within a day" in admin.get(f"/staff/exports/{row.id}/").content.decode()


def test_exports_are_forgotten_after_a_week_with_their_files(admin, people, asked, django_capture_on_commit_callbacks):
    row = export(admin, people)
    run(row, asked)
    sweep()
    assert model_exports.archive(row.id).exists()
    ModelExport.objects.update(created_at=timezone.now() - timedelta(days=8))
    with django_capture_on_commit_callbacks(execute=True):
        sweep()
    assert not ModelExport.objects.exists()
    assert not model_exports.archive(row.id).exists()


def test_deleting_an_export_removes_its_file(admin, people, asked, django_capture_on_commit_callbacks):
    row = export(admin, people)
    run(row, asked)
    link = admin.get(f"/staff/exports/{row.id}/state").json()["link"]
    with django_capture_on_commit_callbacks(execute=True):
        reply = admin.post(f"/admin/ratings/modelexport/{row.id}/delete/", {"post": "yes"})
    assert reply.status_code == 302
    assert not model_exports.archive(row.id).exists()
    gone = admin.get(link)
    assert gone.status_code == 404
    assert "files are kept for a week" in gone.content.decode()


@pytest.mark.parametrize("moment", ["a model is made", "the archive is packed"])
def test_an_export_that_is_deleted_while_a_step_runs_leaves_no_file(
    moment, admin, people, asked, exports_root, monkeypatch, django_capture_on_commit_callbacks
):
    row = export(admin, people)

    def then_deleted(module, name):
        before = getattr(module, name)

        def meanwhile(*args):
            with django_capture_on_commit_callbacks(execute=True):
                ModelExport.objects.filter(id=row.id).delete()
            return before(*args)

        monkeypatch.setattr(module, name, meanwhile)

    if moment == "a model is made":
        then_deleted(selectors, "fit_to_export")
    else:
        for _ in people:
            export_models(str(row.id))
        then_deleted(model_exports, "finish")
    export_models(str(row.id))
    assert list(exports_root.iterdir()) == []


def test_a_worker_killed_while_it_tidies_up_loses_no_model(admin, people, asked, monkeypatch):
    row = export(admin, people)
    for _ in people:
        export_models(str(row.id))
    remove = shutil.rmtree

    def killed(path, **more):
        if path == model_exports.folder(row.id):
            next(path.glob("person-*")).unlink()
            raise KeyboardInterrupt
        remove(path, **more)

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        export_models(str(row.id))
    monkeypatch.setattr(shutil, "rmtree", remove)
    assert len(run(row, asked)) == 5


def test_what_a_worker_killed_while_packing_left_goes_with_the_row(admin, people, asked, exports_root, django_capture_on_commit_callbacks):
    row = export(admin, people)
    run(row, asked)
    model_exports.archive(row.id).with_name(f"{row.id}.zip.0123456789abcdef").write_bytes(b"half an archive")
    with django_capture_on_commit_callbacks(execute=True):
        row.delete()
    assert list(exports_root.iterdir()) == []


def test_limits_are_told_and_keep_what_was_chosen(admin, people, asked, monkeypatch):
    monkeypatch.setitem(model_exports.KINDS, "onnx", replace(model_exports.KINDS["onnx"], most=2))
    text = choose(admin, people, begin="yes", kind="onnx").content.decode()
    assert "more people than fit into one export" in text
    assert all(str(person.id) in text for person in people)
    assert "Choose one of the formats." in choose(admin, people, begin="yes", kind="pickle").content.decode()
    for _ in range(model_exports.MOST_UNFINISHED):
        export(admin, people)
    assert "are not finished yet" in choose(admin, people, begin="yes", kind="json").content.decode()
    assert ModelExport.objects.count() == model_exports.MOST_UNFINISHED


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_only_one_is_the_last_that_fits(people, monkeypatch):
    monkeypatch.setattr(jobs, "request_export", lambda export: None)
    user = get_user_model().objects.create_superuser("admin")
    before, create = threading.Barrier(2), ModelExport.objects.create
    refused = []

    def both_have_counted(**row):
        with suppress(threading.BrokenBarrierError):  # the other one waits until this one has been stored
            before.wait(timeout=2)
        return create(**row)

    def ask():
        try:
            model_exports.begin(user_id=user.pk, kind="json", people=[people[0].id])
        except RatingError as error:
            refused.append(error)
        finally:
            connection.close()

    for _ in range(model_exports.MOST_UNFINISHED - 1):
        model_exports.begin(user_id=user.pk, kind="json", people=[people[0].id])
    monkeypatch.setattr(ModelExport.objects, "create", both_have_counted)
    at_once = [threading.Thread(target=ask) for _ in range(2)]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join()
    assert (ModelExport.objects.count(), len(refused)) == (model_exports.MOST_UNFINISHED, 1)


def test_whoever_may_add_exports_sees_their_own(people, asked):
    alice = staff("alice", may=("view_person", "add_modelexport"))
    row = export(alice, people)
    assert alice.get(f"/staff/exports/{row.id}/").status_code == 200
    assert str(row.id) in alice.get("/admin/ratings/modelexport/").content.decode()
    assert alice.post(f"/admin/ratings/modelexport/{row.id}/delete/", {"post": "yes"}).status_code == 403


def test_the_page_of_a_person_offers_the_export_to_those_who_may(admin, people):
    page = f"{PEOPLE}{people[0].id}/change/"
    assert "Export model" in admin.get(page).content.decode()
    assert "Export model" not in staff("bob", may=("view_person",)).get(page).content.decode()
    assert "The model of 1 person" in choose(admin, people[:1]).content.decode()


@pytest.mark.parametrize("who", ["anonymous", "guest alice", "guest bob", "staff without permission"])
def test_who_may_not_export(who, people, alice, bob):
    browser = {
        "anonymous": Client,
        "guest alice": lambda: alice.browser,
        "guest bob": lambda: bob.browser,
        "staff without permission": lambda: staff("bob", may=("view_person",)),
    }[who]()
    browser.handler.enforce_csrf_checks = False
    choose(browser, people, begin="yes", kind="json")
    assert ModelExport.objects.count() == 0


def test_an_export_needs_the_csrf_token(admin, people):
    admin.handler.enforce_csrf_checks = True
    assert choose(admin, people, begin="yes", kind="json").status_code == 403
    assert ModelExport.objects.count() == 0


def test_an_export_is_seen_by_whoever_asked_and_by_superusers(people, asked, admin, guest):
    alice, bob = staff("alice"), staff("bob")
    row = export(alice, people)
    run(row, asked)
    page = f"/staff/exports/{row.id}/"
    link = alice.get(page + "state").json()["link"]
    assert [browser.get(page).status_code for browser in (alice, bob, admin)] == [200, 404, 200]
    assert [browser.get(page + "state").status_code for browser in (alice, bob, admin)] == [200, 404, 200]
    assert [browser.get(link).status_code for browser in (alice, bob, admin)] == [200, 403, 403]  # a link is for one
    for stranger in (Client(), guest().browser):
        assert [stranger.get(address).status_code for address in (page, page + "state", link)] == [302, 302, 302]
    changelist = "/admin/ratings/modelexport/"
    assert [str(row.id) in browser.get(changelist).content.decode() for browser in (alice, bob, admin)] == [True, False, True]


def test_staff_who_lose_the_permission_lose_the_link(people, asked):
    alice = staff("alice")
    row = export(alice, people)
    run(row, asked)
    link = alice.get(f"/staff/exports/{row.id}/state").json()["link"]
    alice.user.user_permissions.clear()
    assert alice.get(link).status_code == 404


def test_a_file_that_is_gone_is_said(admin, people, asked):
    row = export(admin, people)
    run(row, asked)
    link = admin.get(f"/staff/exports/{row.id}/state").json()["link"]
    model_exports.archive(row.id).unlink()
    reply = admin.get(link)
    assert reply.status_code == 404
    assert "files are kept for a week" in reply.content.decode()


def test_links_that_are_old_or_altered_lead_nowhere(admin, people, asked, monkeypatch):
    row = export(admin, people)
    run(row, asked)
    link = admin.get(f"/staff/exports/{row.id}/state").json()["link"]
    assert admin.get(link).status_code == 200
    altered = link[:-3] + ("A" if link[-3] != "A" else "B") + link[-2:]
    foreign = signing.dumps([str(row.id), admin.user.pk], salt="another")
    for address in (altered, f"/staff/exports/file/{foreign}/", "/staff/exports/file/nonsense/"):
        reply = admin.get(address)
        assert reply.status_code == 403
        assert "older than an hour" in reply.content.decode()
    monkeypatch.setattr(model_exports, "LINK_SECONDS", -1)
    assert admin.get(link).status_code == 403


def test_what_speaks_is_exported(people, monkeypatch):
    from ratings.models import Refinement

    bank = serving.bank()
    numbers = np.random.default_rng(0).normal(size=tuple(bank.start.shape)).astype("<f4")
    Fit.objects.filter(person=people[0]).update(refined={"photos": [1], "scores": [0.5]})
    Refinement.objects.create(person=people[0], bank_id=bank.card.hash, ratings_seq=12, coefficients=numbers.tobytes())
    told = selectors.fit_to_export(people[0].id)
    assert told.facts["method"] == "exact"
    np.testing.assert_array_equal(exporting.person_fit(told, bank).coefficients, numbers)
    assert selectors.fit_to_export(people[0].id, "instant").facts["method"] == "instant"
    assert selectors.fit_to_export(people[1].id, "exact") is None
