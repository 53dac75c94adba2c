"""Steps of a model export: progress, archive contents, and lost, late or repeated steps."""

import io
import json
import shutil
import zipfile
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.utils import timezone, translation

from personalize.exports import model_files
from personalize.files import banks
from personalize.tasks import export_models, sweep
from personalize.worker import capabilities, loaded_bank, model_export
from ratings import jobs
from ratings.exports import selectors, services
from ratings.exports.selectors import fit_to_export
from ratings.models import ExactRefit, Fit, ModelExport
from ratings.sql import to_list
from tests.exports.asking import downloaded, export, run
from tests.guests import current_projection, features_of, report_worker
from tests.personalize.exported import photographs


def test_exported_json_models_give_the_scores_of_the_stored_fits(admin, raters, requested, tmp_path, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        row = export(admin, raters)
    assert requested == [row.id]
    requested.clear()
    files = run(row, requested)
    names = {f"rater-{rater.id}.{end}" for rater in raters[:2] for end in ("json", "card.json")}
    assert set(files) == names | {"README.txt"}
    assert b"./pav score --model rater-ID.json" in files["README.txt"]
    assert (row.state, row.done_count, row.size_bytes) == ("done", 3, services.archive(row.id).stat().st_size)
    assert [problem["rater"] for problem in row.problems] == [str(raters[2].id)]
    photos = photographs()[:2]
    features = features_of(photos)
    for rater in raters[:2]:
        path = tmp_path / "one.json"
        path.write_bytes(files[f"rater-{rater.id}.json"])
        expected = features @ np.array(to_list(Fit.objects.get(rater=rater).weights))
        np.testing.assert_allclose(model_files.opened(path, banks.DEFAULT).score(photos), expected, atol=1e-3)
        assert json.loads(files[f"rater-{rater.id}.card.json"])["rater"] == str(rater.id)
    assert not services.folder(row.id).exists()


def test_the_page_shows_progress_then_the_link_and_raters_without_a_model(admin, raters, requested):
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
    run(row, requested)
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


def test_an_archive_is_streamed_in_pieces(admin, raters, requested, monkeypatch):
    """Django reads a synchronous iterator into memory before it sends the first byte: two gigabytes for 50 networks."""
    row = export(admin, raters)
    run(row, requested)
    monkeypatch.setattr("ratings.exports.views.PIECE", 1000)
    reply = admin.get(admin.get(f"/staff/exports/{row.id}/state").json()["link"])
    assert reply.is_async
    assert downloaded(reply) == services.archive(row.id).read_bytes()


def test_problems_are_shown_in_the_language_of_the_page(admin, raters, requested):
    row = export(admin, raters)
    run(row, requested)
    with translation.override("ja"):
        sentence = translation.gettext(services.NO_FIT)
    state = admin.get(f"/staff/exports/{row.id}/state", headers={"Accept-Language": "ja"}).json()
    assert state["problems"] == [{"rater": str(raters[2].id), "detail": sentence}]


def test_an_export_without_any_model_fails_with_a_sentence(admin, raters, requested):
    row = export(admin, raters[2:])
    assert run(row, requested) == {}
    assert row.state == "failed"
    assert "No model could be made." in admin.get(f"/staff/exports/{row.id}/").content.decode()


@pytest.mark.parametrize("error", [OSError("No space left on device"), RuntimeError("a kernel is missing")])
def test_an_error_with_one_model_does_not_stop_the_export_of_others(error, admin, raters, requested, monkeypatch):
    write = model_files.write

    def failing_write(path, kind, fit, bank):
        if fit.facts["rater"] == str(raters[0].id):
            raise error
        return write(path, kind, fit, bank)

    monkeypatch.setattr(model_files, "write", failing_write)
    row = export(admin, raters)
    files = run(row, requested)
    assert f"rater-{raters[1].id}.json" in files
    assert str(error) in next(problem["detail"] for problem in row.problems if problem["rater"] == str(raters[0].id))


def test_a_step_that_runs_twice_or_late_changes_nothing(admin, raters, requested):
    row = export(admin, raters)
    before = services.under_way(row.id)
    export_models(str(row.id))
    assert not services.store_step(before)
    files = run(row, requested)
    packed = services.archive(row.id).stat().st_mtime_ns
    export_models(str(row.id))
    assert services.archive(row.id).stat().st_mtime_ns == packed
    assert len(files) == 5
    export_models(str(uuid4()))


def test_a_lost_step_is_requested_again(admin, raters, requested):
    row = export(admin, raters)
    sweep()
    assert requested == []
    ModelExport.objects.update(step_queued_at=timezone.now() - timedelta(hours=1))
    sweep()
    sweep()
    assert requested == [row.id]


def test_an_unfinished_export_fails_after_a_day(admin, raters, requested):
    row = export(admin, raters)
    ModelExport.objects.update(created_at=timezone.now() - timedelta(hours=25), step_queued_at=timezone.now() - timedelta(hours=1))
    sweep()
    row.refresh_from_db()
    assert (row.state, requested) == ("failed", [])
    assert "not finished within a day" in admin.get(f"/staff/exports/{row.id}/").content.decode()


def test_exports_and_their_files_are_deleted_after_a_week(admin, raters, requested, django_capture_on_commit_callbacks):
    row = export(admin, raters)
    run(row, requested)
    sweep()
    assert services.archive(row.id).exists()
    ModelExport.objects.update(created_at=timezone.now() - timedelta(days=8))
    with django_capture_on_commit_callbacks(execute=True):
        sweep()
    assert not ModelExport.objects.exists()
    assert not services.archive(row.id).exists()


def test_deleting_an_export_removes_its_file(admin, raters, requested, django_capture_on_commit_callbacks):
    row = export(admin, raters)
    run(row, requested)
    link = admin.get(f"/staff/exports/{row.id}/state").json()["link"]
    with django_capture_on_commit_callbacks(execute=True):
        reply = admin.post(f"/admin/ratings/modelexport/{row.id}/delete/", {"post": "yes"})
    assert reply.status_code == 302
    assert not services.archive(row.id).exists()
    gone = admin.get(link)
    assert gone.status_code == 404
    assert "files are kept for a week" in gone.content.decode()


@pytest.mark.parametrize("moment", ["a model is made", "the archive is packed"])
def test_an_export_deleted_during_a_step_leaves_no_file(
    moment, admin, raters, requested, exports_root, monkeypatch, django_capture_on_commit_callbacks
):
    row = export(admin, raters)

    def delete_before(module, name):
        before = getattr(module, name)

        def delete_then_call(*args):
            with django_capture_on_commit_callbacks(execute=True):
                ModelExport.objects.filter(id=row.id).delete()
            return before(*args)

        monkeypatch.setattr(module, name, delete_then_call)

    if moment == "a model is made":
        delete_before(selectors, "fit_to_export")
    else:
        for _ in raters:
            export_models(str(row.id))
        delete_before(services, "finish")
    export_models(str(row.id))
    assert list(exports_root.iterdir()) == []


def test_a_worker_killed_during_cleanup_loses_no_model(admin, raters, requested, monkeypatch):
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
    assert len(run(row, requested)) == 5


def test_a_partial_archive_is_deleted_with_its_export(admin, raters, requested, exports_root, django_capture_on_commit_callbacks):
    row = export(admin, raters)
    run(row, requested)
    services.archive(row.id).with_name(f"{row.id}.zip.0123456789abcdef").write_bytes(b"half an archive")
    with django_capture_on_commit_callbacks(execute=True):
        row.delete()
    assert list(exports_root.iterdir()) == []


def make_exact_model_active(rater):
    bank = loaded_bank.bank()
    coefficients = np.random.default_rng(0).normal(size=tuple(bank.start.shape)).astype("<f4")
    Fit.objects.filter(rater=rater).update(exact_order={"photos": [1], "scores": [0.5]})
    own = {"bank_id": bank.metadata.hash, "projection_id": current_projection(), "ratings_seq": 12}
    ExactRefit.objects.create(rater=rater, coefficients=coefficients.tobytes(), **own)
    return coefficients


def test_the_active_model_is_exported(raters):
    coefficients = make_exact_model_active(raters[0])
    exported = fit_to_export(raters[0].id)
    assert exported.facts["method"] == "exact"
    np.testing.assert_array_equal(model_export.rater_fit(exported).coefficients, coefficients.ravel())
    assert fit_to_export(raters[0].id, "instant").facts["method"] == "instant"
    assert fit_to_export(raters[1].id, "exact") is None


@pytest.fixture
def without_torch(monkeypatch):
    """This process is a worker without torch; `make_exact_model_active` comes before."""
    monkeypatch.setattr(capabilities, "exact_fits", lambda: False)


def test_an_exact_model_that_no_worker_can_export_is_a_problem_of_its_rater_alone(admin, raters, requested, without_torch):
    make_exact_model_active(raters[0])
    report_worker("gpu")
    row = export(admin, raters[:2])
    files = run(row, requested)
    assert row.problems == [{"rater": str(raters[0].id), "detail": services.NEEDS_PYTORCH}]
    assert f"rater-{raters[1].id}.json" in files
    page = admin.get(f"/staff/exports/{row.id}/").content.decode()
    assert "only a worker with PyTorch can export it. Install it on a worker with ./pav install research" in page


def test_a_step_goes_on_to_a_worker_that_can_export_an_exact_model(admin, raters, requested, without_torch, monkeypatch):
    make_exact_model_active(raters[0])
    handed_on: list[object] = []
    monkeypatch.setattr(jobs, "request_exact_export", handed_on.append)
    report_worker("gpu", "exact")
    row = export(admin, raters[:2])
    assert run(row, requested) == {}
    assert (handed_on, row.done_count, row.problems, row.state) == ([row.id], 0, [], "running")

    monkeypatch.undo()  # the other worker
    monkeypatch.setattr(jobs, "request_export", requested.append)
    assert f"rater-{raters[0].id}.json" in run(row, requested)
    assert row.problems == []


def test_a_step_waits_where_it_is_unknown_whether_another_worker_can_do_it(admin, raters, requested, without_torch):
    """As while Redis restarts: a problem that a retry would not have must not be recorded."""
    make_exact_model_active(raters[0])
    row = export(admin, raters[:1])
    assert not model_export.advance(row.id)
    row.refresh_from_db()
    assert (row.done_count, row.problems, row.state) == (0, [], "running")
