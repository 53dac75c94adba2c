"""Banks of one encoder without task vectors, through the real loading code: small models of OpenCLIP and timm with random weights."""

import shutil
from argparse import Namespace

import numpy as np
import pytest
import timm
import torch
from django.core.management import CommandError, call_command
from safetensors.torch import save_file
from torch import nn

from personalize.bank_building import encoder_banks, generic_score, onnx_extractors
from personalize.bank_building.bank_info import bank_info
from personalize.bank_building.encoder_banks import EncoderPlan
from personalize.bank_building.generic_score import TastePlan
from personalize.errors import BadBank, PersonalizeError
from personalize.exports import model_files
from personalize.exports.fits import InstantFit
from personalize.files import backbones, banks, images, open_banks, pixels, taste_parts
from personalize.files.photo_files import photos_in
from personalize.numerics.projection import FEATURES
from personalize.scorers.feature_extraction import FeatureExtractor
from personalize.scorers.rater_fitting import RaterFitter
from tests.personalize import small_clip

TIMM = "timm/test_vit"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photos, and weights of a small CLIP and of a small model of timm, with its classifier."""
    folder = tmp_path_factory.mktemp("encoders")
    small_clip.register(folder)
    small_clip.write_photos(folder, count=12)
    torch.save(small_clip.whole_model(seed=1).state_dict(), folder / "clip.bin")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = timm.create_model(TIMM.removeprefix("timm/"))
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / "vit.safetensors")
    return folder


@pytest.fixture(scope="module")
def bank(folder):
    """The bank of the small CLIP, imported by the command with a folder of photos."""
    options = {"backbone": small_clip.NAME, "weights": folder / "clip.bin", "photos": folder / "photos", "out": folder / "clip.safetensors"}
    call_command("import_bank", **options)
    return folder / "clip.safetensors"


@pytest.fixture(scope="module")
def of_timm(folder):
    """The bank of a model of timm, without photos."""
    encoder_banks.import_encoder(EncoderPlan(TIMM, folder / "vit.safetensors"), folder / "timm.safetensors")
    return folder / "timm.safetensors"


def raw_and_input(bank, folder, backbone):
    photos = [pixels.read(path) for path in photos_in(folder / "photos")[:3]]
    extractor = FeatureExtractor(bank, threads=1)
    sized = np.stack([extractor.extractors.rows[0].size.pixels(photo) for photo in photos])
    return extractor.raw(photos), images.to_input(sized, backbones.find(backbone).preprocessing)


@torch.no_grad()
def plainly(encoder, blocks, photos):
    """The embedding by the encoder's own forward pass, and of its last blocks the class token, then mean and SD over the patches."""
    found = []
    hooks = [block.register_forward_hook(lambda *call: found.append(call[-1])) for block in blocks]
    embedding = encoder(photos)
    for hook in hooks:
        hook.remove()
    late = [one for block in found for one in (block[:, 0], block[:, 1:].mean(1), block[:, 1:].std(1, correction=0))]
    return np.concatenate([nn.functional.normalize(embedding, dim=1).numpy(), torch.cat(late, dim=1).numpy()], axis=1)


def test_features_are_embedding_class_tokens_and_patch_statistics_of_open_clip(bank, folder):
    raw, photos = raw_and_input(bank, folder, small_clip.NAME)
    encoder = backbones.scorer(small_clip.NAME, weights=folder / "clip.bin").encoder
    expected = plainly(encoder, encoder.transformer.resblocks, photos)
    assert raw.shape == (3, 24 + 2 * 3 * 64)  # this small model has two blocks in all
    np.testing.assert_allclose(raw, expected, atol=0.01)  # weights in half precision
    assert np.abs(raw - expected).max() / expected.std() < 0.01


def test_features_of_a_model_of_timm_are_those_of_its_last_three_blocks(of_timm, folder):
    raw, photos = raw_and_input(of_timm, folder, TIMM)
    encoder = backbones.scorer(TIMM, weights=folder / "vit.safetensors").encoder
    expected = plainly(encoder, encoder.blocks[-3:], photos)
    assert raw.shape == expected.shape
    np.testing.assert_allclose(raw, expected, atol=0.02 * expected.std())


def test_a_convolutional_encoder_has_means_and_deviations_of_its_last_three_stages():
    network = onnx_extractors.EncoderNetwork(backbones.untrained("timm/test_resnet").encoder, "encoder", (0.5,) * 3, (0.5,) * 3)
    with torch.no_grad():
        embedding, late = network(torch.zeros(1, 160, 160, 3, dtype=torch.uint8))
        expected = nn.functional.normalize(network.encoder(network.normalised(torch.zeros(1, 160, 160, 3, dtype=torch.uint8))), dim=1)
    torch.testing.assert_close(embedding, expected)
    stages = network.encoder.feature_info[-3:]
    assert late.shape[1] == 2 * sum(stage["num_chs"] for stage in stages)


def test_the_bank_says_that_it_has_no_task_vectors_and_where_its_weights_come_from(bank, folder, capsys):
    facts = banks.read_metadata(bank).facts
    assert facts["tasks"] == []
    assert facts["backbone_sha256"] == banks.sha256(folder / "clip.bin")
    (row,) = facts["extractors"]
    assert row["source"] == "file clip.bin"
    assert [one["group"] for one in row["outputs"]] == ["encoder", "encoder-late"]
    assert "score" not in row
    call_command("bank_info", str(bank))
    shown = capsys.readouterr().out
    assert "no task vectors: raters are fitted by the instant model alone" in shown
    assert "the generic score is empty: photos are in order of date for everyone" in shown
    assert bank_info(bank)["encoder"] == "in its extractor"


def test_its_generic_score_is_empty_and_photos_give_it_a_projection(bank, of_timm, folder):
    part = taste_parts.read(bank)
    assert not part.has_generic_score
    assert part.heads.names == ("generic",)
    features = part.projection.apply(raw_and_input(bank, folder, small_clip.NAME)[0])
    assert not features[:, 0].any()
    assert features[:, 1:].std(axis=0).max() > 0
    assert taste_parts.read(of_timm).projection is None
    assert taste_parts.photos_seen(of_timm) == frozenset()


def test_a_fit_on_it_is_exported_as_a_graph_that_scores_alike(bank, tmp_path):
    part = taste_parts.read(bank)
    weights = np.random.default_rng(0).normal(size=FEATURES)
    facts = {"rater": "r", "method": "instant", "bank": banks.read_metadata(bank).hash, "extractors": FeatureExtractor(bank).hash}
    card = model_files.write(tmp_path / "r.onnx", "onnx", InstantFit(facts, weights, part.projection), bank)
    assert card["networks"][0]["network"] == small_clip.NAME


def test_datasets_with_mean_ratings_give_it_a_generic_score(bank, folder, tmp_path):
    (tmp_path / "houses").mkdir()
    (tmp_path / "houses" / "images").symlink_to(folder / "photos")
    names = [path.name for path in photos_in(folder / "photos")]
    rows = [f"r{rater},{name},{(number + rater) % 9}" for rater in range(3) for number, name in enumerate(names)]
    (tmp_path / "houses" / "ratings.csv").write_text("\n".join(["rater,image,score", *rows]) + "\n")
    for path in (bank, bank.with_suffix(".json"), *(bank.with_name(row["file"]) for row in banks.read_metadata(bank).facts["extractors"])):
        shutil.copy(path, tmp_path)
    copy = tmp_path / bank.name
    generic_score.train(copy, tmp_path, tmp_path / "cache", TastePlan(("houses",), ()))
    part = taste_parts.read(copy)
    assert part.has_generic_score
    assert part.heads.names == ("generic", "pooled", "houses")  # and none of a merged network, which it does not have
    features = part.projection.apply(raw_and_input(bank, folder, small_clip.NAME)[0])
    assert features[:, 0].std() > 0


def test_what_needs_task_vectors_is_refused_with_a_sentence(bank, tmp_path):
    with pytest.raises(CommandError, match="no task vectors, so there is nothing to compress"):
        call_command("bank_compress", str(bank), out=tmp_path / "small.safetensors", form="half")
    with pytest.raises(CommandError, match="Write it again with"):
        call_command("bank_extractors", str(bank))
    with pytest.raises(BadBank, match="no rater can be fitted exactly"):
        RaterFitter(open_banks.open_bank(bank))


def cut_short(folder, path):
    path.write_bytes((folder / "clip.bin").read_bytes()[:5000])


def of_another_architecture(folder, path):
    other = small_clip.CONFIG | {"vision_cfg": small_clip.CONFIG["vision_cfg"] | {"width": 32}}
    torch.save(small_clip.whole_model(1, other).state_dict(), path)


def not_finite(folder, path):
    state = small_clip.whole_model(1).state_dict()
    state["visual.ln_post.bias"] = torch.full_like(state["visual.ln_post.bias"], float("nan"))
    torch.save(state, path)


def with_a_foreign_class(folder, path):
    torch.save({"model": small_clip.whole_model(1).state_dict(), "sampler": np.random.default_rng, "args": Namespace(rate=1)}, path)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (cut_short, "spoilt.bin cannot be read as weights"),
        (of_another_architecture, r"spoilt.bin has .* in shape .*, small-clip-for-tests in "),
        (not_finite, "spoilt.bin has numbers in ln_post.bias that are not finite"),
        (with_a_foreign_class, r"spoilt.bin .*contains numpy\.random\.\S*default_rng"),
    ],
)
def test_bad_weights_are_refused_with_one_sentence_and_leave_nothing(folder, tmp_path, spoil, sentence):
    spoil(folder, tmp_path / "spoilt.bin")
    with pytest.raises(PersonalizeError, match=sentence):
        encoder_banks.import_encoder(EncoderPlan(small_clip.NAME, tmp_path / "spoilt.bin"), tmp_path / "out" / "bank.safetensors")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["spoilt.bin"]


def test_an_unknown_name_lists_what_is_known(tmp_path):
    with pytest.raises(CommandError, match="timm/NAME of any model in timm"):
        call_command("import_bank", backbone="timm/nothing", out=tmp_path / "bank.safetensors")
