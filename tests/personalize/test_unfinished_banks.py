"""Resumed imports and compressions of banks: same bytes as in one run, and no partial bank is read."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from personalize.bank_building import compressing, importing
from personalize.bank_building.forms import Form
from personalize.errors import BadBank, IncompatibleTaskVector
from personalize.files import banks
from personalize.files.unfinished_banks import unfinished
from tests.personalize import small_clip


@pytest.fixture(autouse=True, scope="module")
def _small_extractors():
    with small_clip.only_the_merged_network():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Base weights, three checkpoints, photos, and the banks built from them in one run, with photos and (`plain`) without."""
    folder = tmp_path_factory.mktemp("sources")
    small_clip.write_published(folder)
    small_clip.write_photos(folder, count=10)
    importing.import_bank(plan(folder), folder / "bank.safetensors")
    importing.import_bank(plan(folder, photos=None), folder / "plain.safetensors")
    return folder


def plan(folder, **changes):
    return small_clip.import_plan(folder, **({"photos": folder / "photos"} | changes))


class Stopped(BaseException):
    """Stops the work from within a progress report."""


class ProgressRecorder:
    """Records the steps of the work; stops it when step `at` begins."""

    def __init__(self, at=None):
        self.at, self.steps = at, []

    def __call__(self, what, done, of):
        if what == self.at:
            raise Stopped
        if what not in self.steps:
            self.steps.append(what)


def run_until(work, at):
    recorder = ProgressRecorder(at)
    with pytest.raises(Stopped):
        work(recorder)
    return recorder.steps


def files(path):
    """The bytes of a bank's files by what they are, without those of the metadata, which name the others."""
    kinds = ".safetensors", ".merged.onnx", ".taste.safetensors"
    return {kind: path.with_suffix(kind).read_bytes() for kind in kinds if path.with_suffix(kind).exists()}


def an_import(folder, out, **changes):
    return lambda report: importing.import_bank(plan(folder, **changes), out, report)


def compressing_with_photos(folder, out, form="quantised"):
    return lambda report: compressing.compress(folder / "bank.safetensors", out, Form(form, rank=4), folder / "photos", report)


def test_an_import_resumes_after_the_last_finished_checkpoint(folder, tmp_path):
    work = an_import(folder, tmp_path / "bank.safetensors")
    assert run_until(work, "importing tad") == ["importing ava", "importing aes"]
    assert run_until(work, "scoring") == ["importing tad"]
    assert run_until(work, "writing extractors") == ["scoring"]
    assert run_until(work, "extracting features") == ["writing extractors"]
    assert not (tmp_path / "bank.safetensors").exists()
    again = ProgressRecorder()
    work(again)
    assert again.steps == ["extracting features"]
    assert files(tmp_path / "bank.safetensors") == files(folder / "bank.safetensors")
    expected = ["bank.json", "bank.merged.onnx", "bank.safetensors", "bank.taste.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == expected
    assert (tmp_path / "bank.json").read_text() == (folder / "bank.json").read_text()


def test_a_compression_resumes_after_the_last_finished_vector_and_score(folder, tmp_path):
    compressing_with_photos(folder, tmp_path / "whole.safetensors")(lambda *_: None)
    work = compressing_with_photos(folder, tmp_path / "small.safetensors")
    assert run_until(work, "compressing aes") == ["compressing ava"]
    assert run_until(work, "scoring with aes") == ["compressing aes", "compressing tad", "scoring with ava"]
    again = ProgressRecorder()
    work(again)
    assert again.steps == ["scoring with aes", "scoring with tad", "writing extractors"]
    assert files(tmp_path / "small.safetensors") == files(tmp_path / "whole.safetensors")
    assert not (tmp_path / "small.unfinished").exists()


def test_a_killed_compression_resumes(folder, tmp_path):
    """A separate process kills itself during the second vector, without an exception or cleanup."""
    script = (
        "import os, signal, sys; from pathlib import Path; from personalize.bank_building import compressing\n"
        "def report(what, done, of):\n"
        "    if (what, done) == ('compressing aes', 5): os.kill(os.getpid(), signal.SIGKILL)\n"
        "compressing.compress(Path(sys.argv[1]), Path(sys.argv[2]), compressing.Form('half'), None, report)\n"
    )
    out = tmp_path / "small.safetensors"
    ended = subprocess.run([sys.executable, "-c", script, folder / "plain.safetensors", out], cwd=Path(__file__).parents[2])
    assert ended.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["small.unfinished"]
    again = ProgressRecorder()
    compressing.compress(folder / "plain.safetensors", out, Form("half"), None, again)
    assert again.steps == ["compressing aes", "compressing tad"]
    compressing.compress(folder / "plain.safetensors", tmp_path / "whole.safetensors", Form("half"))
    assert files(out) == files(tmp_path / "whole.safetensors")


@pytest.mark.parametrize("change", ["form", "checkpoint", "photos"])
def test_changed_inputs_restart_the_import(folder, tmp_path, change):
    out, changes = tmp_path / "bank.safetensors", {"photos": None}
    run_until(an_import(folder, out, photos=None), "importing tad")
    if change == "form":
        changes |= {"form": Form("half")}
    elif change == "checkpoint":
        state = small_clip.checkpoint(small_clip.whole_model(seed=1), 9)
        torch.save(state, tmp_path / "clip_S_3fc_ava.pth")
        changes |= {"checkpoints": plan(folder).checkpoints | {"ava": tmp_path / "clip_S_3fc_ava.pth"}}
    else:
        changes = {}
    again = ProgressRecorder()
    an_import(folder, out, **changes)(again)
    assert again.steps[:3] == ["importing ava", "importing aes", "importing tad"]
    an_import(folder, tmp_path / "whole.safetensors", **changes)(lambda *_: None)
    assert files(out) == files(tmp_path / "whole.safetensors")


def test_files_of_a_stopped_run_with_other_inputs_are_not_published(folder, tmp_path):
    run_until(an_import(folder, tmp_path / "bank.safetensors"), "extracting features")
    assert (tmp_path / "bank.unfinished" / "files" / "bank.merged.onnx").exists()
    importing.import_bank(plan(folder, photos=None), tmp_path / "bank.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bank.json", "bank.safetensors"]


def test_a_partial_bank_cannot_be_read(folder, tmp_path):
    run_until(an_import(folder, tmp_path / "bank.safetensors"), "importing aes")
    assert not (tmp_path / "bank.safetensors").exists()
    for path in (tmp_path / "bank.unfinished").rglob("*"):
        with pytest.raises(BadBank):
            banks.read(path)


def test_an_older_bank_stays_until_the_new_one_is_complete(folder, tmp_path):
    out = tmp_path / "bank.safetensors"
    importing.import_bank(plan(folder, photos=None), out)
    before = files(out)
    run_until(an_import(folder, out), "extracting features")
    assert files(out) == before
    banks.read(out)


@pytest.mark.parametrize("lost_file", ["steps.json", "files/bank.partial"])
def test_a_missing_file_of_an_unfinished_import_restarts_it(folder, tmp_path, lost_file):
    work = an_import(folder, tmp_path / "bank.safetensors")
    run_until(work, "importing tad")
    (tmp_path / "bank.unfinished" / lost_file).unlink()
    again = ProgressRecorder()
    work(again)
    assert again.steps[0] == "importing ava"
    assert files(tmp_path / "bank.safetensors") == files(folder / "bank.safetensors")


def test_refused_inputs_leave_no_files(folder, tmp_path):
    state = small_clip.checkpoint(small_clip.whole_model(seed=1), 3)
    state["model"]["backbone.visual.proj"] = torch.full((64, 24), torch.nan)
    torch.save(state, tmp_path / "clip_S_3fc_bad.pth")
    checkpoints = plan(folder).checkpoints | {"bad": tmp_path / "clip_S_3fc_bad.pth"}
    with pytest.raises(IncompatibleTaskVector, match="not finite"):
        importing.import_bank(plan(folder, checkpoints=checkpoints), tmp_path / "bank.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["clip_S_3fc_bad.pth"]


def test_two_processes_do_not_write_the_same_bank(tmp_path):
    planned = {"numbers": (np.dtype("f4"), (2,))}
    with unfinished(tmp_path / "bank.safetensors", {}, planned) as bank:
        with pytest.raises(BadBank, match="Another process is writing"), unfinished(tmp_path / "bank.safetensors", {}, planned):
            pass
        bank.step("numbers", lambda: bank.writer.put("numbers", np.ones(2, dtype="f4")))
        bank.complete({"backbone": "none", "tasks": []})
        bank.publish()
    np.testing.assert_array_equal(banks.read(tmp_path / "bank.safetensors")["numbers"], [1, 1])


def test_a_bank_with_a_missing_array_is_not_published(tmp_path):
    planned = {"numbers": (np.dtype("f4"), (2,))}
    with pytest.raises(ValueError, match="numbers was planned"), unfinished(tmp_path / "bank.safetensors", {}, planned) as bank:
        bank.complete({"backbone": "none", "tasks": []})
    assert not (tmp_path / "bank.safetensors").exists()
