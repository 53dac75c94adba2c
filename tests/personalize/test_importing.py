"""Import of published checkpoints: scores match the published forward pass; compression; commands."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

import personalize
from personalize.bank_building import compressing, importing, published_checkpoints
from personalize.bank_building.bank_info import bank_info
from personalize.bank_building.compressing import Form
from personalize.errors import BadBank, BadCheckpoint, BadPhoto, IncompatibleTaskVector, UnknownName
from personalize.files import backbones, banks, open_banks, stored_vectors
from personalize.files.photo_files import photos_in
from personalize.networks import task_vectors
from personalize.scorers.task_scoring import task_scores
from tests.personalize import small_clip
from tests.personalize.small_clip import TASKS, import_plan


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Base weights, three checkpoints in the published layout, and a few photos."""
    folder = tmp_path_factory.mktemp("published")
    small_clip.write_published(folder)
    small_clip.write_photos(folder, count=12)
    return folder


@pytest.fixture(scope="module")
def bank(folder):
    importing.import_bank(import_plan(folder, photos=folder / "photos"), folder / "bank.safetensors")
    return open_banks.open_bank(folder / "bank.safetensors")


@pytest.fixture(scope="module")
def photos():
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(5))


def held(folder, task):
    return torch.load(folder / f"clip_S_3fc_{task}.pth", weights_only=True)


@pytest.mark.parametrize("task", TASKS)
@torch.no_grad()
def test_task_models_give_the_scores_of_the_published_forward_pass(folder, bank, photos, task):
    expected = small_clip.published_model(held(folder, task))(photos)
    torch.testing.assert_close(bank.merged(bank.one_hot(task)).score(photos), expected, atol=1e-5, rtol=0)
    assert expected.std() > 1e-3  # scores must differ for the comparison to be meaningful


def test_the_merge_is_the_weighted_sum_for_any_coefficients(folder, bank):
    coefficients = torch.randn(bank.start.shape, generator=torch.Generator().manual_seed(6))
    base = torch.load(folder / "base.bin", weights_only=True)
    tuned = [held(folder, task)["model"] for task in TASKS]
    merged = bank.merged(coefficients)
    for row, (name, value) in enumerate(task_vectors.blocks(merged).items()):
        if name.startswith("encoder."):
            published_name, start = f"backbone.visual.{name.removeprefix('encoder.')}", base[f"visual.{name.removeprefix('encoder.')}"]
        else:
            published_name = f"score_predictor.projection.{name.removeprefix('head.')}"
            start = sum(state[published_name] for state in tuned) / len(tuned)
        expected = start + sum(coefficients[row, column] * (state[published_name] - start) for column, state in enumerate(tuned))
        torch.testing.assert_close(value.detach(), expected, atol=1e-5, rtol=0)


def test_the_bank_contains_no_text_tower_or_temperature(bank):
    assert not [name for name in bank.arrays if "transformer.resblocks" in name and "encoder." not in name]
    assert not [name for name in bank.arrays if "logit_scale" in name or "token_embedding" in name]


def test_the_bank_needs_no_separate_backbone_weights(folder, bank, photos, monkeypatch):
    with torch.no_grad():
        expected = bank.merged(bank.start).score(photos)

    def refuse(*_, **__):
        raise AssertionError("the backbone's own weights were asked for")

    monkeypatch.setattr(backbones, "scorer", refuse)
    alone = open_banks.open_bank(folder / "bank.safetensors")
    with torch.no_grad():
        torch.testing.assert_close(alone.merged(alone.start).score(photos), expected)


def test_the_metadata_state_sources_versions_and_licences(folder, bank):
    facts = bank.metadata.facts
    assert facts["format"] == "pav-bank-2"
    assert facts["pav_version"] == personalize.__version__
    assert banks.licences(facts) == dict.fromkeys(TASKS, "unknown")  # checkpoints state no licence
    assert banks.trained_on(facts) == {"ava": "AVA", "aes": "FLICKR-AES", "tad": "TAD66K"}
    assert facts["tasks"] == list(TASKS)
    assert facts["backbone_sha256"] == banks.sha256(folder / "base.bin")
    assert facts["sources"]["aes"]["sha256"] == banks.sha256(folder / "clip_S_3fc_aes.pth")
    assert facts["sources"]["aes"]["database"] == "FLICKR-AES"
    assert "mean of the task heads" in facts["base"]["head"]
    assert facts["preprocessing"]["crop"] == 32


def test_the_start_is_an_equal_mixture(bank):
    torch.testing.assert_close(bank.start, torch.full((len(bank.base), 3), 1 / 3))


def test_a_projection_is_learned_from_photos(bank):
    learned = banks.projection(bank.arrays)
    raw = {"tangents": bank.start.numel(), "merged": 24, "plain": 24}
    assert learned.centre.shape == (sum(raw.values()),)
    features = learned.apply(np.array([learned.score_mean]), {group: np.zeros((1, size), np.float32) for group, size in raw.items()})
    assert features.shape == (1, 256)
    assert features[0, 0] == 0


def test_a_bank_imported_without_photos_has_no_projection(folder, tmp_path):
    metadata = importing.import_bank(import_plan(folder), tmp_path / "plain.safetensors")
    assert metadata.facts["projection"].startswith("none")
    with pytest.raises(BadBank, match="--photos"):
        banks.projection(banks.read(tmp_path / "plain.safetensors"))


def without(key):
    return lambda state: state.pop(key)


def changed(key, value):
    return lambda state: state.update({key: value})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without("backbone.visual.ln_post.bias"), r"lacks backbone\.visual\.ln_post\.bias"),
        (without("score_predictor.projection.3.weight"), r"lacks score_predictor\.projection\.3\.weight"),
        (changed("backbone.visual.extra", torch.zeros(2)), r"has backbone\.visual\.extra"),
        (changed("score_predictor.projection.6.bias", torch.zeros(2)), r"has score_predictor\.projection\.6\.bias"),
        (changed("backbone.visual.proj", torch.zeros(3, 4)), r"backbone\.visual\.proj has shape \(3, 4\), the base has \(64, 24\)"),
        (changed("backbone.visual.proj", torch.full((64, 24), torch.nan)), r"backbone\.visual\.proj contains numbers that are not finite"),
        (changed("optimizer_step", torch.zeros(1)), "has optimizer_step, which belongs to neither"),
    ],
)
def test_a_checkpoint_that_does_not_match_is_refused_with_the_first_bad_key(folder, tmp_path, damage, message):
    state = held(folder, "aes")
    damage(state["model"])
    torch.save(state, tmp_path / "clip_S_3fc_bad.pth")
    with pytest.raises(IncompatibleTaskVector, match=message):
        importing.import_bank(import_plan(folder, checkpoints={"bad": tmp_path / "clip_S_3fc_bad.pth"}), tmp_path / "bank.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["clip_S_3fc_bad.pth"]


def test_tasks_are_named_by_their_files_or_explicitly(folder):
    files = [str(folder / "clip_S_3fc_ava.pth"), f"mine={folder / 'clip_S_3fc_aes.pth'}"]
    assert list(published_checkpoints.task_names(files)) == ["ava", "mine"]
    with pytest.raises(BadCheckpoint, match="both named ava"):
        published_checkpoints.task_names([files[0], files[0]])
    with pytest.raises(BadCheckpoint, match="There is no file"):
        published_checkpoints.task_names(["nowhere_ava.pth"])


class TestCompressing:
    @pytest.mark.parametrize(("form", "worst"), [("full", 0), ("half", 0.001), ("quantised", 0.02), ("factorised", 0.98)])
    def test_the_recorded_compression_error_is_correct(self, folder, bank, tmp_path, form, worst):
        metadata = compressing.compress(folder / "bank.safetensors", tmp_path / "small.safetensors", Form(form, rank=4))
        kept = open_banks.open_bank(tmp_path / "small.safetensors")
        for task, recorded in metadata.facts["compressed"][-1]["relative_error"].items():
            before, after = task_vectors.whole(bank.vectors[task]), task_vectors.whole(kept.vectors[task])
            lost = sum((before[name] - after[name]).square().sum() for name in before) ** 0.5
            length = sum(value.square().sum() for value in before.values()) ** 0.5
            assert recorded == pytest.approx(float(lost / length), abs=1e-5)
            assert recorded <= worst
            assert stored_vectors.form_of(kept.vectors[task]) == form

    def test_everything_else_is_kept(self, folder, bank, tmp_path):
        metadata = compressing.compress(folder / "bank.safetensors", tmp_path / "small.safetensors", Form("quantised"))
        kept = open_banks.open_bank(tmp_path / "small.safetensors")
        for name in bank.arrays:
            if not name.startswith("vectors/"):
                np.testing.assert_array_equal(kept.arrays[name], bank.arrays[name])
        assert metadata.facts["compressed"][-1]["from"] == bank.metadata.sha256
        assert banks.licences(metadata.facts) == banks.licences(bank.metadata.facts)
        assert "before this compression" in metadata.facts["compressed"][-1]["projection"]
        assert metadata.facts["bytes"] < bank.metadata.facts["bytes"] / 2

    def test_the_change_of_scores_is_measured_on_photos(self, folder, bank, tmp_path):
        metadata = compressing.compress(folder / "bank.safetensors", tmp_path / "small.safetensors", Form("quantised"), folder / "photos")
        kept = open_banks.open_bank(tmp_path / "small.safetensors")
        paths = photos_in(folder / "photos")
        for task, cost in metadata.facts["compressed"][-1]["scores"].items():
            scores = [task_scores(one.scorer(), one, task, paths, lambda *_: None) for one in (bank, kept)]
            assert cost["largest_difference"] == pytest.approx(np.abs(scores[0] - scores[1]).max(), abs=1e-5)
            assert 0.5 < cost["srocc"] <= 1

    def test_an_unreadable_photo_leaves_no_files(self, folder, bank, tmp_path):
        (tmp_path / "broken.jpg").write_text("no photo")
        with pytest.raises(BadPhoto, match=r"broken\.jpg"):
            compressing.compress(folder / "bank.safetensors", tmp_path / "small.safetensors", Form("half"), tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["broken.jpg"]

    def test_a_bank_does_not_overwrite_itself(self, folder, bank):
        with pytest.raises(BadBank, match="the bank itself"):
            compressing.compress(folder / "bank.safetensors", folder / "bank.safetensors", Form("half"))

    def test_an_unknown_form_is_refused_with_the_known_ones(self):
        with pytest.raises(UnknownName, match="factorised, full, half, quantised"):
            Form("zip")


class TestTheCommands:
    def test_the_documentation_names_every_command_and_form(self):
        page = (Path(__file__).parents[2] / "docs" / "banks.md").read_text()
        for word in ("./pav import_bank", "./pav bank_info", "./pav bank_compress", banks.FORMAT, *compressing.FORMS):
            assert word in page

    def test_a_bank_is_imported_shown_and_compressed(self, folder, tmp_path, capsys):
        checkpoints = [str(folder / f"clip_S_3fc_{task}.pth") for task in TASKS]
        options = {"backbone": small_clip.NAME, "weights": folder / "base.bin", "out": tmp_path / "bank.safetensors", "json": True}
        call_command("import_bank", *checkpoints, **options)
        assert json.loads(capsys.readouterr().out)["tasks"] == list(TASKS)
        call_command("bank_info", str(tmp_path / "bank.safetensors"), json=True)
        shown = json.loads(capsys.readouterr().out)
        assert shown["form"] == dict.fromkeys(TASKS, "full")
        assert np.array(shown["cosines"]).shape == (3, 3)
        call_command("bank_compress", str(tmp_path / "bank.safetensors"), out=tmp_path / "small.safetensors", form="quantised")
        call_command("bank_info", str(tmp_path / "small.safetensors"))
        output = capsys.readouterr().out
        assert "quantised" in output
        assert f"written by PAV {personalize.__version__}" in output
        assert "aes: trained on FLICKR-AES; licence of the dataset: unknown" in output

    def test_a_missing_file_is_refused_with_a_sentence(self, folder, tmp_path):
        with pytest.raises(CommandError, match="There is no file"):
            call_command("import_bank", "nowhere_ava.pth", backbone=small_clip.NAME, out=tmp_path / "bank.safetensors")


def test_bank_info_reports_the_norms_and_cosines_of_the_vectors(bank, folder):
    info = bank_info(folder / "bank.safetensors")
    flat = [torch.cat([value.flatten() for value in task_vectors.whole(bank.vectors[task]).values()]) for task in TASKS]
    for row, one in enumerate(flat):
        assert info["norms"][TASKS[row]] == pytest.approx(float(one.norm()), rel=1e-4)
        for column, other in enumerate(flat):
            assert info["cosines"][row][column] == pytest.approx(float(torch.cosine_similarity(one, other, dim=0)), abs=1e-3)
    assert sum(info["megabytes"].values()) == pytest.approx((folder / "bank.safetensors").stat().st_size / 1e6, rel=0.05)


@torch.no_grad()
def test_vit_b_16_has_the_scores_and_blocks_of_the_paper(tmp_path):
    from open_clip.factory import get_model_config

    config = get_model_config("ViT-B-16") | {"text_cfg": small_clip.CONFIG["text_cfg"]}  # a small text tower, because the import drops it
    base = small_clip.whole_model(3, config)
    torch.save(base.visual.state_dict(), tmp_path / "base.bin")
    state = small_clip.checkpoint(base, 4)
    torch.save(state, tmp_path / "clip_B_3fc_koniq.pth")
    checkpoints = {"koniq": tmp_path / "clip_B_3fc_koniq.pth"}
    importing.import_bank(importing.ImportPlan("ViT-B-16", checkpoints, tmp_path / "base.bin"), tmp_path / "bank.safetensors")
    bank = open_banks.open_bank(tmp_path / "bank.safetensors", check=False)
    assert bank.start.shape == (156, 1)
    photos = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(5))
    published = small_clip.published_model(state, config)
    torch.testing.assert_close(bank.merged(bank.start).score(photos), published(photos), atol=1e-5, rtol=0)
