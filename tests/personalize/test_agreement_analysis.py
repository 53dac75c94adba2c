"""The whole analysis: intervals, what is not estimable and why, bad data, JSON, report, command."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from jaxtyping import config

from personalize.agreement import markdown_report, reml, summary
from personalize.agreement.analysis import KEYS, Agreement, analyse
from personalize.agreement.definitions import DEFINITIONS
from personalize.agreement.resampling import DAMPING, BootstrapPlan, bootstrap, draw, interval, student_975
from personalize.agreement.statistic import Statistic
from personalize.agreement.variance_ratios import beholder_indices
from personalize.errors import BadOption, TooFewRatings
from tests.personalize.planted_ratings import VARIANCES, planted, table

QUICK = BootstrapPlan(40, 1)
NAN = np.nan
TOTAL = sum(VARIANCES.values())
TRUE_SHARES = {f"share_{part}": value / TOTAL for part, value in VARIANCES.items()}


@pytest.fixture
def without_shape_checks():
    """No checks of array shapes: other tests have them on every function, and here they take two thirds of the time."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


def coverage_of(ratings_of, truth: dict[str, float], seeds: int, draws: int) -> dict[str, int]:
    """In how many of the seeds the interval of each statistic contains the truth."""
    held = dict.fromkeys(truth, 0)
    for seed in range(seeds):
        found = analyse(ratings_of(seed), BootstrapPlan(draws, seed))
        for key, value in truth.items():
            one = found.of(key)
            held[key] += one.low <= value <= one.high
    return held


@pytest.mark.usefixtures("without_shape_checks")
def test_intervals_contain_planted_components_and_what_follows_from_them():
    """20 seeds; `./pav bench agreement --coverage 400` measures the coverage itself."""
    modified = VARIANCES["rater"] + VARIANCES["rater_photo"] + VARIANCES["block_rater"]
    truth = TRUE_SHARES | {
        "icc_a1": VARIANCES["photo"] / TOTAL,
        "beholder_1": VARIANCES["rater_photo"] / (VARIANCES["rater_photo"] + VARIANCES["photo"]),
        "beholder_repeatable": modified / (TOTAL - VARIANCES["residual"]),
        "ceiling_personal": math.sqrt(1.8 / 2.45),
    }
    held = coverage_of(lambda seed: planted(seed, photos=40), truth, seeds=20, draws=40)
    assert min(held.values()) >= 16
    assert sum(held.values()) >= 0.9 * 20 * len(truth)


def whole(seed: int = 0) -> Agreement:
    return analyse(planted(seed), QUICK)


@pytest.fixture(scope="module")
def result() -> Agreement:
    return whole()


def test_every_statistic_has_a_definition_and_a_place_in_the_result(result):
    assert [one.key for one in result.statistics] == list(KEYS)
    assert set(KEYS) <= set(DEFINITIONS)


def test_each_known_statistic_has_an_interval_and_what_it_rests_on(result):
    known = [one for one in result.statistics if one.value is not None]
    assert len(known) > 20
    for one in known:
        assert one.low <= one.value <= one.high
        assert one.interval.startswith("percentiles")
        assert min(one.raters, one.photos, one.ratings) > 0


def test_shares_of_the_variance_add_up_to_one(result):
    assert sum(one.value for one in result.statistics if one.key.startswith("share_")) == pytest.approx(1, abs=1e-4)


def test_the_same_seed_gives_the_same_result(result):
    assert whole().as_json() == result.as_json()


def test_the_result_is_plain_json_with_its_seed(result):
    facts = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert facts["bootstrap"] == {"draws": 40, "seed": 1}
    assert facts["counts"] == {"raters": 40, "photos": 60, "ratings": len(planted(0))}
    assert len(facts["photos"]["mean"]) == len(facts["photos"]["name"]) == 60
    assert len(facts["raters"]["retest"]) == 40
    assert np.sum(facts["distribution"]["by_photo"]) == len(planted(0))


def test_a_larger_scale_changes_no_statistic(result):
    """Not one of them has the unit of the scale."""
    ratings = planted(0)
    wider = analyse(replace(ratings, score=10 * ratings.score + 50), QUICK)
    for one, other in zip(result.statistics, wider.statistics, strict=True):
        assert other.value == (None if one.value is None else pytest.approx(one.value, abs=2e-3)), one.key


def test_a_category_is_analysed_on_its_own():
    ratings = planted(0)
    halves = replace(ratings, category=(ratings.photo >= 30).astype(np.int64), categories=["first", "second"])
    found = analyse(halves, QUICK).by_category
    alone = analyse(ratings.only(ratings.photo < 30), QUICK)
    assert list(found) == ["first", "second"]
    assert found["first"].of("alpha_interval") == alone.of("alpha_interval")


def reasons(scores: np.ndarray) -> dict[str, str]:
    return {one.key: one.reason for one in analyse(table(scores), QUICK).statistics if one.value is None}


def test_without_repeats_private_taste_and_noise_are_not_told_apart():
    found = analyse(planted(0, blocks=1), QUICK)
    for key in ("share_rater_photo", "beholder_1", "ceiling_personal", "retest", "share_block"):
        assert found.of(key).reason == "no rater rated a photo twice, so private taste and noise cannot be told apart"
    assert found.of("share_residual").note.startswith("private taste and noise together")
    assert found.of("ceiling_generic").value is not None


def test_one_rater_alone():
    missing = reasons(np.arange(12.0)[None, :])
    assert missing["alpha_interval"] == missing["share_photo"] == missing["split_half_raters"] == "there is one rater only"
    assert set(missing) == set(KEYS)


def test_raters_with_no_photo_in_common():
    scores = np.full((2, 20), NAN)
    scores[0, :10], scores[1, 10:] = np.random.default_rng(0).normal(size=(2, 10))
    missing = reasons(scores)
    assert set(missing.values()) >= {"no two raters rated the same photo"}
    assert missing["mean_minus_one_pearson"] == "no two raters rated the same photo"


def test_all_ratings_equal():
    missing = reasons(np.full((5, 20), 3.0))
    assert missing["alpha_ordinal"] == missing["icc_a1"] == missing["pairwise_pearson"] == "all ratings are equal"


def test_a_rater_with_one_rating_counts_where_one_rating_tells_something():
    scores = np.random.default_rng(0).normal(size=(8, 30)) + np.arange(30) / 8
    lonely = np.full((1, 30), NAN)
    lonely[0, 3] = 1.0
    found = analyse(table(np.vstack([scores, lonely])), QUICK)
    assert found.of("alpha_interval").raters == 9
    assert np.isnan(found.raters.mean_minus_one_pearson[-1])
    assert math.isfinite(found.of("mean_minus_one_pearson").value)


def test_two_raters_have_estimates_and_no_interval():
    scores = np.random.default_rng(0).normal(size=(2, 30)) + np.arange(30) / 5
    one = analyse(table(scores), QUICK).of("alpha_interval")
    assert (one.low, one.high) == (None, None)
    assert "too few raters or photos for an interval" in one.note


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("first", range(0, 40, 8))
def test_no_small_or_odd_design_breaks_the_analysis(first):
    """Designs of at most five raters with gaps, constant raters, missing times: every statistic is known or has a reason."""
    for seed in range(first, first + 8):
        rng = np.random.default_rng(seed)
        scores = rng.integers(1, 4, (rng.integers(1, 6), rng.integers(1, 25), rng.integers(1, 4))).astype(float)
        scores[0] = scores[0, 0, 0] if rng.random() < 0.3 else scores[0]
        scores[rng.random(scores.shape) < rng.choice([0, 0.3, 0.7])] = NAN
        ratings = table(scores if scores.shape[2] > 1 else scores[:, :, 0])
        if not len(ratings):
            continue
        trial, seconds = rng.permutation(len(ratings)).astype(float), np.where(rng.random(len(ratings)) < 0.5, NAN, 1.0)
        found = analyse(replace(ratings, trial=trial, seconds=seconds), BootstrapPlan(20, seed))
        json.dumps(found.as_json(), allow_nan=False)
        assert summary.page(found)
        for one in found.statistics:
            assert one.reason if one.value is None else one.low is None or one.low <= one.value <= one.high, one


def test_no_ratings_at_all_are_refused():
    with pytest.raises(TooFewRatings):
        analyse(table(np.full((2, 2), NAN)), QUICK)


def test_a_model_that_is_too_large_for_reml_has_moment_estimates_and_says_so(monkeypatch):
    monkeypatch.setattr(reml, "MOST_UNKNOWNS", 10)
    found = whole()
    assert found.reml is None
    assert found.of("share_photo").note == "moment estimate: the model has too many effects for REML"
    assert found.of("share_photo").value == pytest.approx(
        whole().moments["photo"] / sum(max(x, 0) for x in whole().moments.values()), rel=1e-4
    )


def test_beholder_indices_by_hand():
    found = beholder_indices({"photo": 2.0, "rater": 1.0, "rater_photo": 6.0, "block_rater": 1.0, "residual": 10.0})
    assert found == {"beholder_1": 6 / 8, "beholder_2": 7 / 9, "beholder_total": 8 / 20, "beholder_repeatable": 8 / 10}


def test_intervals_cover_the_mean_of_few_units():
    held = 0
    for seed in range(100):
        values = np.random.default_rng(seed).normal(size=10)
        draws = np.array([draw(10, 1, seed, number).raters @ values / 10 for number in range(100)])
        low, high = interval(float(values.mean()), draws, 10)
        held += low <= 0 <= high
    assert 89 <= held <= 100


def test_an_interval_of_a_correlation_is_around_it_on_the_scale_of_fishers_z():
    draws = np.tanh(0.2 + 0.1 * DAMPING * np.random.default_rng(0).normal(size=4000))
    low, high = interval(0.6, draws, 1000, "fisher")
    assert np.arctanh([low, high]) == pytest.approx(np.arctanh(0.6) + np.array([-0.196, 0.196]), abs=0.01)


def test_an_interval_of_a_share_is_within_0_and_1():
    spread = DAMPING * np.random.default_rng(0).normal(size=4000)
    low, high = interval(0.9, 1 / (1 + np.exp(-2 - spread)), 1000, "logit")
    assert np.log([low / (1 - low), high / (1 - high)]) == pytest.approx(np.log(9) + np.array([-1.96, 1.96]), abs=0.15)
    low, high = interval(0.0, np.maximum(0.01 * spread, 0), 1000, "logit")
    assert low == 0
    assert 0.005 < high < 0.03


def test_an_interval_needs_draws_that_give_a_number():
    draws = np.where(np.arange(100) < 20, NAN, 1.0)
    assert interval(1.0, draws, 50) is None
    assert interval(NAN, np.ones(100), 50) is None
    assert interval(1.0, np.ones(100), 2) is None


def test_a_draw_depends_on_its_number_and_the_seed_alone():
    assert draw(5, 6, 0, 3).raters.tolist() == draw(5, 6, 0, 3).raters.tolist()
    assert draw(50, 6, 0, 3).raters.tolist() != draw(50, 6, 1, 3).raters.tolist()
    assert draw(5, 6, 0, 3).raters.sum() == 5
    assert draw(50, 6, 0, 3).raters.min() == 1 - DAMPING  # every rater takes part


def test_progress_of_the_bootstrap_is_told():
    told = []
    bootstrap(lambda _: {"x": 1.0}, 3, 3, BootstrapPlan(20, 0), lambda *facts: told.append(facts))
    assert told[-1] == ("resampling", 20, 20)


def test_too_few_draws_are_refused():
    with pytest.raises(BadOption, match="draws is 5: it must be at least 20"):
        BootstrapPlan(5)


@pytest.mark.parametrize(("degrees", "expected"), [(1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228), (100, 1.984)])
def test_quantiles_of_student_are_those_of_the_tables(degrees, expected):
    assert student_975(degrees) == pytest.approx(expected, abs=2e-3)


def test_the_page_says_what_is_shared_private_and_noise(result):
    page = summary.page(result)
    assert "40 raters rated 60 photos, some of them several times" in page
    assert "is shared taste" in page
    assert "is each rater's own taste" in page
    assert "Not estimable, because the order of the trials is unknown: Serial dependence" in page


def test_numbers_are_printed_as_people_read_them():
    assert summary.with_interval(Statistic("share_photo", 0.31234, 0.2, 0.4)) == "31.2 % (20.0 to 40.0)"
    assert summary.with_interval(Statistic("retest", 0.71, 0.6, 0.8)) == "0.710 (0.600 to 0.800)"
    assert summary.with_interval(Statistic("retest", None)) == "not estimable"


def test_the_report_has_a_methods_paragraph_with_the_seed(result):
    text = markdown_report.report(result, "x.csv")
    assert "restricted maximum likelihood" in text
    assert "40 bootstrap draws, seed 1." in text
    assert all(DEFINITIONS[key].name in text for key in KEYS)


@pytest.fixture
def ratings_csv(tmp_path):
    ratings, path = planted(0, raters=12, photos=20), tmp_path / "ratings.csv"
    lines = zip(ratings.rater, ratings.photo, ratings.block, ratings.score, strict=True)
    kind = ["scene", "face"]
    path.write_text(
        "rater,image,block,kind,trial,seconds,score\n"
        + "".join(f"{r},{p},{b},{kind[p % 2]},{n},1,{s}\n" for n, (r, p, b, s) in enumerate(lines))
    )
    return path


def test_the_command_prints_the_page_and_writes_all_files(ratings_csv, tmp_path, capsys):
    call_command("agreement", str(ratings_csv), "--out", str(tmp_path / "out"), "--draws", "20", "--seed", "3")
    printed = capsys.readouterr().out
    assert "12 raters rated 20 photos" in printed
    assert "By category:" in printed
    names = {path.name for path in (tmp_path / "out").iterdir()}
    pictures = {f"{name}.{ending}" for name in ("variance-shares", "photos", "raters", "response-times") for ending in ("png", "svg")}
    assert names == {"agreement.json", "report.md", "photos.csv", "raters.csv"} | pictures
    facts = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert (facts["format"], facts["table"], facts["bootstrap"]["seed"]) == ("pav-agreement-1", "ratings.csv", 3)
    assert set(facts["categories"]) == {"face", "scene"}
    assert "(variance-shares.svg)" in (tmp_path / "out" / "report.md").read_text()
    assert (tmp_path / "out" / "photos.csv").read_text().startswith("name,raters,mean,low,high,deviation\n")


def test_the_command_analyses_pairs(tmp_path, capsys):
    path = tmp_path / "pairs.csv"
    rng = np.random.default_rng(0)
    rows = [
        f"r{number % 5},{a},{b},{'left' if rng.random() < 0.7 else 'right'}\n"
        for number in range(60)
        for a, b in [rng.choice(6, 2, replace=False)]
    ]
    path.write_text("rater,left,right,chosen\n" + "".join(rows))
    call_command("agreement", str(path), "--out", str(tmp_path / "out"), "--draws", "20")
    assert "5 raters chose between 6 photos in 60 pairs." in capsys.readouterr().out
    assert {"agreement.json", "report.md", "photos.csv", "strengths.svg"} <= {file.name for file in (tmp_path / "out").iterdir()}


def test_the_command_refuses_nonsense_in_one_sentence(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("rater,image,score\nann,a,good\n")
    with pytest.raises(CommandError, match="line 2, column score: 'good' is not a number"):
        call_command("agreement", str(path))
    with pytest.raises(CommandError, match="is not a file"):
        call_command("agreement", str(tmp_path / "none.csv"))


def test_without_matplotlib_the_command_writes_all_but_plots(ratings_csv, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("personalize.management.commands.agreement.find_spec", lambda name: None)
    call_command("agreement", str(ratings_csv), "--out", str(tmp_path / "out"), "--draws", "20")
    assert "There will be no plots" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"agreement.json", "report.md", "photos.csv", "raters.csv"}
