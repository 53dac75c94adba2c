"""Feature extraction in ONNX Runtime: order, shapes, kinds of photos, and files that do not match the bank's metadata."""

import hashlib
import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from personalize.errors import BadBank, BadPhoto
from personalize.files import banks, extractors, images
from personalize.files.extractors import Network
from personalize.files.pixels import CentreCrop, Preprocessing, WholePhoto, to_pixels
from personalize.scorers.feature_extraction import FeatureExtractor


@pytest.fixture(scope="module")
def extractor():
    return FeatureExtractor(threads=1)


def photo(width, height, seed=0, mode="RGB"):
    draw = np.random.default_rng(seed).integers(0, 256, (max(1, height // 20), max(1, width // 20), 3), dtype=np.uint8)
    return Image.fromarray(draw).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


class TestPhotos:
    def test_the_layout_is_that_of_the_shipped_bank(self, extractor):
        groups = [(group.name, group.width, group.normalisation) for group in extractor.layout.groups]
        assert groups == [
            ("merged", 1280, "length"),
            ("lite0", 1280, "length"),
            ("lite0-late", 1248, "columns"),
            ("lite2", 1280, "length"),
            ("lite2-late", 1360, "columns"),
        ]
        assert extractor.layout.width == 6449

    def test_photos_of_all_shapes_together_have_the_features_of_each_alone_in_their_order(self, extractor):
        sizes = [(300, 200), (200, 300), (300, 200), (240, 240), (300, 200), (200, 300)]
        photos = [photo(*size, seed) for seed, size in enumerate(sizes)]
        together = extractor.raw(photos)
        assert together.dtype == np.float32
        for row, one in zip(together, photos, strict=True):
            np.testing.assert_allclose(row, extractor.raw([one])[0], atol=1e-5)

    def test_embeddings_have_length_one(self, extractor):
        (raw,) = extractor.raw([photo(300, 200)])
        for group, place in extractor.layout.slices():
            if group.normalisation == "length":
                assert np.linalg.norm(raw[place]) == pytest.approx(1, abs=1e-5)

    def test_photos_are_opened_window_by_window(self, extractor, monkeypatch):
        monkeypatch.setattr("personalize.scorers.feature_extraction.WINDOW", 2)
        opened = []

        def photos():
            for seed in range(3):
                opened.append(seed)
                yield photo(60, 40, seed)

        pieces = extractor.batches(photos())
        assert next(pieces).shape == (2, 6449)
        assert opened == [0, 1]
        assert next(pieces).shape == (1, 6449)

    def test_no_photos_have_no_features(self, extractor):
        assert extractor.raw([]).shape == (0, 6449)

    @pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "CMYK", "P", "1", "I;16"])
    def test_photos_of_every_mode_have_finite_features(self, extractor, mode):
        one = Image.new("I;16", (90, 60), 700) if mode == "I;16" else photo(90, 60, mode=mode)
        assert np.isfinite(extractor.raw([one])).all()

    @pytest.mark.parametrize("size", [(5, 3), (1, 1), (2000, 70), (64, 2048)])
    def test_tiny_and_panoramic_photos_have_finite_features(self, extractor, size):
        assert np.isfinite(extractor.raw([photo(*size)])).all()

    def test_a_photo_is_turned_as_its_orientation_says(self, extractor):
        upright = photo(90, 60)
        lying = upright.transpose(Image.Transpose.ROTATE_90)
        lying.getexif()[0x0112] = 6  # rotate by 270 degrees to show
        np.testing.assert_array_equal(extractor.raw([lying]), extractor.raw([upright]))

    def test_a_photo_without_pixels_is_refused(self, extractor):
        with pytest.raises(BadPhoto, match="0 x 5 pixels"):
            extractor.raw([Image.new("RGB", (0, 5))])


class TestSizes:
    @pytest.mark.parametrize(
        ("size", "expected"),
        [((1500, 1000), (544, 352)), ((1000, 1500), (352, 544)), ((448, 448), (448, 448)), ((5, 3), (576, 352)), ((4000, 30), (5184, 32))],
    )
    def test_a_whole_photo_keeps_its_aspect_and_gets_about_the_same_area(self, size, expected):
        assert WholePhoto(448, 32).size(*size) == expected

    @pytest.mark.parametrize("size", [(300, 400), (401, 257), (256, 256), (5, 3)])
    def test_a_centre_crop_of_a_photo_of_moderate_size_is_that_of_training(self, size):
        one = photo(*size)
        crop = CentreCrop(256, 224).pixels(one).astype(int)
        assert np.abs(crop - to_pixels(one, Preprocessing(256, 224, (0.0,) * 3, (1.0,) * 3))).max() <= 2

    def test_averaging_first_hardly_changes_the_pixels_of_a_large_photo(self):
        one = photo(2048, 1365)
        crop = CentreCrop(256, 224).pixels(one).astype(int)
        assert np.abs(crop - to_pixels(one, Preprocessing(256, 224, (0.0,) * 3, (1.0,) * 3))).mean() < 1

    def test_images_and_pixels_share_one_preprocessing(self):
        assert images.to_pixels is to_pixels


@pytest.fixture
def copied(tmp_path):
    """The metadata and extractors of the shipped bank, in a folder of their own; `FeatureExtractor` reads nothing else."""
    for file in banks.DEFAULT.parent.iterdir():
        if file.suffix in (".json", ".onnx"):
            shutil.copy(file, tmp_path)
    return tmp_path / banks.DEFAULT.name


def change(path, work):
    """Change the metadata of the bank at `path`."""
    card = path.with_suffix(".json")
    facts = json.loads(card.read_text())
    work(facts)
    card.write_text(json.dumps(facts))


def constant(value, shape=(1, 4)):
    """An ONNX file that gives `value` under the name `small`, whatever the photo."""
    node = helper.make_node("Constant", [], ["small"], value=numpy_helper.from_array(np.full(shape, value, np.float32)))
    photos = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["photos", "height", "width", 3])
    given = helper.make_tensor_value_info("small", TensorProto.FLOAT, shape)
    opsets = [helper.make_opsetid("", 20)]
    return helper.make_model(helper.make_graph([node], "g", [photos], [given]), ir_version=10, opset_imports=opsets).SerializeToString()


def small_extractor(folder, data, width=4):
    (folder / "small.onnx").write_bytes(data)
    group = extractors.Group("small", width, "columns")
    return extractors.Extractor(folder / "small.onnx", hashlib.sha256(data).hexdigest(), CentreCrop(8, 8), (group,), False)


PIXELS = np.zeros((1, 8, 8, 3), np.uint8)


def test_a_gpu_comes_first_where_there_is_one_and_takes_eight_photos_at_once(monkeypatch):
    session, asked = onnxruntime.InferenceSession, []

    class OnAGpu:
        """A session of the CPU that says it is one of a GPU: this machine may have none."""

        def __init__(self, data, options, providers):
            asked.extend(name for name, _settings in providers)
            self._session = session(data, options, providers=["CPUExecutionProvider"])

        def get_providers(self):
            return asked

        def __getattr__(self, name):
            return getattr(self._session, name)

    row = extractors.read().rows[1]
    assert extractors.Network(row).at_once == 2
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(onnxruntime, "InferenceSession", OnAGpu)
    assert extractors.Network(row).at_once == 8
    assert asked == ["CUDAExecutionProvider", "CPUExecutionProvider"]


class TestFilesThatDoNotMatch:
    def test_a_changed_file_is_refused(self, copied):
        file = copied.with_name("efficientnet_lite0.lite2.onnx")
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        with pytest.raises(BadBank, match=r"lite2\.onnx has sha256 \w{64}, the bank's metadata say \w{64}\. Fetch the bank again"):
            FeatureExtractor(copied)

    def test_a_missing_file_is_named(self, copied):
        copied.with_name("efficientnet_lite0.lite0.onnx").unlink()
        with pytest.raises(BadBank, match=r"lite0\.lite0\.onnx cannot be read"):
            FeatureExtractor(copied)

    def test_a_width_unlike_that_in_the_metadata_is_refused(self, copied):
        change(copied, lambda facts: facts["extractors"][1]["outputs"][0].update(width=1279))
        with pytest.raises(BadBank, match=r"gives .*'lite0': 1280.*say .*'lite0': 1279"):
            FeatureExtractor(copied)

    def test_statistics_that_are_not_as_many_numbers_as_their_group_are_refused(self, copied):
        change(copied, lambda facts: facts["extractors"][1]["statistics"][0].update(width=111))
        with pytest.raises(BadBank, match="the statistics of 'lite0-late' are not 1248 numbers"):
            FeatureExtractor(copied)

    def test_a_name_unlike_that_in_the_metadata_is_refused(self, copied):
        change(copied, lambda facts: facts["extractors"][1]["outputs"][1].update(group="late"))
        with pytest.raises(BadBank, match=r"say .*'late': 1248"):
            FeatureExtractor(copied)

    def test_a_bank_without_extractors_says_how_to_write_them(self, copied):
        change(copied, lambda facts: facts.pop("extractors"))
        with pytest.raises(BadBank, match=r"write them with \./pav bank_extractors"):
            FeatureExtractor(copied)

    @pytest.mark.parametrize("key", ["file", "sha256", "size", "outputs"])
    def test_an_incomplete_row_is_named(self, copied, key):
        change(copied, lambda facts: facts["extractors"][0].pop(key))
        with pytest.raises(BadBank, match=f"incomplete row .*'{key}'"):
            FeatureExtractor(copied)

    def test_a_file_in_another_folder_is_refused(self, copied):
        change(copied, lambda facts: facts["extractors"][0].update(file="../efficientnet_lite0.merged.onnx"))
        with pytest.raises(BadBank, match="not the name of a file"):
            FeatureExtractor(copied)

    def test_two_groups_of_one_name_are_refused(self, copied):
        change(copied, lambda facts: facts["extractors"].append(facts["extractors"][1]))
        with pytest.raises(BadBank, match="each group of features once"):
            extractors.read(copied)

    def test_metadata_without_a_score_are_refused(self, copied):
        change(copied, lambda facts: facts["extractors"][0].pop("score"))
        with pytest.raises(BadBank, match="one extractor that gives the score"):
            extractors.read(copied)

    def test_a_file_that_is_not_onnx_is_refused(self, tmp_path):
        with pytest.raises(BadBank, match="cannot be opened by ONNX Runtime"):
            Network(small_extractor(tmp_path, b"not a network"))

    def test_a_file_with_another_input_is_refused(self, tmp_path):
        model = onnx.load_from_string(constant(1))
        model.graph.input[0].name = "photo"
        with pytest.raises(BadBank, match=r"takes \{'photo'"):
            Network(small_extractor(tmp_path, model.SerializeToString()))

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_numbers_that_are_not_finite_are_refused(self, tmp_path, value):
        network = Network(small_extractor(tmp_path, constant(value)))
        with pytest.raises(BadBank, match=r"small\.onnx gives numbers under 'small' that are not finite"):
            network.run(PIXELS)

    def test_a_file_that_matches_runs(self, tmp_path):
        groups, scores = Network(small_extractor(tmp_path, constant(2.5))).run(PIXELS)
        np.testing.assert_array_equal(groups, np.full((1, 4), 2.5))
        assert scores is None


class TestTheHash:
    def test_the_hash_follows_files_sizes_and_outputs_only(self):
        facts = banks.read_metadata().facts
        first, *others = facts["extractors"]
        digest = extractors.extractors_hash(facts)
        assert extractors.extractors_hash({**facts, "extractors": [{**first, "licence": "other"}, *others]}) == digest
        for change in ({"sha256": "0"}, {"size": {"resize": 256, "crop": 192}}, {"outputs": []}):
            assert extractors.extractors_hash({**facts, "extractors": [{**first, **change}, *others]}) != digest
        assert extractors.extractors_hash({**facts, "extractors": [*others, first]}) != digest
        assert len(digest) == 16
