"""Exports of exact fits: whole networks, or coefficients with their bank, give the scores of the merged network."""

import json

import numpy as np
import pytest
import torch
from open_clip.transformer import VisionTransformer

import personalize
from personalize.errors import BadModel
from personalize.exports import model_files, network_files
from personalize.exports.fits import ExactFit
from personalize.exports.network_files import MergedModel
from personalize.files import banks, images, open_banks
from personalize.files.images import Preprocessing
from personalize.networks.scorer import Scorer
from tests.personalize.exported import RATER, waves

KINDS = ("json", "safetensors", "onnx")


@pytest.fixture(scope="module")
def bank():
    return open_banks.open_bank()


@pytest.fixture(scope="module")
def exact(bank):
    draw = torch.Generator().manual_seed(2)
    facts = {"rater": RATER, "method": "exact", "bank": bank.metadata.hash, "ratings": 40}
    return ExactFit(facts, (bank.start + 0.05 * torch.randn(bank.start.shape, generator=draw)).numpy())


@pytest.fixture(scope="module")
def expected(bank, exact):
    preprocessing = Preprocessing.of(bank.metadata.facts["preprocessing"])
    photos = images.to_input(np.stack([images.to_pixels(photo, preprocessing) for photo in waves()]), preprocessing)
    with torch.no_grad():
        return bank.merged(torch.from_numpy(exact.coefficients)).score(photos).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_a_written_file_gives_the_scores_of_the_merged_network(kind, exact, expected, tmp_path):
    card = model_files.write(tmp_path / f"bo.{kind}", kind, exact, banks.DEFAULT)
    assert card["checked"] <= 1e-4
    opened = model_files.opened(tmp_path / f"bo.{kind}", banks.DEFAULT if kind == "json" else None)
    np.testing.assert_allclose(opened.score(waves()), expected, atol=1e-4)
    for facts in (card, opened.card):
        assert facts["format"] == "pav-person-1"
        assert facts["pav_version"] == personalize.__version__
        assert facts["backbone_licence"] == "Apache-2.0"
        assert facts["trained_on"]["oasis-arousal"] == "OASIS, Kurdi, Lozano & Banaji 2017"
        assert facts["preprocessing"]["crop"] == 224


def test_a_fit_of_another_bank_is_refused_with_both_hashes(bank, exact, tmp_path):
    other = ExactFit(exact.facts | {"bank": "feedfeedfeedfeed"}, exact.coefficients)
    with pytest.raises(BadModel, match=f"belongs to bank feedfeedfeedfeed; the given bank is {bank.metadata.hash}"):
        model_files.write(tmp_path / "bo.json", "json", other, banks.DEFAULT)
    assert list(tmp_path.iterdir()) == []


def test_coefficients_of_another_number_or_not_finite_are_refused(exact, tmp_path):
    broken = exact.coefficients.copy()
    broken[0, 0] = np.nan
    for coefficients, sentence in ((exact.coefficients[1:], r"this bank takes \d+"), (broken, "not finite")):
        with pytest.raises(BadModel, match=sentence):
            model_files.write(tmp_path / "bo.json", "json", ExactFit(exact.facts, coefficients), banks.DEFAULT)


def test_a_json_file_without_its_bank_is_refused(bank, exact, tmp_path):
    model_files.write(tmp_path / "bo.json", "json", exact, banks.DEFAULT)
    with pytest.raises(BadModel, match=f"needs the bank {bank.metadata.hash}"):
        model_files.opened(tmp_path / "bo.json")


def test_a_model_without_preprocessing_is_refused(exact, tmp_path):
    model_files.write(tmp_path / "bo.json", "json", exact, banks.DEFAULT)
    card = json.loads((tmp_path / "bo.json").read_text())
    del card["preprocessing"]
    (tmp_path / "bo.json").write_text(json.dumps(card))
    with pytest.raises(BadModel, match="cannot be read as a rater's model"):
        model_files.opened(tmp_path / "bo.json", banks.DEFAULT)


def test_the_graph_of_an_openclip_vision_transformer_is_exported(tmp_path):
    torch.manual_seed(3)
    tower = VisionTransformer(image_size=32, patch_size=8, width=32, layers=2, heads=4, mlp_ratio=2.0, output_dim=24)
    model = MergedModel(Scorer(tower, 24).eval())
    preprocessing = Preprocessing(36, 32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    photos = images.to_input(np.stack([images.to_pixels(photo, preprocessing) for photo in waves()]), preprocessing)
    card = {"format": "pav-person-1", "preprocessing": preprocessing.facts}
    network_files.export_graph(tmp_path / "vit.onnx", model, photos[:1], card)
    with torch.no_grad():
        expected = model(photos).numpy()
    np.testing.assert_allclose(model_files.opened(tmp_path / "vit.onnx").score(waves()), expected, atol=1e-4)
