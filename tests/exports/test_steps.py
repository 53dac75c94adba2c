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

from personalize.files import images
from personalize.scorers import model_files
from personalize.tasks import export_models, sweep
from personalize.worker import loaded_bank, model_export
from ratings.exports import selectors, services
from ratings.exports.selectors import fit_to_export
from ratings.models import Fit, ModelExport
from ratings.sql import to_list
from tests.exports.asking import downloaded, export, run
from tests.photos.making import scene


def test_two_raters_as_json_come_home_and_score_as_here(admin, raters, asked, tmp_path, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        row = export(admin, raters)
    assert asked == [row.id]
    asked.clear()
    files = run(row, asked)
    names = {f"rater-{rater.id}.{end}" for rater in raters[:2] for end in ("json", "card.json")}
    assert set(files) == names | {"README.txt"}
    assert b"./pav score --model rater-ID.json" in files["README.txt"]
    assert (row.state, row.done_count, row.size_bytes) == ("done", 3, services.archive(row.id).stat().st_size)
    assert [problem["rater"] for problem in row.problems] == [str(raters[2].id)]
    photos = [scene(400, 320, seed=seed) for seed in range(2)]
    features = [features for _, features in loaded_bank.extract_features(photos)]
    for rater in raters[:2]:
        path = tmp_path / "one.json"
        path.write_bytes(files[f"rater-{rater.id}.json"])
        model = model_files.opened(path, loaded_bank.bank())
        prepared = images.to_input(np.stack([images.to_pixels(photo, model.preprocessing) for photo in photos]), model.preprocessing)
        here = np.stack(features) @ np.array(to_list(Fit.objects.get(rater=rater).weights))
        np.testing.assert_allclose(model.score(prepared), here, atol=1e-3)  # ReLU6 has kinks
        assert json.loads(files[f"rater-{rater.id}.card.json"])["rater"] == str(rater.id)
    assert not services.folder(row.id).exists()


def test_the_page_shows_progress_then_the_link_and_who_has_no_model(admin, raters, asked):
    row = export(admin, raters)
    page = f"/staff/exports/{row.id}/"
    assert "Waiting for a worker." in admin.get(page).content.decode()
    services.start(row)
    assert "0 of 3 raters done." in admin.get(page).content.decode()
    export_models(str(row.id))
    assert admin.get(page + "state").json() == {
        "sentence": "1 of 3 raters done.",
        "finished": False,
        "done": 1,
        "raters": 3,
        "problems": [],
        "further_problems": 0,
        "link": "",
        "size": 0,
    }
    run(row, asked)
    text = admin.get(page).content.decode()
    assert "2 models are ready." in text
    assert f"<code>{raters[2].id}</code> There is no model" in text
    link = admin.get(page + "state").json()["link"]
    reply = admin.get(link)
    assert reply["Content-Disposition"].startswith('attachment; filename="models-json-')
    assert "no-store" in reply["Cache-Control"]
    assert int(reply["Content-Length"]) == row.size_bytes
    packed = downloaded(reply)
    assert len(zipfile.ZipFile(io.BytesIO(packed)).namelist()) == 5


def test_an_archive_is_sent_piece_by_piece(admin, raters, asked, monkeypatch):
    """A synchronous iterator would be read into memory whole before the first byte: of 50 networks, two gigabytes."""
    row = export(admin, raters)
    run(row, asked)
    monkeypatch.setattr("ratings.exports.views.PIECE", 1000)
    reply = admin.get(admin.get(f"/staff/exports/{row.id}/state").json()["link"])
    assert reply.is_async
    assert downloaded(reply) == services.archive(row.id).read_bytes()


def test_problems_are_told_in_the_language_of_the_page(admin, raters, asked):
    row = export(admin, raters)
    run(row, asked)
    with translation.override("ja"):
        told = translation.gettext(services.NO_FIT)
    state = admin.get(f"/staff/exports/{row.id}/state", headers={"Accept-Language": "ja"}).json()
    assert state["problems"] == [{"rater": str(raters[2].id), "detail": told}]


def test_where_no_model_can_be_made_that_is_said(admin, raters, asked):
    row = export(admin, raters[2:])
    assert run(row, asked) == {}
    assert row.state == "failed"
    assert "No model could be made." in admin.get(f"/staff/exports/{row.id}/").content.decode()


@pytest.mark.parametrize("error", [OSError("No space left on device"), RuntimeError("a kernel is missing")])
def test_one_rater_who_cannot_be_written_stops_nobody_else(error, admin, raters, asked, monkeypatch):
    write = model_files.write

    def full(path, kind, fit, bank):
        if fit.facts["rater"] == str(raters[0].id):
            raise error
        return write(path, kind, fit, bank)

    monkeypatch.setattr(model_files, "write", full)
    row = export(admin, raters)
    files = run(row, asked)
    assert f"rater-{raters[1].id}.json" in files
    assert str(error) in next(problem["detail"] for problem in row.problems if problem["rater"] == str(raters[0].id))


def test_a_step_that_runs_twice_or_late_changes_nothing(admin, raters, asked):
    row = export(admin, raters)
    before = services.under_way(row.id)
    export_models(str(row.id))
    assert not services.store_step(before)
    files = run(row, asked)
    packed = services.archive(row.id).stat().st_mtime_ns
    export_models(str(row.id))
    assert services.archive(row.id).stat().st_mtime_ns == packed
    assert len(files) == 5
    export_models(str(uuid4()))


def test_a_lost_step_is_asked_for_again(admin, raters, asked):
    row = export(admin, raters)
    sweep()
    assert asked == []
    ModelExport.objects.update(step_queued_at=timezone.now() - timedelta(hours=1))
    sweep()
    sweep()
    assert asked == [row.id]


def test_an_export_that_never_ends_has_failed_after_a_day(admin, raters, asked):
    row = export(admin, raters)
    ModelExport.objects.update(created_at=timezone.now() - timedelta(hours=25), step_queued_at=timezone.now() - timedelta(hours=1))
    sweep()
    row.refresh_from_db()
    assert (row.state, asked) == ("failed", [])
    assert "not finished within a day" in admin.get(f"/staff/exports/{row.id}/").content.decode()


def test_exports_are_forgotten_after_a_week_with_their_files(admin, raters, asked, django_capture_on_commit_callbacks):
    row = export(admin, raters)
    run(row, asked)
    sweep()
    assert services.archive(row.id).exists()
    ModelExport.objects.update(created_at=timezone.now() - timedelta(days=8))
    with django_capture_on_commit_callbacks(execute=True):
        sweep()
    assert not ModelExport.objects.exists()
    assert not services.archive(row.id).exists()


def test_deleting_an_export_removes_its_file(admin, raters, asked, django_capture_on_commit_callbacks):
    row = export(admin, raters)
    run(row, asked)
    link = admin.get(f"/staff/exports/{row.id}/state").json()["link"]
    with django_capture_on_commit_callbacks(execute=True):
        reply = admin.post(f"/admin/ratings/modelexport/{row.id}/delete/", {"post": "yes"})
    assert reply.status_code == 302
    assert not services.archive(row.id).exists()
    gone = admin.get(link)
    assert gone.status_code == 404
    assert "files are kept for a week" in gone.content.decode()


@pytest.mark.parametrize("moment", ["a model is made", "the archive is packed"])
def test_an_export_that_is_deleted_while_a_step_runs_leaves_no_file(
    moment, admin, raters, asked, exports_root, monkeypatch, django_capture_on_commit_callbacks
):
    row = export(admin, raters)

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
        for _ in raters:
            export_models(str(row.id))
        then_deleted(services, "finish")
    export_models(str(row.id))
    assert list(exports_root.iterdir()) == []


def test_a_worker_killed_while_it_tidies_up_loses_no_model(admin, raters, asked, monkeypatch):
    row = export(admin, raters)
    for _ in raters:
        export_models(str(row.id))
    remove = shutil.rmtree

    def killed(path, **more):
        if path == services.folder(row.id):
            next(path.glob("rater-*")).unlink()
            raise KeyboardInterrupt
        remove(path, **more)

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        export_models(str(row.id))
    monkeypatch.setattr(shutil, "rmtree", remove)
    assert len(run(row, asked)) == 5


def test_what_a_worker_killed_while_packing_left_goes_with_the_row(admin, raters, asked, exports_root, django_capture_on_commit_callbacks):
    row = export(admin, raters)
    run(row, asked)
    services.archive(row.id).with_name(f"{row.id}.zip.0123456789abcdef").write_bytes(b"half an archive")
    with django_capture_on_commit_callbacks(execute=True):
        row.delete()
    assert list(exports_root.iterdir()) == []


def test_what_speaks_is_exported(raters, monkeypatch):
    from ratings.models import ExactRefit

    bank = loaded_bank.bank()
    numbers = np.random.default_rng(0).normal(size=tuple(bank.start.shape)).astype("<f4")
    Fit.objects.filter(rater=raters[0]).update(exact_order={"photos": [1], "scores": [0.5]})
    ExactRefit.objects.create(rater=raters[0], bank_id=bank.metadata.hash, ratings_seq=12, coefficients=numbers.tobytes())
    told = fit_to_export(raters[0].id)
    assert told.facts["method"] == "exact"
    np.testing.assert_array_equal(model_export.rater_fit(told).coefficients, numbers.ravel())
    assert fit_to_export(raters[0].id, "instant").facts["method"] == "instant"
    assert fit_to_export(raters[1].id, "exact") is None
