"""Building of a bank from fine-tuned models of the real backbone, on a few photos: all of its files belong together."""

import numpy as np
import pytest
import torch
from PIL import Image

from personalize.bank_building import building
from personalize.bank_building.building import BuildPlan
from personalize.bank_building.generic_score import TastePlan
from personalize.errors import BadBank, BadCheckpoint
from personalize.files import backbones, banks, open_banks, taste_parts
from personalize.files.photo_files import digest, digests_of_array
from personalize.networks import task_vectors
from personalize.scorers.feature_extraction import FeatureExtractor
from personalize.training import checkpoints
from personalize.training.checkpoints import Trained
from tests.personalize import small_clip

BACKBONE = "efficientnet_lite0"
TASKS = ("oasis-beauty", "oasis-valence")
PLAN = BuildPlan(TASKS, taste=TastePlan(datasets=("oasis-beauty",), raters=()))


@pytest.fixture(autouse=True, scope="module")
def _small_extractors():
    with small_clip.only_the_merged_network():
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The datasets, twelve photos of OASIS to learn from and four to test on, and a fine-tuned model for each task."""
    root, rng = tmp_path_factory.mktemp("root"), np.random.default_rng(0)
    (root / "oasis" / "images").mkdir(parents=True)
    rows = ["image,beauty_mean,valence_mean,split"]
    for number in range(16):
        pixels = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((80, 60), Image.Resampling.BICUBIC).save(root / "oasis" / "images" / f"{number}.png")
        rows.append(f"{number}.png,{rng.uniform(1, 7):.2f},{rng.uniform(1, 7):.2f},{'personal' if number >= 12 else 'bank'}")
    (root / "oasis" / "scores.csv").write_text("\n".join(rows) + "\n")
    base = task_vectors.copied_blocks(backbones.scorer(BACKBONE))
    for seed, task in enumerate(TASKS):
        draw = torch.Generator().manual_seed(seed)
        weights = {name: value + 0.01 * value.std(correction=0) * torch.randn(value.shape, generator=draw) for name, value in base.items()}
        record = {"backbone": BACKBONE, "source": "tests", "licence": "CC0"}
        checkpoints.save(Trained(weights, record), root / "trained" / f"{task}.safetensors")
    return root


@pytest.fixture(scope="module")
def bank(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("bank") / "bank.safetensors"
    building.build(root / "trained", root, out, PLAN, out.parent / "cache")
    return out


def test_a_built_bank_has_all_its_files(bank):
    names = {path.name for path in bank.parent.iterdir() if path.is_file()}
    assert names == {"bank.json", "bank.merged.onnx", "bank.safetensors", "bank.taste.safetensors"}


def test_the_score_is_standardised_over_the_photos_that_shaped_the_bank(bank, root):
    shaping = [root / "oasis" / "images" / f"{number}.png" for number in range(12)]
    raw = FeatureExtractor(bank).raw(Image.open(photo) for photo in shaping)
    assert raw[:, -1].mean() == pytest.approx(0, abs=0.1)  # small photos are resized in another way than in training
    assert raw[:, -1].std() == pytest.approx(1, abs=0.1)
    assert digests_of_array(open_banks.open_bank(bank).arrays["seen"]) == {digest(photo) for photo in shaping}


def test_the_metadata_state_sources_the_start_and_what_the_form_costs(bank):
    facts = banks.read_metadata(bank).facts
    assert banks.licences(facts) == dict.fromkeys(TASKS, "CC0")
    assert facts["start"]["lead"] == "oasis-beauty"
    assert facts["score"] == {"photos": 12}
    assert facts["factorised"]["oasis-valence"]["photos"] == 4
    opened = open_banks.open_bank(bank)
    torch.testing.assert_close(opened.start[0], torch.tensor([0.75, 0.25]))


def test_the_taste_part_is_trained_on_the_same_photos(bank):
    part = taste_parts.read(bank)
    assert part.heads.names == ("generic", "pooled", "oasis-beauty", "merged-network")
    assert len(part.trained_on) == 12


def test_a_missing_model_is_refused_before_any_file_is_written(root, tmp_path):
    with pytest.raises(BadCheckpoint, match="savoias-complexity"):
        building.build(root / "trained", root, tmp_path / "bank.safetensors", BuildPlan((*TASKS, "savoias-complexity")), tmp_path / "cache")
    assert not list(tmp_path.iterdir())


def test_another_file_name_is_refused(root, tmp_path):
    with pytest.raises(BadBank, match=r"ends in \.safetensors"):
        building.build(root / "trained", root, tmp_path / "bank.onnx", PLAN, tmp_path / "cache")
