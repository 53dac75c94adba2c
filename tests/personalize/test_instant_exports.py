"""Exports of instant fits: the file alone, with a bank or as one graph, gives the scores of the fit, without torch."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

import personalize
from personalize.errors import BadModel
from personalize.exports import instant_files, model_files, rater_models, resizing_graphs
from personalize.files import banks, extractors
from personalize.files.pixels import CentreCrop, WholePhoto
from personalize.numerics.axis_products import AxisProducts
from personalize.numerics.projection import Projection
from personalize.scorers.feature_extraction import FeatureExtractor
from tests.personalize.exported import instant_fit, photographs

ROOT = Path(personalize.__file__).parent.parent
KINDS = ("json", "safetensors", "onnx")


@pytest.fixture(scope="module")
def fit():
    return instant_fit()


@pytest.fixture(scope="module")
def photos():
    return photographs()


@pytest.fixture(scope="module")
def expected(fit, photos):
    """The scores of the photos in two steps, as the app computes them."""
    return fit.projection.apply(FeatureExtractor().raw(photos)) @ fit.weights


@pytest.fixture(scope="module")
def written(fit, tmp_path_factory):
    """The files of the fit by kind, each with its card."""
    paths = {kind: tmp_path_factory.mktemp(kind) / f"anna.{kind}" for kind in KINDS}
    return {kind: (path, model_files.write(path, kind, fit, banks.DEFAULT)) for kind, path in paths.items()}


@pytest.fixture
def other_bank(tmp_path):
    """A bank whose extractors have another hash: a photo's sizes differ."""
    facts = json.loads(banks.DEFAULT.with_suffix(".json").read_text())
    facts["extractors"][1]["size"]["area"] = 384
    for row in facts["extractors"]:
        shutil.copy(banks.DEFAULT.with_name(row["file"]), tmp_path)
    (tmp_path / "other.json").write_text(json.dumps(facts))
    return tmp_path / "other.safetensors"


@pytest.mark.parametrize("kind", KINDS)
def test_a_written_file_gives_the_scores_of_the_fit(kind, photos, expected, written):
    path, card = written[kind]
    bank = None if kind == "onnx" else banks.DEFAULT
    tolerance = 1e-3 * expected.std() if kind == "onnx" else 1e-4
    np.testing.assert_allclose(model_files.opened(path, bank).score(photos), expected, atol=tolerance)
    assert expected.std() > 0.05
    assert card["checked"] <= (5e-3 if kind == "onnx" else 1e-4)
    assert json.loads(path.with_suffix(".card.json").read_text())["sha256"] == card["sha256"] == banks.sha256(path)


def test_the_model_is_the_fit_with_its_projection_folded_in(fit):
    centre, matrix = np.array([1.0, 2.0, 3.0], np.float32), np.array([[1, 0], [0, 2], [1, 1]], np.float32)
    model = rater_models.fold(replace(fit, weights=np.array([10.0, 1.0]), projection=Projection(("generic",), centre, matrix)))
    # weights = matrix @ (10, 1) = (10, 2, 11); constant = -(1 * 10 + 2 * 2 + 3 * 11)
    np.testing.assert_array_equal(model.weights, [10, 2, 11])
    assert model.constant == -47
    assert model.score(np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 3.0]])).tolist() == [0, 10]


def test_products_of_axes_are_folded_in_too(fit):
    centre, matrix = np.array([1.0, 2.0, 3.0], np.float32), np.zeros((3, 2), np.float32)
    axes = np.array([[3, 0], [0, 1], [0, 1]], np.float32)
    products = AxisProducts(axes, np.array([0.5], np.float32), np.array([[0, 2]], np.float32))
    of_products = Projection(("generic",), centre, matrix, products)
    model = rater_models.fold(replace(fit, weights=np.array([10.0, 5.0]), projection=of_products))
    # the second photo's place is (3, 4): its product is 3 * 4 / 5 = 2.4; its weight is 2 * 5, minus 0.5 times it for the mean
    assert model.score(np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0]])).tolist() == pytest.approx([-5, 19])


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_of_a_projection_without_products_is_written_too(kind, fit, photos, tmp_path):
    linear = replace(fit, projection=replace(fit.projection, products=None))
    model_files.write(tmp_path / f"anna.{kind}", kind, linear, banks.DEFAULT)
    expected = linear.projection.apply(FeatureExtractor().raw(photos)) @ linear.weights
    found = model_files.opened(tmp_path / f"anna.{kind}", banks.DEFAULT).score(photos)
    np.testing.assert_allclose(found, expected, atol=1e-3 * expected.std() if kind == "onnx" else 1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_has_coefficients_groups_networks_and_licences(kind, fit, written):
    path, first = written[kind]
    for card in (first, model_files.opened(path, banks.DEFAULT).card):
        assert card["format"] == "pav-rater-3"
        assert card["pav_version"] == personalize.__version__
        assert card["extractors"] == extractors.read().hash
        assert card["bank"] == banks.read_metadata().hash
        assert card["coefficients"] == fit.facts["coefficients"]
        assert sum(group["width"] for group in card["groups"]) + 1 == extractors.read().layout.width
        assert [row["size"] for row in card["networks"]] == [
            {"resize": 256, "crop": 224},
            {"area": 448, "multiple": 32},
            {"area": 352, "multiple": 32},
        ]
        assert {row["licence"] for row in card["networks"]} == {"Apache-2.0"}
        assert list(card["dataset_licences"]) == list(banks.read_metadata().tasks)


def test_the_graph_takes_one_photo_of_any_size_and_gives_one_score(written, photos):
    onnx.checker.check_model(written["onnx"][0], full_check=True)
    session = onnxruntime.InferenceSession(written["onnx"][0])
    assert [(value.name, value.type, value.shape) for value in session.get_inputs()] == [("photo", "tensor(uint8)", ["height", "width", 3])]
    assert [(value.name, value.type, value.shape) for value in session.get_outputs()] == [("score", "tensor(float)", [1])]
    for photo in (*photos[:2], Image.new("RGB", (700, 20)), Image.new("RGB", (1, 1))):
        (score,) = session.run(None, {"photo": np.asarray(photo)})
        assert np.isfinite(score).all()


def test_a_large_photo_differs_by_little_from_the_score_of_the_fit(written, photos, fit):
    large = [photo.resize((5 * photo.width, 5 * photo.height), Image.Resampling.BICUBIC) for photo in photos]
    expected = fit.projection.apply(FeatureExtractor().raw(large)) @ fit.weights
    away = model_files.opened(written["onnx"][0]).score(large) - expected
    assert np.abs(away).max() < 0.05 * expected.std()
    assert 0 < written["onnx"][1]["checked_large"] < 0.5


@pytest.mark.parametrize("rule", [CentreCrop(256, 224), CentreCrop(36, 32), WholePhoto(448, 32), WholePhoto(352, 32)], ids=str)
def test_the_graph_resizes_as_pillow_does(rule):
    """729 x 784 and its like are the sizes where a side lies in the middle between two multiples."""
    draw = np.random.default_rng(0)
    sizes = [(512, 384), (500, 375), (729, 784), (784, 729), (90, 17), (1, 1), *draw.integers(20, 700, (40, 2)).tolist()]
    session = onnxruntime.InferenceSession(resizing_graphs.graph(rule).SerializeToString())
    for width, height in sizes:
        coarse = draw.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        photo = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        ours, expected = session.run(None, {"photo": np.asarray(photo)})[0][0].astype(int), rule.pixels(photo).astype(int)
        assert ours.shape == expected.shape, (width, height)
        if max(width, height) < 1.8 * min(*expected.shape[:2]):  # otherwise `rule` averages squares first
            assert np.abs(ours - expected).mean() < 0.2, (width, height)


@pytest.mark.parametrize("kind", ["json", "safetensors"])
def test_a_file_of_weights_needs_a_bank_with_its_extractors(kind, written, other_bank):
    path, card = written[kind]
    with pytest.raises(BadModel, match=f"also needs a bank with the extractors {card['extractors']}"):
        model_files.opened(path)
    other = extractors.read(other_bank).hash
    with pytest.raises(
        BadModel, match=f"needs a bank with the extractors {card['extractors']}; those of .* are {other}.*export the model as ONNX"
    ):
        model_files.opened(path, other_bank)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_on_other_extractors_is_not_written(kind, fit, other_bank, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(BadModel, match=f"The fit is on raw features of the extractors {fit.facts['extractors']}; those of .*--bank"):
        model_files.write(tmp_path / "out" / f"anna.{kind}", kind, fit, other_bank)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("kind", ["json", "safetensors"])
@pytest.mark.parametrize(
    ("changed", "sentence"), [("short", "has 6448 weights, but raw vectors of this bank have 6449"), ("nan", "not finite")]
)
def test_weights_of_another_length_or_not_finite_are_refused(kind, changed, sentence, written, tmp_path):
    path = tmp_path / f"anna.{kind}"
    if kind == "json":
        held = json.loads(written[kind][0].read_text())
        held["weights"] = held["weights"][1:] if changed == "short" else [float("nan"), *held["weights"][1:]]
        path.write_text(json.dumps(held))
    else:
        held = load_file(written[kind][0])
        weights = held["weights"][1:] if changed == "short" else np.r_[np.float32(np.nan), held["weights"][1:]]
        card = json.dumps(instant_files.read_weights(written[kind][0])[0])
        save_file({**held, "weights": weights}, path, metadata={"format": "pav-rater-3", "card": card})
    with pytest.raises(BadModel, match=sentence):
        model_files.opened(path, banks.DEFAULT)


def test_product_weights_that_do_not_fit_the_axes_are_refused(written, tmp_path):
    held = json.loads(written["json"][0].read_text())
    (tmp_path / "anna.json").write_text(json.dumps(held | {"product_weights": held["product_weights"][1:]}))
    with pytest.raises(BadModel, match="axes and product weights do not fit raw vectors of 6449 numbers"):
        model_files.opened(tmp_path / "anna.json", banks.DEFAULT)


@pytest.mark.parametrize("name", ["product_shift", "product_weights"])
def test_a_file_that_lacks_a_part_of_its_products_is_refused(name, written, tmp_path):
    held = json.loads(written["json"][0].read_text())
    del held[name]
    (tmp_path / "anna.json").write_text(json.dumps(held))
    with pytest.raises(BadModel, match=f"cannot be read as a rater's model: '{name}'"):
        model_files.opened(tmp_path / "anna.json", banks.DEFAULT)


def one_number_less(whole):
    products = replace(whole.products, axes=whole.products.axes[1:])
    return replace(whole, centre=whole.centre[1:], matrix=whole.matrix[1:], products=products)


def test_a_fit_whose_numbers_are_unusable_is_not_written(fit, tmp_path):
    broken = fit.weights.copy()
    broken[3] = np.nan
    for changed, sentence in (
        (replace(fit, weights=broken), "not finite"),
        (replace(fit, weights=fit.weights[:10]), "10 weights, its projection 256 features"),
        (replace(fit, projection=one_number_less(fit.projection)), "6448"),
    ):
        with pytest.raises(BadModel, match=sentence):
            model_files.write(tmp_path / "anna.json", "json", changed, banks.DEFAULT)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_gives_other_scores_is_deleted(fit, tmp_path, monkeypatch):
    read = instant_files.read_weights
    monkeypatch.setattr(instant_files, "read_weights", lambda path: (read(path)[0], replace(read(path)[1], constant=7.0)))
    with pytest.raises(BadModel, match="Read again, the scores of the file differ"):
        model_files.write(tmp_path / "anna.json", "json", fit, banks.DEFAULT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["no.json", "no.safetensors", "no.onnx"])
def test_a_file_that_is_not_a_model_is_refused(name, tmp_path):
    (tmp_path / name).write_text("nonsense")
    with pytest.raises(BadModel, match=f"{name} cannot be read"):
        model_files.opened(tmp_path / name)


def test_a_file_of_an_unknown_format_is_refused(written, tmp_path):
    card = json.loads(written["json"][0].read_text()) | {"format": "pav-rater-9"}
    (tmp_path / "new.json").write_text(json.dumps(card))
    with pytest.raises(BadModel, match="has format 'pav-rater-9'; this version reads pav-person-1, pav-rater-2, pav-rater-3"):
        model_files.opened(tmp_path / "new.json", banks.DEFAULT)
    with pytest.raises(BadModel, match=r"There is no format 'pickle'\. Known: json, safetensors, onnx"):
        model_files.write(tmp_path / "anna.pickle", "pickle", instant_fit(), banks.DEFAULT)


def test_scoring_skips_what_is_no_photo(written, photos, expected, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path, photo in zip(paths, photos[:3], strict=True):
        photo.save(path)
    (tmp_path / "broken.png").write_text("no photo")
    scores = model_files.score(written["json"][0], [paths[0], tmp_path / "broken.png", *paths[1:]], banks.DEFAULT, lambda *_: None)
    assert np.isnan(scores[1])
    np.testing.assert_allclose([scores[0], *scores[2:]], expected[:3], atol=1e-4)


def test_instant_exports_and_their_scores_load_no_torch(tmp_path):
    script = f"""
import sys
from pathlib import Path
from personalize.exports import model_files
from personalize.files import banks
from tests.personalize.exported import instant_fit, photographs
for kind in ("json", "onnx"):
    path = Path({str(tmp_path)!r}) / f"anna.{{kind}}"
    model_files.write(path, kind, instant_fit(), banks.DEFAULT)
    model_files.opened(path, banks.DEFAULT).score(photographs()[:2])
assert "torch" not in sys.modules
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
