"""Dealing real ratings again: nothing leaks, and a planted saving is found."""

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
    """90 photos and 12 people who each rated 60 of them, by tastes mostly their own."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(90, 12)) / 3
    raters = []
    for number in range(12):
        photos = rng.choice(90, size=60, replace=False)
        raters.append(RaterRatings(photos, features[photos] @ rng.normal(size=12) + 0.3 * rng.normal(size=60), f"r{number}"))
    return features, raters


def of(**changes):
    return ReplayProtocol(**({"rules": ("random", "teach"), "cards": (5, 10), "repeats": 1} | changes))


def test_a_replay_gives_the_same_numbers_in_every_run(planted):
    assert replay.replay(*planted, of(seed=3)) == replay.replay(*planted, of(seed=3))


def test_rules_are_measured_on_half_of_the_people_on_either_half(planted):
    for half in replay.HALVES:
        result = replay.replay(*planted, of(half=half))
        assert result["people"] == 6
        assert set(result["rules"]["teach"]) == {"5", "10", "saving"}


def test_random_dealing_saves_nothing_against_itself(planted):
    row = replay.replay(*planted, of(repeats=3))["rules"]["random"]
    assert row["10"]["minus_random"] == {"mean": 0, "low": 0, "high": 0}


def test_no_rule_ever_sees_a_set_aside_photo_or_a_rating_before_its_card_is_dealt(planted, monkeypatch):
    features, raters = planted
    fitted = []
    real = taste.fit
    monkeypatch.setattr(replay.taste, "fit", lambda x, ratings, prior: fitted.append(len(ratings)) or real(x, ratings, prior))
    seen: list[Situation] = []

    def spy(situation, count):
        assert fitted[-1] == len(situation.seen)  # the newest fit knows the answered cards alone
        seen.append(situation)
        return [0]

    monkeypatch.setitem(RULES, "spy", spy)
    replay.replay(features, raters, of(rules=("random", "spy"), cards=(10,)))
    for first, last in zip(seen[::10], seen[9::10], strict=True):
        offered = set(first.left.tolist())
        assert len(offered) == 45  # 60 photos less the quarter set aside
        assert len(last.seen) == 9
        assert set(last.seen.tolist()) | set(last.left.tolist()) == offered


def test_ratings_of_set_aside_photos_change_no_fit(planted):
    features, raters = planted
    rater = raters[0]
    order = np.random.default_rng([0, 1, 0]).permutation(60)  # as drawn for the first person and repeat
    aside = order[:15]
    changed = rater.ratings.copy()
    changed[aside] = -changed[aside]
    pool, prior = order[15:], Hyperprior.flat()
    dealt = [
        replay.deal(features, RaterRatings(rater.photos, ratings).at(pool), prior, RULES["teach"], [5, 20], 1, np.random.default_rng(0))
        for ratings in (rater.ratings, changed)
    ]
    np.testing.assert_array_equal(*dealt)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("hand", [1, 4])
def test_every_rule_deals_a_whole_pool_and_no_photo_twice(rule, hand, planted):
    features, raters = planted
    dealt = []

    def watched(situation, count):
        places = RULES[rule](situation, count)
        assert len(places) == min(count, len(situation.left))
        dealt.extend(situation.left[places].tolist())
        return places

    pool = raters[0].at(np.arange(12))
    weights = replay.deal(features, pool, Hyperprior.flat(), watched, [3, 12], hand, np.random.default_rng(0))
    assert sorted(dealt) == sorted(pool.photos.tolist())
    places = [pool.photos.tolist().index(photo) for photo in dealt]
    expected = taste.fit(features[dealt], pool.ratings[places], Hyperprior.flat()).weights
    np.testing.assert_allclose(weights[-1], expected)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.25, 2.0])
def test_a_rule_as_good_as_k_times_the_random_cards_saves_one_minus_one_by_k(factor):
    many = np.array([2, 3, 5, 8, 12, 18, 27, 40, 60, 90])
    cards = [5, 10, 20, 40]

    def curve(count):
        return 0.4 + 0.03 * np.log(count)

    assert replay.saving(many, curve(many), curve(factor * np.array(cards)), cards) == pytest.approx(1 - 1 / factor, abs=0.01)


def test_a_dent_in_the_random_curve_is_levelled_before_the_saving_is_read_off():
    many = np.array([5, 10, 20, 40])
    assert replay.saving(many, np.array([0.40, 0.46, 0.44, 0.50]), np.array([0.45]), [15]) == pytest.approx(0, abs=0.01)
    level = replay.saving(many, np.array([0.40, 0.45, 0.45, 0.50]), np.array([0.46]), [15])
    assert replay.saving(many, np.array([0.40, 0.46, 0.44, 0.50]), np.array([0.46]), [15]) == pytest.approx(level)


def test_planted_ratings_replace_the_real_ones(planted):
    features, raters = planted
    alike = [RaterRatings(one.photos, np.ones(60), one.rater) for one in raters]
    with pytest.raises(TooFewRatings, match="rated alike"):
        replay.replay(features, alike, of())
    assert replay.replay(features, alike, of(planted=True))["people"] == 6


def test_more_cards_than_somebody_has_photos_to_deal_are_refused(planted):
    with pytest.raises(TooFewRatings, match="only 45 photos"):
        replay.replay(*planted, of(cards=(46,)))


def test_a_table_names_every_rule(planted):
    table = replay.as_table(replay.replay(*planted, of()))
    assert "| random |" in table
    assert "| teach |" in table
    assert "| rule | 5 cards | 10 cards |" in table
