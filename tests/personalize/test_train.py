"""Fine-tuning on a few synthetic photos: schedules, targets, resumed runs and several processes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from personalize import datasets
from personalize.datasets import RatedPhoto
from personalize.errors import BadCheckpoint, PersonalizeError
from personalize.files import backbones
from personalize.networks.scorer import Scorer
from personalize.training import checkpoints, optimizers, train, training_photos
from personalize.training.recipes import Recipe
from personalize.training.train import Run
from tests.personalize.test_datasets import make_photo, write_table

RECIPE = Recipe(epochs=3, batch=8, encoder_rate=1e-3, head_rate=5e-3)


def small_scorer(name, seed=0, weights=None):
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 5, stride=4), nn.BatchNorm2d(8), nn.SiLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    return Scorer(nn.Sequential(*layers), width=32, seed=seed)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(backbones, "scorer", small_scorer)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A small OASIS: 30 synthetic photos with scores."""
    folder = tmp_path_factory.mktemp("databases")
    rows = []
    for number in range(30):
        make_photo(folder / "oasis/images" / f"p{number}.png", number)
        rows.append({"image": f"p{number}.png", "split": "personal" if number % 5 == 0 else "bank", "beauty_mean": 1 + number / 5})
    write_table(folder / "oasis/scores.csv", rows)
    return folder


def trained(root, recipe=RECIPE, **run):
    return train.fine_tune("oasis-beauty", root, "efficientnet_lite0", recipe, run=Run(**run))


def same(one, other):
    return all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_learning_rates_rise_during_warm_up_and_then_follow_a_cosine():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    rates = optimizers.schedule(optimizer, replace(RECIPE, warm_up=1 / 6), 12)
    used = []
    for _ in range(12):
        used.append(rates.get_last_lr()[0])
        optimizer.step()
        rates.step()
    assert used[:3] == [0.5, 1.0, 1.0]  # two warm-up steps; the cosine starts at its maximum
    assert used[7] == pytest.approx(0.5)  # halfway down
    assert 0 < used[11] < 0.03


def test_biases_norms_and_embeddings_have_no_weight_decay():
    model = small_scorer("")
    groups = optimizers.optimizer(model, RECIPE).param_groups
    decaying = {id(value) for group in groups if group["weight_decay"] for value in group["params"]}
    assert {name for name, value in model.named_parameters() if id(value) in decaying} == {
        "encoder.0.weight",
        "head.0.weight",
        "head.3.weight",
    }
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_the_target_is_the_published_distribution_if_available():
    row = datasets.find("oasis-beauty")
    published = (0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    photos = [RatedPhoto(Path("a"), 4.0, "train", published), RatedPhoto(Path("b"), 4.0, "train")]
    distributions, means = training_photos.targets(photos, row)
    np.testing.assert_allclose(distributions[0], published)
    assert means.tolist() == [5.5, 5.5]  # the middle of 1..7, mapped to 1..10
    assert distributions[1].argmax() in (4, 5)
    assert float(distributions[1].sum()) == pytest.approx(1)


def test_the_crop_of_a_photo_depends_on_seed_epoch_and_photo_alone(root):
    photos = [photo for photo in datasets.load("oasis-beauty", root) if photo.split == "train"]
    preprocessing = backbones.find("efficientnet_lite0").preprocessing
    one, other = (training_photos.TrainingPhotos(photos, preprocessing, RECIPE, lambda *_: None, "train") for _ in range(2))
    other[0, 5], other[1, 2]
    assert torch.equal(one[1, 3], other[1, 3])
    assert any(not torch.equal(one[epoch, 3], one[0, 3]) for epoch in range(1, 5))
    assert torch.equal(
        one[-1, 3], training_photos.TrainingPhotos(photos, preprocessing, replace(RECIPE, seed=9), lambda *_: None, "")[-1, 3]
    )


def test_too_few_photos_for_one_step_are_refused_before_the_run(root, small):
    with pytest.raises(PersonalizeError, match="1 photos an epoch are too few"):
        trained(root, replace(RECIPE, most_photos=1, accumulate=2))


def test_a_run_that_cannot_be_resumed_is_refused_before_photos_are_decoded(root, small, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "TrainingPhotos", lambda *_: pytest.fail("decoded"))
    with pytest.raises(PersonalizeError):
        trained(root, folder=tmp_path / "none.run", resume=True)


def test_gradient_accumulation_learns_like_the_whole_batch(root, small):
    plain = replace(RECIPE, epochs=1, rank_weight=0.0)
    whole, parts = trained(root, plain), trained(root, replace(plain, accumulate=2))
    different = trained(root, replace(plain, seed=1))
    # Dropout draws new masks for each part, so the two differ a little; another order of the photos differs more.
    assert all(whole.weights[name].shape == parts.weights[name].shape for name in whole.weights)
    distance = lambda other: sum(float((whole.weights[name] - other.weights[name]).norm()) for name in whole.weights)  # noqa: E731
    assert 0 < distance(parts) < distance(different)


def test_a_batch_that_cannot_be_divided_is_refused():
    with pytest.raises(PersonalizeError, match="A batch of 16 cannot be divided into 3"):
        Recipe(accumulate=3)


@pytest.mark.parametrize(("save_every", "key"), [(0, "dataset"), (2, "database")])  # the key of states stored earlier
def test_a_resumed_run_ends_with_the_same_weights(root, small, tmp_path, save_every, key):
    whole = trained(root)
    save_state = checkpoints.save_state
    states = []

    def stop_later(path, facts, progress, *state):
        save_state(path, {key if name == "dataset" else name: value for name, value in facts.items()}, progress, *state)
        states.append(progress)
        if len(states) == (2 if save_every == 0 else 3):
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "save_state", stop_later)
        with pytest.raises(KeyboardInterrupt):
            trained(root, folder=tmp_path, save_every=save_every)
    resumed = trained(root, folder=tmp_path, save_every=save_every, resume=True)
    assert same(whole, resumed)
    assert whole.record == resumed.record


def test_a_run_of_another_recipe_is_not_resumed(root, small, tmp_path):
    trained(root, replace(RECIPE, epochs=1), folder=tmp_path)
    with pytest.raises(BadCheckpoint, match="run with recipe"):
        trained(root, replace(RECIPE, epochs=1, seed=5), folder=tmp_path, resume=True)


def test_resuming_without_a_saved_run_is_refused(root, small, tmp_path):
    with pytest.raises(BadCheckpoint, match="Train without --resume"):
        trained(root, folder=tmp_path, resume=True)


def test_decoding_workers_do_not_change_the_weights(root, small):
    once = replace(RECIPE, epochs=1)
    assert same(trained(root, once), trained(root, once, workers=1))


def test_the_log_contains_losses_learning_rates_and_speed(root, small, tmp_path):
    trained(root, replace(RECIPE, epochs=2), folder=tmp_path)
    log = EventAccumulator(str(tmp_path)).Reload()
    logged = set(log.Tags()["scalars"])
    assert {
        "train/earth_movers_distance",
        "train/bradley_terry",
        "train/encoder_rate",
        "train/photos_per_second",
        "validation/srocc",
    } <= logged
    assert len(log.Scalars("train/bradley_terry")) == 2 * 3  # 22 photos in batches of 8


def test_two_processes_train_one_model(root, tmp_path):
    # Without a GPU, `accelerate launch` needs MPI for several processes; torch's launcher sets the variables that Accelerate reads.
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command += ["manage.py", "train_task_vector", "oasis-beauty", "--root", str(root)]
    command += ["--out", str(tmp_path), "--epochs", "1", "--batch", "8", "--threads", "1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    record = json.loads(ran.stdout[ran.stdout.index("{") :])
    assert record["processes"] == 2
    assert record["photos"] == {"train": 22, "validation": 2, "test": 6}
    assert (tmp_path / "oasis-beauty.safetensors").is_file()
