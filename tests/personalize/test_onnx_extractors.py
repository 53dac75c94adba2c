"""The shipped extractors against the same networks in torch, and the writing of ONNX files."""

import hashlib
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import timm
import torch
from django.core.management import call_command
from onnx import numpy_helper
from open_clip.transformer import VisionTransformer
from PIL import Image
from torch import nn

from personalize.bank_building import half_precision_onnx, onnx_extractors
from personalize.bank_building.extractor_networks import MergedNetwork, StagesNetwork, fold_norms, round_to_half
from personalize.errors import BadBank
from personalize.files import backbones, banks, extractors, images, open_banks
from personalize.networks.scorer import Scorer
from personalize.scorers.feature_extraction import FeatureExtractor


def soft_photo(width, height, seed):
    """A photo without much detail, as photos are; noise alone gives features unlike those of any photo."""
    draw = np.random.default_rng(seed).uniform(0, 255, (height // 40 + 2, width // 40 + 2, 3)).astype(np.uint8)
    return Image.fromarray(draw).resize((width, height), Image.Resampling.BICUBIC)


PHOTOS = [soft_photo(640, 427, 0), soft_photo(300, 500, 1)]


@pytest.fixture(scope="module")
def bank():
    return open_banks.open_bank()


@pytest.fixture(scope="module")
def ours():
    """By group, the features of the photos from the shipped files."""
    extractor = FeatureExtractor(threads=1)
    raw = extractor.raw(PHOTOS)
    return {group.name: raw[:, place] for group, place in extractor.layout.slices()} | {"score": raw[:, -1]}


def pixels_of(place):
    rule = extractors.read().rows[place].size
    return [torch.from_numpy(np.array(rule.pixels(photo))[None]) for photo in PHOTOS]


def normalised(pixels, backbone):
    return images.to_input(pixels.numpy(), backbones.find(backbone).preprocessing)


@torch.no_grad()
def in_torch(network, pixels):
    return {name: torch.cat(parts).numpy() for name, parts in zip(network.names, zip(*map(network, pixels), strict=True), strict=True)}


def plain_stages(encoder, batch):
    """Embedding by timm's own forward pass, and late statistics of what its last three stages give."""
    stages = []
    hooks = [stage.register_forward_hook(lambda *call: stages.append(call[-1])) for stage in encoder.blocks[4:]]
    embedding = encoder(batch)
    for hook in hooks:
        hook.remove()
    late = [one for stage in stages for one in (stage.mean((2, 3)), stage.std((2, 3), correction=0))]
    return embedding, torch.cat(late, dim=1)


def largest(ours, oracle):
    return {name: float(np.abs(ours[name] - value).max()) for name, value in oracle.items()}


class TestTheShippedFiles:
    @pytest.mark.parametrize(("place", "name", "backbone"), [(1, "lite0", "efficientnet_lite0"), (2, "lite2", "efficientnet_lite2")])
    def test_stages_are_those_of_the_stored_network_in_torch(self, ours, place, name, backbone):
        away = largest(ours, in_torch(onnx_extractors.stages_network(name, backbone), pixels_of(place)))
        assert away.keys() == {name, f"{name}-late"}
        assert max(away.values()) < 1e-4

    def test_the_merged_embedding_and_score_are_those_of_the_stored_network_in_torch(self, ours, bank):
        score = extractors_score()
        away = largest(ours, in_torch(onnx_extractors.merged_network(bank, score), pixels_of(0)))
        assert away.keys() == {"merged", "score"}
        assert max(away.values()) < 1e-4

    @pytest.mark.parametrize(("place", "name", "backbone"), [(1, "lite0", "efficientnet_lite0"), (2, "lite2", "efficientnet_lite2")])
    def test_half_precision_hardly_changes_the_published_network(self, ours, place, name, backbone):
        encoder = backbones.scorer(backbone).encoder
        with torch.no_grad():
            parts = [plain_stages(encoder, normalised(pixels, backbone)) for pixels in pixels_of(place)]
        embedding, late = (torch.cat(part) for part in zip(*parts, strict=True))
        full = {name: nn.functional.normalize(embedding, dim=1).numpy(), f"{name}-late": late.numpy()}
        relative = {group: np.linalg.norm(ours[group] - value) / np.linalg.norm(value) for group, value in full.items()}
        assert max(relative.values()) < 0.005

    @torch.no_grad()
    def test_half_precision_hardly_changes_the_generic_score(self, ours, bank):
        mean, std = extractors_score()
        scorer = bank.merged(bank.start)
        full = np.array([(scorer.score(normalised(pixels, "efficientnet_lite0")).item() - mean) / std for pixels in pixels_of(0)])
        assert np.abs(ours["score"] - full).max() < 0.01

    def test_the_score_is_standardised_with_the_constants_of_the_bank(self):
        arrays = banks.read()
        assert extractors_score() == tuple(arrays["score"] if "score" in arrays else arrays["projection/score"])

    def test_weights_are_stored_in_half_precision(self):
        for row in extractors.read().rows:
            stored = onnx.load(row.path).graph.initializer
            sizes = {kind: sum(np.prod(one.dims) for one in stored if one.data_type == kind) for kind in (1, 10)}
            assert sizes[onnx.TensorProto.FLOAT] < 0.02 * sizes[onnx.TensorProto.FLOAT16]

    def test_no_file_contains_paths_of_the_machine_that_wrote_it(self):
        for row in extractors.read().rows:
            data = row.path.read_bytes()
            assert b"site-packages" not in data
            assert b".py" not in data


def extractors_score():
    facts = banks.read_metadata().facts["extractors"][0]["score"]
    return facts["mean"], facts["std"]


class SmallStages(nn.Module):
    """An encoder with the parts of timm's EfficientNet, small enough to be written in a second."""

    def __init__(self):
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8)
        self.blocks = nn.Sequential(*(nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)) for _ in range(3)))
        self.conv_head, self.bn2 = nn.Conv2d(8, 16, 1, bias=False), nn.BatchNorm2d(16)

    def forward(self, x):
        return self.bn2(self.conv_head(self.blocks(self.bn1(self.conv_stem(x))))).mean((2, 3))


def small_scorer(encoder=None):
    torch.manual_seed(0)
    scorer = Scorer(encoder or SmallStages(), 16).eval()
    draw = torch.Generator().manual_seed(1)
    for layer in scorer.modules():
        if isinstance(layer, nn.BatchNorm2d):  # as after training: no scale, shift or statistic has its initial value
            layer.weight.data.uniform_(0.5, 1.5, generator=draw)
            layer.bias.data.normal_(std=0.3, generator=draw)
            layer.running_mean.normal_(std=0.1, generator=draw)
            layer.running_var.uniform_(0.5, 1.5, generator=draw)
    return scorer


def small_network():
    scorer = small_scorer()
    fold_norms(scorer)
    round_to_half(scorer)
    return StagesNetwork(scorer.requires_grad_(False), "small", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.fixture(scope="module")
def small_file():
    return half_precision_onnx.exported(small_network(), height=32, width=64, any_size=True)


class TestWriting:
    def test_writing_twice_gives_the_same_bytes(self, small_file):
        again = half_precision_onnx.exported(small_network(), height=32, width=64, any_size=True)
        assert hashlib.sha256(again).digest() == hashlib.sha256(small_file).digest()

    @pytest.mark.parametrize(("photos", "height", "width"), [(1, 32, 64), (3, 96, 32), (1, 33, 47)])
    def test_a_file_takes_any_number_of_photos_of_any_size(self, small_file, photos, height, width):
        pixels = np.random.default_rng(2).integers(0, 256, (photos, height, width, 3), dtype=np.uint8)
        outputs = onnxruntime.InferenceSession(small_file).run(None, {"pixels": pixels})
        with torch.no_grad():
            for output, expected in zip(outputs, small_network()(torch.from_numpy(pixels)), strict=True):
                np.testing.assert_allclose(output, expected.numpy(), atol=1e-5)

    def test_numbers_that_half_precision_does_not_hold_keep_single_precision(self, small_file):
        stored = {one.name: numpy_helper.to_array(one) for one in onnx.load_from_string(small_file).graph.initializer}
        assert {value.dtype for value in stored.values() if value.ndim == 4} == {np.dtype("float16")}
        assert {value.dtype for name, value in stored.items() if name.endswith("bias")} == {np.dtype("float32")}

    @torch.no_grad()
    def test_folding_norms_changes_no_output(self):
        for encoder, tolerance in ((None, 1e-5), (timm.create_model("efficientnet_lite0", num_classes=16), 1e-4)):
            scorer = small_scorer(encoder)
            photos = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(3))
            expected = scorer.encoder(photos)
            fold_norms(scorer)
            assert not [layer for layer in scorer.modules() if isinstance(layer, nn.BatchNorm2d)]
            torch.testing.assert_close(scorer.encoder(photos), expected, atol=tolerance, rtol=tolerance)

    @pytest.mark.parametrize("value", [1e5, np.nan])
    def test_weights_beyond_half_precision_are_refused(self, value):
        scorer = small_scorer()
        scorer.encoder.conv_head.weight.data[0, 0] = value
        with pytest.raises(BadBank, match=r"encoder\.conv_head\.weight"):
            round_to_half(scorer)

    @torch.no_grad()
    def test_a_blank_photo_has_finite_features(self):
        """Its embedding may be zero, which has no direction, and its channels do not vary."""
        scorer = small_scorer()
        for value in scorer.encoder.parameters():
            value.zero_()
        for network in (
            StagesNetwork(scorer, "small", (0.5,) * 3, (0.5,) * 3),
            MergedNetwork(scorer, "merged", (0.5,) * 3, (0.5,) * 3, (5.0, 1.0)),
        ):
            assert all(bool(torch.isfinite(output).all()) for output in network(torch.zeros(1, 32, 32, 3, dtype=torch.uint8)))

    def test_the_network_of_a_bank_with_another_encoder_is_written_for_its_size(self):
        torch.manual_seed(0)
        tower = VisionTransformer(image_size=48, patch_size=16, width=32, layers=2, heads=4, mlp_ratio=2.0, output_dim=24)
        scorer = Scorer(tower, 24).eval().requires_grad_(False)
        fold_norms(scorer)
        round_to_half(scorer)
        network = MergedNetwork(scorer, "merged", (0.5,) * 3, (0.25,) * 3, (5.0, 0.5))
        session = onnxruntime.InferenceSession(half_precision_onnx.exported(network, height=48, width=48, any_size=False))
        pixels = np.random.default_rng(2).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
        for count in (1, 3):
            with torch.no_grad():
                expected = network(torch.from_numpy(pixels[:count]))
            for output, value in zip(session.run(None, {"pixels": pixels[:count]}), expected, strict=True):
                np.testing.assert_allclose(output, value.numpy(), atol=1e-4)

    def test_the_command_writes_files_and_rows_and_changes_no_other_metadata(self, small_file, tmp_path, monkeypatch, capsys):
        bank = tmp_path / banks.DEFAULT.name
        for file in (banks.DEFAULT, banks.DEFAULT.with_suffix(".json")):
            shutil.copy(file, tmp_path)
        monkeypatch.setattr(half_precision_onnx, "exported", lambda network, **sizes: small_file)  # the real ones take a minute
        call_command("bank_extractors", str(bank))
        before, after = banks.read_metadata().facts, banks.read_metadata(bank).facts
        assert {key: value for key, value in after.items() if key != "extractors"} == {
            key: value for key, value in before.items() if key != "extractors"
        }
        for shipped, row in zip(before["extractors"], after["extractors"], strict=True):
            assert {key for key in row if row[key] != shipped[key]} == {"bytes", "sha256", "outputs"}
            assert banks.sha256(bank.with_name(row["file"])) == row["sha256"]
            assert row["outputs"] == [
                {"group": "small", "width": 16, "normalisation": "length"},
                {"group": "small-late", "width": 48, "normalisation": "columns"},
            ]
        assert "efficientnet_lite0.lite2.onnx: 0.0 MB" in capsys.readouterr().out

    def test_a_bank_that_does_not_standardise_its_score_gets_no_extractors(self, bank):
        arrays = {name: bank.arrays[name] for name in bank.arrays if name not in ("score", "projection/score")}
        with pytest.raises(BadBank, match="does not say how its score is standardised"):
            onnx_extractors._plan(open_banks.of_arrays(bank.metadata, arrays))
