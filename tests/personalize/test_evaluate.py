"""The protocol on planted people, and training on photos small enough to learn by heart."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import personalize
from personalize import datasets
from personalize.errors import BadBank, BadResults, TooFewRatings
from personalize.numerics import population_prior
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.hyperprior import learn_hyperprior
from personalize.numerics.ratings import RaterRatings
from personalize.research import evaluate, evaluation_tables, plots, swap
from personalize.research.baselines import Catalogue
from personalize.research.evaluate import EvaluationProtocol, Subject
from personalize.research.kept_results import KeptResults, Result
from personalize.research.methods import METHODS, OTHERS, QUICK, Context
from personalize.training import recipes, train
from tests.personalize.test_datasets import make_photo, write_table


@pytest.fixture
def planted():
    """200 photos and 16 people whose taste is mostly their own."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 256)) / 16
    features[:, 0] = rng.normal(size=200)
    features[:, 40:] *= 0.05
    catalogue = Catalogue(features, rng.normal(size=(200, 6)), features[:, 1:40] + 0, rng.normal(size=(200, 39)))
    raters = []
    for number in range(16):
        taste = np.r_[0.2, 4 * rng.normal(size=39), np.zeros(216)]
        photos = rng.choice(200, size=120, replace=False)
        raters.append(RaterRatings(photos, features[photos] @ taste + 0.3 * rng.normal(size=120), f"r{number}"))
    return Subject(catalogue, raters, None, None, no_network)


def no_network():
    raise AssertionError("Nobody asked for the network.")


def no_population():
    raise AssertionError("Nobody asked what others said.")


@pytest.fixture
def crowd(planted):
    """50 people who mostly like the same photos, for reasons that no feature tells."""
    rng = np.random.default_rng(1)
    shared = rng.normal(size=200)
    drawn = [rng.choice(200, size=60, replace=False) for _ in range(50)]
    raters = [RaterRatings(photos, shared[photos] + 0.5 * rng.normal(size=60), f"c{n}") for n, photos in enumerate(drawn)]
    return replace(planted, raters=raters)


def run(subject, **options):
    return evaluate.evaluate(subject, EvaluationProtocol(**options), KeptResults())


def test_the_instant_fit_finds_planted_tastes_and_the_generic_score_does_not(planted):
    result = run(planted, shots=(50,), repeats=2)["srocc"]["50"]
    assert result["instant"]["mean"] > 0.5 > result["generic"]["mean"] + 0.3


def test_a_protocol_gives_the_same_numbers_in_every_run(planted):
    first, again = (run(planted, shots=(10,), repeats=1, seed=7) for _ in range(2))
    assert first["srocc"] == again["srocc"]
    assert first["by_person"] == again["by_person"]


def test_half_of_the_people_teach_and_the_others_are_tested(planted):
    result = run(planted, shots=(10,), repeats=1)
    assert result["people"] == {"teachers": 8, "tested": 8}
    assert result["srocc"]["10"]["instant"]["people"] == 8


def test_leaving_one_out_tests_everybody_with_what_all_others_taught(planted):
    assert run(planted, shots=(10,), repeats=1, hyperprior="leave-one-out")["people"] == {"teachers": 16, "tested": 16}


def test_the_people_whom_a_database_tests_never_teach(planted):
    subject = replace(planted, tested=frozenset({"r1", "r2"}))
    result = run(subject, shots=(10,), repeats=1)
    assert result["names"] == ["r1", "r2"]
    assert result["people"] == {"teachers": 14, "tested": 2}


def test_a_bank_without_a_hyperprior_cannot_ship_one(planted):
    with pytest.raises(BadBank, match="ships no hyperprior"):
        run(planted, hyperprior="shipped")


def test_too_few_ratings_are_told_how_many_are_needed(planted):
    with pytest.raises(TooFewRatings, match="the 310 ratings that 300 shots need"):
        run(planted, shots=(300,))


def test_a_stopped_run_goes_on_where_it_was(planted, tmp_path, monkeypatch):
    protocol = EvaluationProtocol(shots=(10,), repeats=1)
    whole = evaluate.evaluate(planted, protocol, KeptResults(tmp_path / "whole", "one"))
    measure, measured = evaluate._measure, []

    def until_stopped(context, rater, method, seen, left):
        if len(measured) == 10:
            raise KeyboardInterrupt
        measured.append((rater.rater, method))
        return measure(context, rater, method, seen, left)

    monkeypatch.setattr(evaluate, "_measure", until_stopped)
    with pytest.raises(KeyboardInterrupt):
        evaluate.evaluate(planted, protocol, KeptResults(tmp_path, "one"))
    first, measured = measured, []
    monkeypatch.setattr(evaluate, "_measure", lambda *asked: measured.append((asked[1].rater, asked[2])) or measure(*asked))
    assert evaluate.evaluate(planted, protocol, KeptResults(tmp_path, "one"))["srocc"] == whole["srocc"]
    assert (len(first), len(measured)) == (10, 8 * len(QUICK) - 10)
    assert not set(first) & set(measured)
    monkeypatch.setattr(evaluate, "_measure", None)
    assert evaluate.evaluate(planted, protocol, KeptResults(tmp_path, "one"))["srocc"] == whole["srocc"]


def test_parts_together_are_the_whole(planted, tmp_path):
    protocol = EvaluationProtocol(shots=(10, 30), repeats=1)
    for part in (1, 2, 3):
        evaluate.evaluate(planted, protocol, KeptResults(tmp_path, "one", part), (part, 3))
    together = evaluate.evaluate(planted, protocol, KeptResults(tmp_path, "one"), (99, 99))
    assert together["srocc"] == run(planted, shots=(10, 30), repeats=1)["srocc"]


def test_a_line_that_was_cut_off_is_measured_again_and_a_spoilt_one_is_named(tmp_path):
    kept = KeptResults(tmp_path, "one")
    for name in ("ann", "bo"):
        kept.add(("generic", name, 10, 0), Result(0.5, 0.5, 0.1, 0, None))
    path = tmp_path / "one.1.jsonl"
    path.write_text(path.read_text()[:-20])
    assert ("generic", "ann", 10, 0) in KeptResults(tmp_path, "one")
    assert ("generic", "bo", 10, 0) not in KeptResults(tmp_path, "one")
    path.write_text("spoilt\n" + path.read_text())
    with pytest.raises(BadResults, match=r"one\.1\.jsonl line 1"):
        KeptResults(tmp_path, "one")


def test_the_tables_name_every_method_of_the_run(planted):
    text = evaluation_tables.in_full(run(planted, shots=(10, 30), repeats=1))
    assert all(text.count(f"| {method} |") == 4 for method in QUICK)
    assert "| 10 shots | 30 shots |" in text


def test_the_plots_are_drawn_as_png_and_svg(planted, tmp_path):
    result = run(planted, shots=(10, 30), repeats=1)
    for draw, stem in ((plots.learning_curve, tmp_path / "curve"), (plots.per_person, tmp_path / "people")):
        png, svg = draw(result, stem)
        with Image.open(png) as picture:
            assert (png.suffix, picture.format, len(np.unique(np.asarray(picture))) > 10) == (".png", "PNG", True)
        text = svg.read_text()
        assert (svg.suffix, "<svg " in text, text.rstrip().endswith("</svg>")) == (".svg", True, True)


def test_ones_own_planted_taste_wins_against_everybody_elses(planted):
    found = swap.swap(planted, EvaluationProtocol(shots=(50,)))
    assert found["gain"]["low"] > 0.2
    assert found["pairs_won"] > 0.95
    assert found["people_better_with_their_own"] == 1


@pytest.mark.parametrize("method", QUICK)
def test_every_method_without_network_and_population_survives_shots_that_are_rated_alike(method, planted):
    context = Context(planted.catalogue, Hyperprior.flat(), no_population, no_network, 0)
    answer = METHODS[method](context, RaterRatings(np.arange(5), np.full(5, 3.0)), np.arange(200))
    assert answer.scores.shape == (200,)
    assert np.isfinite(answer.scores).all()


def test_what_others_said_ranks_photos_that_features_cannot(crowd):
    result = run(crowd, shots=(10,), repeats=1, methods=("instant", OTHERS))["srocc"]["10"]
    assert result[OTHERS]["mean"] > 0.7 > result["instant"]["mean"] + 0.4


def test_the_fit_with_others_is_that_of_the_population_alone_where_all_shots_are_alike(crowd):
    taught = population_prior.learn(crowd.catalogue.features, crowd.raters[:25])
    context = Context(crowd.catalogue, Hyperprior.flat(), lambda: taught, no_network, 0)
    answer = METHODS[OTHERS](context, RaterRatings(np.arange(5), np.full(5, 3.0)), np.arange(200))
    np.testing.assert_allclose(answer.scores, crowd.catalogue.features[:, 0] + taught.mean, atol=1e-6)


def test_a_method_that_asks_nobody_learns_no_population(crowd, monkeypatch):
    monkeypatch.setattr(population_prior, "learn", None)
    assert run(crowd, shots=(10,), repeats=1, methods=("instant",))["srocc"]["10"]["instant"]["people"] == 25


@pytest.mark.parametrize("source", ["leave-one-out", "shipped", "flat"])
def test_where_everybody_teaches_nobody_is_told_their_own_ratings(crowd, source):
    """Of photos that nobody else rated, what others said must be as if nobody had: the person's own ratings may not come back."""
    own = RaterRatings(np.arange(200), np.linspace(1, 5, 200), "alone")
    others = [RaterRatings(one.photos % 100, one.ratings, one.rater) for one in crowd.raters[:25]]
    subject = replace(crowd, raters=[own, *others], shipped=Hyperprior.flat())
    teachers, tested = evaluate.split(subject.raters, None, EvaluationProtocol(hyperprior=source))
    assert 0 in teachers
    assert 0 in tested
    told = evaluate.population_priors(subject, teachers)(0)
    assert told.rater_count == 25
    assert not told.factors[100:].any()
    np.testing.assert_allclose(told.mean[100:], crowd.catalogue.features[100:, 1:] @ told.weights)


def test_the_people_whom_a_database_tests_teach_no_population(crowd):
    subject = replace(crowd, tested=frozenset({"c0", "c1"}))
    teachers, tested = evaluate.split(subject.raters, subject.tested, EvaluationProtocol())
    populations = evaluate.population_priors(subject, teachers)
    assert populations(tested[0]) is populations(tested[1])
    assert populations(tested[0]).rater_count == 48


def test_too_few_people_to_learn_from_are_counted_and_the_method_is_named(planted):
    with pytest.raises(TooFewRatings, match=r"instant\+others learns from at least 20 other raters .* there are 8\."):
        run(planted, shots=(10,), repeats=1, methods=(OTHERS,))


def test_what_others_said_is_kept_and_tabled_like_any_method(crowd, tmp_path, monkeypatch):
    protocol = EvaluationProtocol(shots=(10,), repeats=1, methods=("generic", OTHERS))
    whole = evaluate.evaluate(crowd, protocol, KeptResults(tmp_path, "one"))
    monkeypatch.setattr(population_prior, "learn", None)
    again = evaluate.evaluate(crowd, protocol, KeptResults(tmp_path, "one"))
    assert again["srocc"] == whole["srocc"]
    assert evaluation_tables.in_full(again).count(f"| {OTHERS} |") == 4


def test_a_hyperprior_learns_how_noisy_people_are():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 256)) / 16
    features[:, 0] = rng.normal(size=60)
    noise = [(features, rng.integers(1, 4, 60).astype(float)) for _ in range(40)]
    learned = learn_hyperprior(noise)
    by_noise = learned.weights.sum(axis=(0, 1, 3))
    assert learned.weights.sum() == pytest.approx(1)
    assert by_noise.argmax() == len(by_noise) - 1
    assert learned.weights.min() > 0


def test_nobody_to_learn_from_leaves_the_flat_hyperprior():
    np.testing.assert_array_equal(learn_hyperprior([(np.zeros((3, 256)), np.ones(3))]).weights, Hyperprior.flat().weights)


def test_fine_tuning_learns_and_records_how(tmp_path):
    rows = []
    for n in range(30):  # bright photos score high
        path = tmp_path / "oasis/images" / f"p{n}.png"
        make_photo(path, n)
        Image.open(path).point(lambda value, n=n: value * n // 30).save(path)
        rows.append({"image": path.name, "split": "personal" if n % 5 == 0 else "bank", "beauty_mean": 1 + n / 5})
    write_table(tmp_path / "oasis/scores.csv", rows)
    heard = []
    trained = train.fine_tune(
        "oasis-beauty", tmp_path, "efficientnet_lite0", recipes.Recipe(epochs=3, batch=8), lambda *said: heard.append(said)
    )
    assert trained.record["test_srocc"] > 0.5
    assert trained.record["photos"] == {"train": 22, "validation": 2, "test": 6}
    assert trained.record["recipe"]["seed"] == 0
    assert trained.record["licence"] == datasets.find("oasis-beauty").licence
    assert trained.record["pav_version"] == personalize.__version__
    assert heard[-1][1] == heard[-1][2]
