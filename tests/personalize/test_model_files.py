"""Exported model files: the file alone gives the scores of the fit."""

import copy
import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.transformer import VisionTransformer
from PIL import Image

import personalize
from personalize.errors import BadModel
from personalize.files import banks, images
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from personalize.scorers import model_files, rater_models
from personalize.scorers.model_files import RaterFit
from personalize.scorers.rater_models import Parts, RaterModel


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(0)
    soft = [rng.uniform(0, 255, (8, 10, 3)).astype(np.uint8) for _ in range(3)]
    return [Image.fromarray(one).resize((400, 320), Image.Resampling.BICUBIC) for one in soft]


@pytest.fixture(scope="module")
def prepared(extractor, photos):
    preprocessing = extractor.preprocessing
    return images.to_input(np.stack([images.to_pixels(photo, preprocessing) for photo in photos]), preprocessing)


@pytest.fixture(scope="module")
def instant(bank):
    draw = np.random.default_rng(1)
    facts = {"person": "anna", "method": "instant", "bank": bank.metadata.hash, "ratings": 12}
    return RaterFit(facts, weights=np.r_[0.4, draw.normal(size=255) * 0.5])


@pytest.fixture(scope="module")
def written(bank, instant, tmp_path_factory):
    """The file of the instant fit in a format, and its model card; written once, since writing ONNX takes half a minute."""

    @functools.cache
    def write(kind):
        path = tmp_path_factory.mktemp("written") / f"anna.{kind}"
        return path, model_files.write(path, kind, instant, bank)

    return write


@pytest.fixture(scope="module")
def exact(bank):
    draw = torch.Generator().manual_seed(2)
    facts = {"person": "bo", "method": "exact", "bank": bank.metadata.hash, "ratings": 40}
    return RaterFit(facts, coefficients=(bank.start + 0.05 * torch.randn(bank.start.shape, generator=draw)).numpy())


def test_an_instant_model_gives_the_scores_of_the_features(bank, extractor, photos, prepared, instant):
    features = extractor.features(photos)
    model = rater_models.of_weights(bank, instant.weights)
    np.testing.assert_allclose(model(prepared).detach().numpy(), features @ instant.weights, atol=1e-3)  # ReLU6 has kinks


def test_an_exact_model_gives_the_scores_of_the_merged_network(bank, prepared, exact):
    coefficients = torch.from_numpy(exact.coefficients)
    ours = rater_models.of_coefficients(bank, coefficients)(prepared)
    torch.testing.assert_close(ours, bank.merged(coefficients).score(prepared), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["json", "safetensors", "onnx"])
def test_a_written_file_gives_the_same_scores(kind, bank, extractor, prepared, instant, written):
    path, card = written(kind)
    model = rater_models.of_weights(bank, instant.weights)
    np.testing.assert_allclose(model_files.opened(path, bank).score(prepared), model(prepared).detach().numpy(), atol=1e-4)
    assert card["checked"] <= 1e-4
    assert json.loads((path.parent / "anna.card.json").read_text())["sha256"] == card["sha256"]
    assert model_files.opened(path, bank).preprocessing == extractor.preprocessing


@pytest.mark.parametrize("kind", ["json", "safetensors", "onnx"])
def test_the_model_card_states_version_datasets_and_licences(kind, bank, written):
    path, first = written(kind)
    for card in (first, model_files.opened(path, bank).card):
        assert card["pav_version"] == personalize.__version__
        assert card["trained_on"]["oasis-arousal"] == "OASIS, Kurdi, Lozano & Banaji 2017"
        assert card["database_licences"] == banks.licences(bank.metadata.facts)
        assert list(card["database_licences"]) == list(bank.metadata.tasks)


def test_an_exact_model_needs_no_bank(bank, prepared, exact, tmp_path):
    model_files.write(tmp_path / "bo.safetensors", "safetensors", exact, bank)
    ours = model_files.opened(tmp_path / "bo.safetensors").score(prepared)
    np.testing.assert_allclose(ours, bank.merged(torch.from_numpy(exact.coefficients)).score(prepared).detach().numpy(), atol=1e-4)


def test_a_json_model_is_a_few_kilobytes_and_needs_its_bank(bank, written):
    path, _ = written("json")
    assert path.stat().st_size < 8000
    with pytest.raises(BadModel, match=f"needs the bank {bank.metadata.hash}"):
        model_files.opened(path)


def test_a_fit_of_another_bank_is_refused_with_both_hashes(bank, instant, tmp_path):
    other = RaterFit(instant.facts | {"bank": "feedfeedfeedfeed"}, weights=instant.weights)
    with pytest.raises(BadModel, match=f"belongs to bank feedfeedfeedfeed; the given bank is {bank.metadata.hash}"):
        model_files.write(tmp_path / "anna.json", "json", other, bank)


def test_a_file_that_gives_other_scores_is_deleted(bank, instant, tmp_path, monkeypatch):
    other = model_files.Opened({}, images.Preprocessing(1, 1, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), lambda photos: np.zeros(len(photos)))
    monkeypatch.setattr(model_files, "opened", lambda *_: other)
    with pytest.raises(BadModel, match="was not written: read again, its scores differ"):
        model_files.write(tmp_path / "anna.json", "json", instant, bank)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["json", "safetensors", "onnx"])
def test_scoring_reads_the_model_file_once(kind, bank, prepared, photos, written, tmp_path, monkeypatch):
    path, _ = written(kind)
    expected = model_files.opened(path, bank).score(prepared)
    names = []
    for number, photo in enumerate(photos):
        photo.save(tmp_path / f"p{number}.png")
        names.append(tmp_path / f"p{number}.png")
    read = []
    for owner, name in ((model_files, "safe_open"), (model_files.onnxruntime, "InferenceSession"), (Path, "read_text")):
        plain = getattr(owner, name)
        counted = lambda first, *rest, plain=plain, **named: (read.append(Path(first)), plain(first, *rest, **named))[1]  # noqa: E731
        monkeypatch.setattr(owner, name, counted)
    scores = model_files.score(path, names, bank if kind == "json" else None, lambda *_: None)
    assert read.count(path) == 1
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_a_model_without_preprocessing_is_refused(bank, written, tmp_path):
    path = tmp_path / "anna.json"
    card = json.loads(written("json")[0].read_text())
    del card["preprocessing"]
    path.write_text(json.dumps(card))
    with pytest.raises(BadModel, match="cannot be read as a rater's model"):
        model_files.opened(path, bank)


@pytest.mark.parametrize("name", ["no.json", "no.safetensors", "no.onnx"])
def test_a_file_that_is_not_a_model_is_refused(name, tmp_path):
    (tmp_path / name).write_text("nonsense")
    with pytest.raises(BadModel, match=f"{name} cannot be read"):
        model_files.opened(tmp_path / name)


def test_the_graph_of_an_openclip_vision_transformer_is_exported(tmp_path):
    """A small tower without a bank, with a direction for every block."""
    torch.manual_seed(3)
    tower = VisionTransformer(image_size=32, patch_size=8, width=32, layers=2, heads=4, mlp_ratio=2.0, output_dim=24)
    scorer = Scorer(tower, 24).eval()
    direction = {name: 0.05 * torch.randn_like(value) for name, value in task_vectors.copied_blocks(scorer).items()}
    model = RaterModel(scorer, Parts(direction, torch.randn(24), torch.zeros(0), 0.7, -0.2)).eval()
    photos = torch.randn(3, 3, 32, 32)
    theta = dict(scorer.named_parameters())
    at = lambda step: {name: value.double() + step * direction[name].double() for name, value in theta.items()}  # noqa: E731
    moved = [scorer_at(scorer, at(step), photos) for step in (-1e-4, 1e-4)]
    with torch.no_grad():
        ours = model(photos)
        expected = 0.7 * scorer.score(photos) + (moved[1] - moved[0]) / 2e-4 + scorer.encoder(photos) @ model.merged_head - 0.2
    torch.testing.assert_close(ours.double(), expected.double(), atol=1e-4, rtol=0)
    path = tmp_path / "vit.onnx"
    card = json.dumps({"preprocessing": vars(images.Preprocessing(36, 32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))})
    model_files._export_graph(path, model, photos[:1], {"format": model_files.FORMAT, "card": card})
    np.testing.assert_allclose(model_files.opened(path).score(photos), ours.numpy(), atol=1e-4)


def scorer_at(scorer, theta, photos):
    """The scores of the same network with other parameters, in double precision."""
    moved_scorer = copy.deepcopy(scorer).double()
    with torch.no_grad():
        for name, value in moved_scorer.named_parameters():
            value.copy_(theta[name])
        return moved_scorer.score(photos.double())
