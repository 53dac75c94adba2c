"""Import of published checkpoints: scores match the published forward pass; compression; commands."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

import personalize
from personalize.bank_building import compressing, importing, onnx_extractors, published_checkpoints
from personalize.bank_building.bank_info import bank_info
from personalize.bank_building.forms import FORMS, Form
from personalize.errors import BadBank, BadCheckpoint, BadPhoto, BadProjection, IncompatibleTaskVector, MissingWeights, UnknownName
from personalize.files import backbones, banks, images, open_banks, stored_vectors, taste_parts
from personalize.files.photo_files import photos_in
from personalize.networks import task_vectors
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.scorers.feature_extraction import FeatureExtractor
from personalize.scorers.task_scoring import task_scores
from tests.personalize import small_clip
from tests.personalize.small_clip import TASKS, import_plan


@pytest.fixture(autouse=True, scope="module")
def _small_extractors():
    with small_clip.only_the_merged_network():
        yield


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
    assert facts["sources"]["aes"]["dataset"] == "FLICKR-AES"
    assert "mean of the task heads" in facts["base"]["head"]
    assert facts["preprocessing"]["crop"] == 32


def test_the_start_is_an_equal_mixture(bank):
    torch.testing.assert_close(bank.start, torch.full((len(bank.base), 3), 1 / 3))


@torch.no_grad()
def test_a_bank_imported_with_photos_has_extractors_that_standardise_its_score(folder, bank):
    paths = photos_in(folder / "photos")
    preprocessing = backbones.find(small_clip.NAME).preprocessing
    (batch,) = images.batches(paths, preprocessing)
    scores = bank.merged(bank.start).score(batch).numpy()
    np.testing.assert_allclose(bank.arrays["score"], [scores.mean(), scores.std()], rtol=1e-3)
    raw = FeatureExtractor(folder / "bank.safetensors").raw(images.read(path) for path in paths)
    assert raw.shape == (12, 24 + 1)
    np.testing.assert_allclose(raw[:, -1], (scores - scores.mean()) / scores.std(), atol=0.05)  # weights in half precision


def test_a_bank_imported_with_photos_has_a_taste_part_whose_generic_score_is_that_of_the_merged_network(folder, bank):
    part = taste_parts.read(folder / "bank.safetensors")
    assert part.heads.names == ("generic", "merged-network")
    np.testing.assert_array_equal(part.hyperprior.weights, Hyperprior.flat().weights)
    raw = FeatureExtractor(folder / "bank.safetensors").raw(images.read(path) for path in photos_in(folder / "photos"))
    features = part.projection.apply(raw)
    assert features.shape == (12, 256)
    np.testing.assert_allclose(features[:, 0], (raw[:, -1] - raw[:, -1].mean()) / raw[:, -1].std(), atol=0.01)


def test_a_bank_imported_without_photos_serves_fits_only_and_says_why(folder, tmp_path):
    metadata = importing.import_bank(import_plan(folder), tmp_path / "plain.safetensors")
    assert metadata.facts["score"].startswith("not standardised")
    assert not {"extractors", "taste"} & metadata.facts.keys()
    with pytest.raises(BadBank, match="--photos"):
        onnx_extractors.write(tmp_path / "plain.safetensors")


def test_too_few_photos_are_refused_before_the_import(folder, tmp_path):
    (tmp_path / "photos").mkdir()
    for photo in photos_in(folder / "photos")[:3]:
        (tmp_path / "photos" / photo.name).write_bytes(photo.read_bytes())
    with pytest.raises(BadProjection, match="has 3 photos: a bank's own projection is learned from at least 10"):
        importing.import_bank(import_plan(folder, photos=tmp_path / "photos"), tmp_path / "bank.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_photos_that_are_all_alike_are_refused_and_leave_no_files(folder, tmp_path):
    (tmp_path / "photos").mkdir()
    data = photos_in(folder / "photos")[0].read_bytes()
    for number in range(10):
        (tmp_path / "photos" / f"{number}.png").write_bytes(data)
    with pytest.raises(BadProjection, match="The 10 photos are all alike"):
        importing.import_bank(import_plan(folder, photos=tmp_path / "photos"), tmp_path / "bank.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


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


def test_a_checkpoint_of_another_architecture_is_refused_with_what_it_has_more(folder, tmp_path):
    deeper = small_clip.CONFIG | {"vision_cfg": small_clip.CONFIG["vision_cfg"] | {"layers": 3}}
    torch.save(small_clip.checkpoint(small_clip.whole_model(1, deeper), 0), tmp_path / "clip_S_3fc_bad.pth")
    with pytest.raises(IncompatibleTaskVector, match=r"has backbone\.visual\.transformer\.resblocks\.2.*from another --backbone\?"):
        importing.import_bank(import_plan(folder, checkpoints={"bad": tmp_path / "clip_S_3fc_bad.pth"}), tmp_path / "bank.safetensors")


def cut_short(state, path):
    path.write_bytes(path.read_bytes()[:-2000])


def with_a_foreign_class(state, path):
    torch.save(state | {"args": Form("full")}, path)


def with_nan(state, path):
    state["model"]["score_predictor.projection.3.bias"][0] = torch.nan
    torch.save(state, path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (cut_short, "is cut short or damaged"),
        (with_a_foreign_class, r"contains personalize\.bank_building\.forms\.Form"),
        (with_nan, r"score_predictor\.projection\.3\.bias contains numbers that are not finite"),
    ],
)
def test_the_last_of_several_checkpoints_is_refused_before_anything_is_written(folder, tmp_path, spoil, message):
    path = tmp_path / "clip_S_3fc_tad.pth"
    shutil.copy(folder / path.name, path)
    spoil(held(folder, "tad"), path)
    checkpoints = {task: folder / f"clip_S_3fc_{task}.pth" for task in TASKS[:2]} | {"tad": path}
    progress = []
    with pytest.raises((IncompatibleTaskVector, MissingWeights), match=rf"clip_S_3fc_tad\.pth.*{message}"):
        importing.import_bank(
            import_plan(folder, checkpoints=checkpoints), tmp_path / "bank.safetensors", lambda *call: progress.append(call)
        )
    assert (progress, [file.name for file in tmp_path.iterdir()]) == ([], [path.name])


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
        assert metadata.facts["bytes"] < bank.metadata.facts["bytes"] / 2

    def test_extractors_are_written_anew_and_the_taste_part_is_kept(self, folder, bank, tmp_path):
        metadata = compressing.compress(folder / "bank.safetensors", tmp_path / "small.safetensors", Form("quantised"))
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "small.json",
            "small.merged.onnx",
            "small.safetensors",
            "small.taste.safetensors",
        ]
        before, after = (FeatureExtractor(path) for path in (folder / "bank.safetensors", tmp_path / "small.safetensors"))
        assert before.layout == after.layout
        assert before.hash != after.hash
        old, new = (taste_parts.read(path) for path in (folder / "bank.safetensors", tmp_path / "small.safetensors"))
        np.testing.assert_array_equal(new.projection.matrix, old.projection.matrix)
        assert new.facts == old.facts
        assert "written anew" in metadata.facts["compressed"][-1]["extractors"]
        assert "kept" in metadata.facts["compressed"][-1]["taste"]

    def test_a_bank_without_extractors_gets_none(self, folder, tmp_path):
        importing.import_bank(import_plan(folder), tmp_path / "plain.safetensors")
        metadata = compressing.compress(tmp_path / "plain.safetensors", tmp_path / "small.safetensors", Form("half"))
        assert not {"extractors", "taste"} & (metadata.facts.keys() | metadata.facts["compressed"][-1].keys())

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
        for word in ("./pav import_bank", "./pav bank_info", "./pav bank_compress", banks.FORMAT, *FORMS):
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
        assert "serves exact fits only" in output

    def test_extractors_and_taste_part_are_shown(self, folder, bank, capsys):
        call_command("bank_info", str(folder / "bank.safetensors"))
        output = capsys.readouterr().out
        assert "extractor bank.merged.onnx: merged (24)" in output
        assert "task heads: none; the generic score is the merged network's" in output
        assert "hyperprior: flat: learned from nobody" in output

    def test_task_heads_and_how_well_the_generic_score_travels_are_shown(self, folder, bank, tmp_path, capsys):
        for name in ("bank.safetensors", "bank.json"):
            shutil.copy(folder / name, tmp_path)
        heads = {"houses": {"photos": 340, "pooled": True}, "complexity": {"photos": 500, "pooled": False}}
        row = banks.read_metadata(folder / "bank.safetensors").facts["taste"]
        learned = {"raters_of": ["houses"], "photos": 340}
        banks.put_taste(row | {"heads": heads, "left_out_srocc": {"houses": 0.3456}, "hyperprior": learned}, tmp_path / "bank.safetensors")
        call_command("bank_info", str(tmp_path / "bank.safetensors"))
        output = capsys.readouterr().out
        assert "task head houses: 340 photos, pooled into the generic score; SROCC 0.346 of the generic score without it" in output
        assert "task head complexity: 500 photos, a direction of its own\n" in output
        assert "hyperprior: from raters of houses, 340 photos" in output

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
