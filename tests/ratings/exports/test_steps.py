"""Administrators take models home: how far it is, what is in the archive, what a lost or late step does."""

import io
import json
import shutil
import zipfile
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.utils import timezone, translation

from personalize.app import exporting, serving
from personalize.scorers import model_files
from personalize.tasks import export_models, sweep
from ratings import model_exports, selectors
from ratings.models import Fit, ModelExport
from tests.ratings.exports.asking import downloaded, export, run


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
    photos = model_files._examples(model_files.opened(path, serving.bank()).preprocessing)
    assert np.isfinite(model_files.opened(path, serving.bank()).score(photos)).all()
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
    write = model_files.write

    def full(path, kind, fit, bank):
        if fit.facts["person"] == str(people[0].id):
            raise error
        return write(path, kind, fit, bank)

    monkeypatch.setattr(model_files, "write", full)
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
