"""The evaluation protocol on synthetic raters, and fine-tuning on a small dataset."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import personalize
from personalize import datasets
from personalize.errors import BadBank, BadResults, TooFewRatings
from personalize.numerics import population_prior
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.ratings import RaterRatings
from personalize.research import evaluate, evaluation_tables, plots, swap
from personalize.research.baselines import Catalogue
from personalize.research.evaluate import EvaluationProtocol, Subject
from personalize.research.kept_results import KeptResults, Result
from personalize.research.methods import METHODS, OTHERS, QUICK, Answer, Context
from personalize.training import recipes, train
from tests.personalize.test_datasets import make_photo, write_table


@pytest.fixture
def planted():
    """200 photos and 16 raters with mostly individual tastes."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 256)) / 16
    features[:, 0] = rng.normal(size=200)
    features[:, 40:] *= 0.05
    groups = {"lite0": features[:, 1:40] + 0, "merged": rng.normal(size=(200, 39))}
    groups |= {name: rng.normal(size=(200, 20)) for name in ("lite0-late", "lite2", "lite2-late")}
    task_scores = rng.normal(size=(200, 6))
    catalogue = Catalogue(features, 2, groups, lambda: task_scores)
    raters = []
    for number in range(16):
        taste = np.r_[0.2, 4 * rng.normal(size=39), np.zeros(216)]
        photos = rng.choice(200, size=120, replace=False)
        raters.append(RaterRatings(photos, features[photos] @ taste + 0.3 * rng.normal(size=120), f"r{number}"))
    return Subject(lambda: catalogue, raters, None, None, refuse_network)


def refuse_network():
    raise AssertionError("This test must not use the network.")


def refuse_population():
    raise AssertionError("This test must not use the population prior.")


@pytest.fixture
def like_minded(planted):
    """50 raters who mostly like the same photos, for reasons that the features do not contain."""
    rng = np.random.default_rng(1)
    shared = rng.normal(size=200)
    drawn = [rng.choice(200, size=60, replace=False) for _ in range(50)]
    raters = [RaterRatings(photos, shared[photos] + 0.5 * rng.normal(size=60), f"c{n}") for n, photos in enumerate(drawn)]
    return replace(planted, raters=raters)


def run(subject, **options):
    return evaluate.evaluate(subject, EvaluationProtocol(**options), KeptResults())


def test_the_instant_fit_predicts_synthetic_tastes_and_the_generic_score_does_not(planted):
    result = run(planted, shots=(50,), repeats=2)["srocc"]["50"]
    assert result["instant"]["mean"] > 0.5 > result["generic"]["mean"] + 0.3


def test_a_protocol_gives_the_same_results_in_every_run(planted):
    first, again = (run(planted, shots=(10,), repeats=1, seed=7) for _ in range(2))
    assert first["srocc"] == again["srocc"]
    assert first["by_rater"] == again["by_rater"]


def test_half_of_the_raters_are_teachers_and_the_others_are_tested(planted):
    result = run(planted, shots=(10,), repeats=1)
    assert result["raters"] == {"teachers": 8, "tested": 8}
    assert result["srocc"]["10"]["instant"]["raters"] == 8


def test_leave_one_out_tests_every_rater_with_all_others_as_teachers(planted):
    assert run(planted, shots=(10,), repeats=1, hyperprior="leave-one-out")["raters"] == {"teachers": 16, "tested": 16}


def test_the_test_raters_of_a_dataset_are_never_teachers(planted):
    subject = replace(planted, tested=frozenset({"r1", "r2"}))
    result = run(subject, shots=(10,), repeats=1)
    assert result["names"] == ["r1", "r2"]
    assert result["raters"] == {"teachers": 14, "tested": 2}


def test_the_shipped_hyperprior_of_a_bank_without_one_is_refused(planted):
    with pytest.raises(BadBank, match="ships no hyperprior"):
        run(planted, hyperprior="shipped")


def test_too_few_ratings_are_refused_with_the_number_needed(planted):
    with pytest.raises(TooFewRatings, match="the 310 ratings that 300 shots need"):
        run(planted, shots=(300,))


def test_a_stopped_evaluation_resumes_where_it_stopped(planted, tmp_path, monkeypatch):
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
    monkeypatch.setattr(evaluate, "_measure", lambda *arguments: measured.append((arguments[1].rater, arguments[2])) or measure(*arguments))
    assert evaluate.evaluate(planted, protocol, KeptResults(tmp_path, "one"))["srocc"] == whole["srocc"]
    assert (len(first), len(measured)) == (10, 8 * len(QUICK) - 10)
    assert not set(first) & set(measured)
    monkeypatch.setattr(evaluate, "_measure", None)
    assert evaluate.evaluate(planted, protocol, KeptResults(tmp_path, "one"))["srocc"] == whole["srocc"]


def test_results_of_all_parts_equal_those_of_one_run(planted, tmp_path):
    protocol = EvaluationProtocol(shots=(10, 30), repeats=1)
    for part in (1, 2, 3):
        evaluate.evaluate(planted, protocol, KeptResults(tmp_path, "one", part), (part, 3))
    together = evaluate.evaluate(planted, protocol, KeptResults(tmp_path, "one"), (99, 99))
    assert together["srocc"] == run(planted, shots=(10, 30), repeats=1)["srocc"]


def test_a_truncated_last_line_is_ignored_and_an_invalid_line_is_refused(tmp_path):
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


def test_results_kept_under_old_names_are_those_of_the_methods_that_had_them(tmp_path):
    result = {"srocc": 0.5, "plcc": 0.5, "seconds": 0.1, "image_passes": 0, "loss": None}
    old = [{"key": [method, "ann", 10, 0], "result": result} for method in ("paper", "softmax-init", "exact")]
    (tmp_path / "one.1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in old))
    KeptResults(tmp_path, "one", 2).add(("paper", "bo", 10, 0), Result(0.25, 0.25, 0.1, 0, None))
    kept = KeptResults(tmp_path, "one")
    of_ann = [method for method in METHODS if (method, "ann", 10, 0) in kept]
    assert of_ann == ["softmax-outputs", "exact", "paper-mended"]
    assert kept.get(("paper", "bo", 10, 0)).srocc == 0.25


class FixedNetwork:
    """A network whose published fit gives these scores at its checkpoints: the second is the best."""

    def __init__(self, scores):
        self.scores, self.fits = scores, 0

    def paper(self, shots, asked, seed):
        self.fits += 1
        return Answer(-self.scores[asked], 10, 0.1, (0 * self.scores[asked], self.scores[asked], -self.scores[asked]))


def test_the_choice_on_test_photos_is_a_second_figure_beside_the_last_step(planted, tmp_path):
    taste = RaterRatings(np.arange(60), np.arange(60.0), "ann")
    network = FixedNetwork(np.arange(200.0))
    subject = Subject(lambda: pytest.fail("no features"), [taste], None, None, lambda: network)
    protocol = EvaluationProtocol(shots=(10,), repeats=1, methods=("paper",), hyperprior="flat")
    result = evaluate.evaluate(subject, protocol, KeptResults(tmp_path, "one"))
    assert {name: cell["mean"] for name, cell in result["srocc"]["10"].items()} == {"paper": -1.0, "paper-chosen-on-test": 1.0}
    again = evaluate.evaluate(subject, protocol, KeptResults(tmp_path, "one"))
    assert (again["plcc"], network.fits) == (result["plcc"], 1)
    assert evaluation_tables.in_full(again).count("| paper-chosen-on-test |") == 4


def test_the_tables_list_every_method_of_the_run(planted):
    text = evaluation_tables.in_full(run(planted, shots=(10, 30), repeats=1))
    assert all(text.count(f"| {method} |") == 4 for method in QUICK)
    assert "| 10 shots | 30 shots |" in text


def test_the_tables_say_for_how_many_raters_the_exact_model_was_active(planted):
    protocol, kept = EvaluationProtocol(shots=(10,), repeats=1, methods=("instant", "refined")), KeptResults()
    result = evaluate.evaluate(planted, protocol, kept)
    assert evaluation_tables.in_full(result).endswith("the exact model was active for 0 of 8 raters at 10 shots.")
    kept.add(("refined", result["names"][0], 10, 0), Result(0.5, 0.5, 1.0, 60, 0.4))  # only fits through the network have a loss
    again = evaluate.evaluate(planted, protocol, kept)
    assert "active for 1 of 8 raters at 10 shots." in evaluation_tables.in_full(again)


def test_plots_are_written_as_png_and_svg(planted, tmp_path):
    result = run(planted, shots=(10, 30), repeats=1)
    for draw, stem in ((plots.learning_curve, tmp_path / "curve"), (plots.per_rater, tmp_path / "raters")):
        png, svg = draw(result, stem)
        with Image.open(png) as picture:
            assert (png.suffix, picture.format, len(np.unique(np.asarray(picture))) > 10) == (".png", "PNG", True)
        text = svg.read_text()
        assert (svg.suffix, "<svg " in text, text.rstrip().endswith("</svg>")) == (".svg", True, True)


def test_the_model_of_a_rater_predicts_them_better_than_models_of_others(planted):
    found = swap.swap(planted, EvaluationProtocol(shots=(50,)))
    assert found["gain"]["low"] > 0.2
    assert found["pairs_won"] > 0.95
    assert found["raters_better_with_their_own"] == 1


@pytest.mark.parametrize("method", QUICK)
def test_every_quick_method_gives_finite_scores_for_equal_ratings(method, planted):
    context = Context(lambda: (planted.catalogue, Hyperprior.flat()), refuse_population, refuse_network, 0)
    prediction = METHODS[method](context, RaterRatings(np.arange(5), np.full(5, 3.0)), np.arange(200))
    assert prediction.scores.shape == (200,)
    assert np.isfinite(prediction.scores).all()


def test_the_population_prior_ranks_photos_where_features_cannot(like_minded):
    result = run(like_minded, shots=(10,), repeats=1, methods=("instant", OTHERS))["srocc"]["10"]
    assert result[OTHERS]["mean"] > 0.7 > result["instant"]["mean"] + 0.4


def test_equal_ratings_give_the_scores_of_the_population_prior(like_minded):
    prior = population_prior.learn(like_minded.catalogue.features, like_minded.raters[:25])
    context = Context(lambda: (like_minded.catalogue, Hyperprior.flat()), lambda: prior, refuse_network, 0)
    prediction = METHODS[OTHERS](context, RaterRatings(np.arange(5), np.full(5, 3.0)), np.arange(200))
    np.testing.assert_allclose(prediction.scores, like_minded.catalogue.features[:, 0] + prior.mean, atol=1e-6)


def test_methods_without_a_population_prior_do_not_learn_one(like_minded, monkeypatch):
    monkeypatch.setattr(population_prior, "learn", None)
    assert run(like_minded, shots=(10,), repeats=1, methods=("instant",))["srocc"]["10"]["instant"]["raters"] == 25


@pytest.mark.parametrize("source", ["leave-one-out", "shipped", "flat"])
def test_the_population_prior_of_a_rater_excludes_their_own_ratings(like_minded, source):
    """For photos that only this rater rated, the prior must equal that of unrated photos."""
    own = RaterRatings(np.arange(200), np.linspace(1, 5, 200), "alone")
    others = [RaterRatings(one.photos % 100, one.ratings, one.rater) for one in like_minded.raters[:25]]
    subject = replace(like_minded, raters=[own, *others], shipped=Hyperprior.flat())
    teachers, tested = evaluate.split(subject.raters, None, EvaluationProtocol(hyperprior=source))
    assert 0 in teachers
    assert 0 in tested
    prior = evaluate.population_priors(subject, teachers, lambda _: (subject.catalogue, Hyperprior.flat()))(0)
    assert prior.rater_count == 25
    assert not prior.factors[100:].any()
    np.testing.assert_allclose(prior.mean[100:], like_minded.catalogue.features[100:, 1:] @ prior.weights)


def test_the_test_raters_of_a_dataset_are_not_in_the_population_prior(like_minded):
    subject = replace(like_minded, tested=frozenset({"c0", "c1"}))
    teachers, tested = evaluate.split(subject.raters, subject.tested, EvaluationProtocol())
    priors = evaluate.population_priors(subject, teachers, lambda _: (subject.catalogue, Hyperprior.flat()))
    assert priors(tested[0]) is priors(tested[1])
    assert priors(tested[0]).rater_count == 48


def test_too_few_raters_for_a_population_prior_are_refused_with_the_method(planted):
    with pytest.raises(TooFewRatings, match=r"instant\+others learns from at least 20 other raters .* there are 8\."):
        run(planted, shots=(10,), repeats=1, methods=(OTHERS,))


def test_results_with_the_population_prior_are_kept_and_tabulated(like_minded, tmp_path, monkeypatch):
    protocol = EvaluationProtocol(shots=(10,), repeats=1, methods=("generic", OTHERS))
    whole = evaluate.evaluate(like_minded, protocol, KeptResults(tmp_path, "one"))
    monkeypatch.setattr(population_prior, "learn", None)
    again = evaluate.evaluate(like_minded, protocol, KeptResults(tmp_path, "one"))
    assert again["srocc"] == whole["srocc"]
    assert evaluation_tables.in_full(again).count(f"| {OTHERS} |") == 4


def test_fine_tuning_learns_and_records_its_settings(tmp_path):
    rows = []
    for n in range(30):  # bright photos score high
        path = tmp_path / "oasis/images" / f"p{n}.png"
        make_photo(path, n)
        Image.open(path).point(lambda value, n=n: value * n // 30).save(path)
        rows.append({"image": path.name, "split": "personal" if n % 5 == 0 else "bank", "beauty_mean": 1 + n / 5})
    write_table(tmp_path / "oasis/scores.csv", rows)
    reports = []
    trained = train.fine_tune(
        "oasis-beauty", tmp_path, "efficientnet_lite0", recipes.Recipe(epochs=3, batch=8), lambda *report: reports.append(report)
    )
    assert trained.record["test_srocc"] > 0.5
    assert trained.record["photos"] == {"train": 22, "validation": 2, "test": 6}
    assert trained.record["recipe"]["seed"] == 0
    assert trained.record["licence"] == datasets.find("oasis-beauty").licence
    assert trained.record["pav_version"] == personalize.__version__
    assert reports[-1][1] == reports[-1][2]
