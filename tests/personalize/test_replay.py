"""Replay of real ratings with acquisition rules: no leaks, reproducible results, and correct savings."""

import numpy as np
import pytest

from personalize.errors import TooFewRatings
from personalize.numerics import taste
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.ratings import RaterRatings
from personalize.research import replay
from personalize.research.acquisition_rules import RULES, Situation
from personalize.research.replay import ReplayProtocol


@pytest.fixture
def planted():
    """90 photos and 12 raters with individual tastes, who each rated 60 of them."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(90, 12)) / 3
    raters = []
    for number in range(12):
        photos = rng.choice(90, size=60, replace=False)
        raters.append(RaterRatings(photos, features[photos] @ rng.normal(size=12) + 0.3 * rng.normal(size=60), f"r{number}"))
    return features, raters


def protocol(**changes):
    return ReplayProtocol(**({"rules": ("random", "teach"), "photos": (5, 10), "repeats": 1} | changes))


def test_a_replay_gives_the_same_results_in_every_run(planted):
    assert replay.replay(*planted, protocol(seed=3)) == replay.replay(*planted, protocol(seed=3))


def test_rules_are_measured_on_either_half_of_the_raters(planted):
    for half in replay.HALVES:
        result = replay.replay(*planted, protocol(half=half))
        assert result["raters"] == 6
        assert set(result["rules"]["teach"]) == {"5", "10", "saving"}


def test_the_random_rule_does_not_differ_from_itself(planted):
    row = replay.replay(*planted, protocol(repeats=3))["rules"]["random"]
    assert row["10"]["minus_random"] == {"mean": 0, "low": 0, "high": 0}


def test_a_rule_never_sees_held_out_photos_or_ratings_of_undealt_photos(planted, monkeypatch):
    features, raters = planted
    fitted = []
    real = taste.fit
    monkeypatch.setattr(replay.taste, "fit", lambda x, ratings, prior: fitted.append(len(ratings)) or real(x, ratings, prior))
    seen: list[Situation] = []

    def spy(situation, count):
        assert fitted[-1] == len(situation.seen)  # the latest fit uses only ratings of dealt photos
        seen.append(situation)
        return [0]

    monkeypatch.setitem(RULES, "spy", spy)
    replay.replay(features, raters, protocol(rules=("random", "spy"), photos=(10,)))
    for first, last in zip(seen[::10], seen[9::10], strict=True):
        offered = set(first.left.tolist())
        assert len(offered) == 45  # 60 photos without the held-out quarter
        assert len(last.seen) == 9
        assert set(last.seen.tolist()) | set(last.left.tolist()) == offered


def test_ratings_of_held_out_photos_do_not_change_a_fit(planted):
    features, raters = planted
    rater = raters[0]
    order = np.random.default_rng([0, 1, 0]).permutation(60)  # as drawn for the first rater and repeat
    held_out = order[:15]
    changed = rater.ratings.copy()
    changed[held_out] = -changed[held_out]
    pool, prior = order[15:], Hyperprior.flat()
    dealt = [
        replay.deal(features, RaterRatings(rater.photos, ratings).at(pool), prior, RULES["teach"], [5, 20], 1, np.random.default_rng(0))
        for ratings in (rater.ratings, changed)
    ]
    np.testing.assert_array_equal(*dealt)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("hand", [1, 4])
def test_every_rule_deals_each_photo_of_the_pool_once(rule, hand, planted):
    features, raters = planted
    dealt = []

    def recorded_rule(situation, count):
        places = RULES[rule](situation, count)
        assert len(places) == min(count, len(situation.left))
        dealt.extend(situation.left[places].tolist())
        return places

    pool = raters[0].at(np.arange(12))
    weights = replay.deal(features, pool, Hyperprior.flat(), recorded_rule, [3, 12], hand, np.random.default_rng(0))
    assert sorted(dealt) == sorted(pool.photos.tolist())
    places = [pool.photos.tolist().index(photo) for photo in dealt]
    expected = taste.fit(features[dealt], pool.ratings[places], Hyperprior.flat()).weights
    np.testing.assert_allclose(weights[-1], expected)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.25, 2.0])
def test_the_saving_of_a_rule_as_good_as_k_times_the_random_photos_is_one_minus_one_over_k(factor):
    many = np.array([2, 3, 5, 8, 12, 18, 27, 40, 60, 90])
    counts = [5, 10, 20, 40]

    def curve(count):
        return 0.4 + 0.03 * np.log(count)

    assert replay.saving(many, curve(many), curve(factor * np.array(counts)), counts) == pytest.approx(1 - 1 / factor, abs=0.01)


def test_a_decrease_in_the_random_curve_is_smoothed_before_the_saving_is_computed():
    many = np.array([5, 10, 20, 40])
    assert replay.saving(many, np.array([0.40, 0.46, 0.44, 0.50]), np.array([0.45]), [15]) == pytest.approx(0, abs=0.01)
    level = replay.saving(many, np.array([0.40, 0.45, 0.45, 0.50]), np.array([0.46]), [15])
    assert replay.saving(many, np.array([0.40, 0.46, 0.44, 0.50]), np.array([0.46]), [15]) == pytest.approx(level)


def test_synthetic_ratings_replace_the_real_ones(planted):
    features, raters = planted
    alike = [RaterRatings(one.photos, np.ones(60), one.rater) for one in raters]
    with pytest.raises(TooFewRatings, match="rated alike"):
        replay.replay(features, alike, protocol())
    assert replay.replay(features, alike, protocol(planted=True))["raters"] == 6


def test_more_photos_than_a_rater_has_are_refused(planted):
    with pytest.raises(TooFewRatings, match="only 45 photos"):
        replay.replay(*planted, protocol(photos=(46,)))


def test_the_table_lists_every_rule(planted):
    table = replay.as_table(replay.replay(*planted, protocol()))
    assert "| random |" in table
    assert "| teach |" in table
    assert "| rule | 5 photos | 10 photos |" in table
