"""The protocol on planted people, and training on photos small enough to learn by heart."""

import numpy as np
import pytest

from personalize import evaluate, prior, train
from personalize.baselines import METHODS, Catalogue, Shots
from personalize.errors import BadDatabase
from personalize.people import Person
from personalize.taste import Hyperprior
from tests.personalize.test_databases import make_photo, write_table


@pytest.fixture
def planted():
    """200 photos and 16 people whose taste is mostly their own."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 256)) / 16
    features[:, 0] = rng.normal(size=200)
    features[:, 40:] *= 0.05
    catalogue = Catalogue(features, rng.normal(size=(200, 6)), features[:, 1:40] + 0, rng.normal(size=(200, 39)))
    people = []
    for number in range(16):
        taste = np.r_[0.2, 4 * rng.normal(size=39), np.zeros(216)]
        photos = rng.choice(200, size=120, replace=False)
        people.append(Person(f"r{number}", photos, features[photos] @ taste + 0.3 * rng.normal(size=120)))
    return catalogue, people


def test_the_instant_fit_finds_planted_tastes_and_the_generic_score_does_not(planted):
    result = evaluate.evaluate(*planted, evaluate.Protocol(shots=(50,), repeats=2))["srocc"]["50"]
    assert result["instant"]["mean"] > 0.5 > result["generic"]["mean"] + 0.3


def test_a_protocol_gives_the_same_numbers_in_every_run(planted):
    protocol = evaluate.Protocol(shots=(10,), repeats=1, seed=7)
    assert evaluate.evaluate(*planted, protocol) == evaluate.evaluate(*planted, protocol)


def test_half_of_the_people_teach_and_the_others_are_tested(planted):
    result = evaluate.evaluate(*planted, evaluate.Protocol(shots=(10,), repeats=1))
    assert result["people"] == {"teachers": 8, "tested": 8}
    assert result["srocc"]["10"]["instant"]["people"] == 8


def test_too_few_ratings_are_told_how_many_are_needed(planted):
    catalogue, people = planted
    with pytest.raises(BadDatabase, match="the 310 ratings that 300 shots need"):
        evaluate.evaluate(catalogue, people, evaluate.Protocol(shots=(300,)))


def test_a_table_names_every_method(planted):
    table = evaluate.as_table(evaluate.evaluate(*planted, evaluate.Protocol(shots=(10, 30), repeats=1)))
    assert all(f"| {method} |" in table for method in METHODS)
    assert "| 10 shots | 30 shots |" in table


@pytest.mark.parametrize("method", METHODS)
def test_every_method_survives_shots_that_are_rated_alike(method, planted):
    catalogue, _ = planted
    scores = METHODS[method](catalogue, Shots(np.arange(5), np.full(5, 3.0)), Hyperprior.flat())
    assert scores.shape == (200,)
    assert np.isfinite(scores).all()


def test_a_hyperprior_learns_how_noisy_people_are():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 256)) / 16
    features[:, 0] = rng.normal(size=60)
    noise = [(features, rng.integers(1, 4, 60).astype(float)) for _ in range(40)]
    learned = prior.learn_hyperprior(noise)
    by_noise = learned.weights.sum(axis=(0, 1, 3))
    assert learned.weights.sum() == pytest.approx(1)
    assert by_noise.argmax() == len(by_noise) - 1
    assert learned.weights.min() > 0


def test_nobody_to_learn_from_leaves_the_flat_hyperprior():
    np.testing.assert_array_equal(prior.learn_hyperprior([(np.zeros((3, 256)), np.ones(3))]).weights, Hyperprior.flat().weights)


def test_fine_tuning_learns_and_records_how(tmp_path):
    rows = []
    for n in range(30):  # bright photos score high
        path = tmp_path / "oasis/images" / f"p{n}.png"
        make_photo(path, n)
        from PIL import Image

        Image.open(path).point(lambda value, n=n: value * n // 30).save(path)
        rows.append({"image": path.name, "split": "personal" if n % 5 == 0 else "bank", "beauty_mean": 1 + n / 5})
    write_table(tmp_path / "oasis/scores.csv", rows)
    heard = []
    trained = train.fine_tune(
        "oasis-beauty", tmp_path, "efficientnet_lite0", train.Recipe(epochs=3, batch=8), lambda *said: heard.append(said)
    )
    assert trained.record["test_srocc"] > 0.5
    assert trained.record["photos"] == {"train": 22, "validation": 2, "test": 6}
    assert trained.record["recipe"]["seed"] == 0
    assert heard[-1][1] == heard[-1][2]
