"""Dealing: the same facts give the same trials; runs, lags, squares and targets hold on random designs."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratings.studies import checks, dealing, orders
from ratings.studies.dealing import Assignment, Dealt
from ratings.studies.design import StudyFile
from ratings.studies.drawing_lots import Lots
from tests.studies.designs import design, hashes, written


def file_of(count: int = 12, categories: Any = (), **changes: Any) -> StudyFile:
    return checks.parse(written(design(hashes(count), categories, **changes)))


def arrivals(file: StudyFile, count: int) -> list[Assignment]:
    dealt: list[Dealt] = []
    for number in range(1, count + 1):
        dealt.append(Dealt(dealing.assign(file, number, dealt), counts=True))
    return [one.assignment for one in dealt]


def photos_in(trials: list[dealing.DealtTrial], block: str) -> list[int]:
    return [trial.photo for trial in trials if trial.block == block and trial.photo is not None]


def test_the_same_design_deals_the_same_trials_and_these_ones_for_ever():

    first, again = (dealing.deal(file_of(6), Assignment(3, "", 2)) for _time in range(2))
    assert first == again
    # An older study must deal the same orders in every later version.
    assert photos_in(dealing.deal(file_of(6), Assignment(1, "", 0)), "first") == [1, 5, 0, 3, 2, 4]


@settings(max_examples=60)
@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=30), st.integers(1, 4), st.integers(0, 9))
def test_runs_of_a_category_stay_short_wherever_that_is_possible(categories, longest, seed):
    order = Lots(seed).shuffled(range(len(categories)))
    counts = Counter(categories)
    possible = all(count <= longest * (len(categories) - count + 1) for count in counts.values())
    if not possible:
        with pytest.raises(orders.Impossible):
            orders.with_short_runs(order, categories, longest)
        return
    found = orders.with_short_runs(order, categories, longest)
    assert sorted(found) == list(range(len(categories)))
    assert orders.longest_run(found, categories) <= longest


@settings(max_examples=60)
@given(st.integers(2, 25), st.integers(1, 25), st.integers(1, 12), st.integers(0, 99))
def test_repeats_come_after_the_lag(count, lag, repeats, seed):
    order = list(range(count))
    if repeats > min(count, max(0, count - lag + 1)):
        with pytest.raises(orders.Impossible):
            orders.with_repeats(order, repeats, lag, [""] * count, None, Lots(seed))
        return
    found = orders.with_repeats(order, repeats, lag, [""] * count, None, Lots(seed))
    places: dict[int, list[int]] = {}
    for place, photo in enumerate(found):
        places.setdefault(photo, []).append(place)
    twice = [own for own in places.values() if len(own) == 2]
    assert len(found) == count + repeats
    assert len(twice) == repeats
    assert all(second - first >= lag for first, second in twice)


@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_a_williams_design_lets_each_photo_follow_each_other_equally_often(count):
    rows = [orders.williams(range(count), row) for row in range(orders.rows_of_williams(count))]
    pairs = Counter((before, after) for row in rows for before, after in pairwise(row))
    assert len(pairs) == count * (count - 1)
    assert len(set(pairs.values())) == 1
    assert all(sorted(row) == list(range(count)) for row in rows)
    for place in range(count):
        assert len(set(Counter(row[place] for row in rows).values())) == 1


def test_a_latin_square_shows_each_photo_once_at_each_position():
    file = file_of(5, trials__blocks=[{"name": "first", "order": "latin_square"}])
    rows = [photos_in(dealing.deal(file, one), "first") for one in arrivals(file, 5)]
    assert all(sorted(column) == [0, 1, 2, 3, 4] for column in zip(*rows, strict=True))


@settings(max_examples=25)
@given(st.integers(4, 20), st.integers(2, 12), st.integers(1, 25), st.integers(0, 99))
def test_photos_are_filled_evenly_toward_a_target(count, each, people, seed):
    each = min(each, count - 1)
    wanted = {"places": 100, "photos_each": each, "ratings_per_photo": 1}
    file = file_of(count, participants=wanted, seed=seed)
    counts = Counter(photo for one in arrivals(file, people) for photo in one.photos)
    per_photo = [counts[photo] for photo in range(count)]
    assert max(per_photo) - min(per_photo) <= 1


def test_conditions_are_filled_evenly_without_those_who_went_away():
    file = file_of(conditions=[{"name": "a"}, {"name": "b"}, {"name": "c"}])
    dealt: list[Dealt] = []
    for number in range(1, 31):
        one = dealing.assign(file, number, dealt)
        dealt.append(Dealt(one, counts=one.condition != "a" or number > 20))
    counts = Counter(one.assignment.condition for one in dealt if one.counts)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_released_photos_are_dealt_again_and_the_log_replays_it():
    file = file_of(8, participants={"places": 9, "photos_each": 4, "ratings_per_photo": 2}, conditions=[{"name": "a"}, {"name": "b"}])
    log: list[tuple[str, dict[str, Any]]] = []
    dealt: dict[int, Dealt] = {}
    for number in range(1, 10):
        one = dealing.assign(file, number, dealt.values())
        dealt[number] = Dealt(one, counts=True)
        log.append(("dealt", one.as_json()))
        if number in (2, 5):
            dealt[number] = Dealt(one, counts=False)
            log.append(("released", {"number": number}))
    assert dealing.replay(file, log) == [one.assignment for one in dealt.values()]
    without = dealing.replay(file, [entry for entry in log if entry[0] == "dealt"])
    assert without != [one.assignment for one in dealt.values()]


def test_the_chance_of_a_photo_is_what_happens_over_many_seeds():
    # Number 1 has photos with no ratings only by lot: 3 of 8. Of photo 0's chance for number 3, 2000 seeds are the oracle.
    wanted = {"places": 9, "photos_each": 3, "ratings_per_photo": 1}
    hits, before = 0, [Dealt(Assignment(1, "", 0, (0, 1, 2)), counts=True), Dealt(Assignment(2, "", 1, (2, 3, 4)), counts=True)]
    base = file_of(6, participants=wanted)
    for seed in range(2000):
        one = dealing.assign(base.model_copy(update={"seed": seed}), 3, before)
        hits += 0 in one.photos
        # Photo 5 has no rating: sure. Two of the four with one rating fill the rest.
        assert dealing.chance_of(base, one, before)[5] == 1
        if 0 in one.photos:
            assert dealing.chance_of(base, one, before)[0] == 0.5
    assert 0.46 < hits / 2000 < 0.54


def test_blocks_checks_breaks_and_practice_come_in_order():
    photos = hashes(6)
    file = file_of(
        6,
        practice=photos[:2],
        trials__checks=[{"text": "Choose 2.", "value": 2, "after": 3}],
        trials__break_every=3,
    )
    trials = dealing.deal(file, Assignment(1, "", 0))
    assert [trial.phase for trial in trials] == ["practice"] * 2 + ["main"] * 3 + ["check"] + ["main"] * 5
    assert [trial.place for trial in trials] == list(range(11))
    assert [trial.position for trial in trials[2:]] == list(range(1, 10))
    assert {trial.photo for trial in trials if trial.phase == "main"} == {2, 3, 4, 5}
    second = [trial for trial in trials if trial.block == "second"]
    assert second[0].break_before
    first_positions = {trial.photo: trial.position for trial in trials if trial.block == "first" and trial.photo is not None}
    assert all(trial.repeat_of == first_positions[trial.photo] for trial in second)


def test_orders_repeats_and_runs_of_a_design_are_dealt_as_it_says():
    blocks = [{"name": order, "order": order} for order in ("fixed", "williams", "latin_square", "random")]
    file = file_of(6, "aaabbb", trials__blocks=blocks, trials__repeats={"count": 2, "lag": 3})
    trials = dealing.deal(file, Assignment(4, "", 1))
    for block in ("fixed", "williams", "latin_square", "random"):
        own = [trial for trial in trials if trial.block == block]
        firsts = [trial.photo for trial in own if trial.dealt_by == block]
        repeats = [place for place, trial in enumerate(own) if trial.dealt_by == "random_repeat"]
        assert (sorted(firsts), len(repeats)) == ([0, 1, 2, 3, 4, 5], 2)
        assert all(place - photos_in(trials, block).index(own[place].photo) >= 3 for place in repeats)
        assert block != "fixed" or firsts == [0, 1, 2, 3, 4, 5]
    short = file_of(6, "aaabbb", trials__blocks=[{"name": "first"}], trials__longest_run=1)
    (order,) = {tuple(photos_in(dealing.deal(short, Assignment(4, "", 1)), "first"))}
    assert orders.longest_run(order, "aaabbb") == 1


def test_conditions_have_categories_and_instructions_of_their_own():
    conditions = [{"name": "a", "categories": ["a"], "instructions": "Look."}, {"name": "all"}]
    file = file_of(6, "aaabbb", conditions=conditions)
    assert set(photos_in(dealing.deal(file, Assignment(1, "a", 0)), "first")) == {0, 1, 2}
    assert set(photos_in(dealing.deal(file, Assignment(1, "all", 0)), "first")) == set(range(6))
    assert [file.of_condition(name).instructions.text for name in ("a", "all")] == ["Look.", "Trust your eyes."]


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 500))
def test_a_shuffle_is_a_permutation(seed, count):
    assert sorted(Lots(seed).shuffled(range(count))) == list(range(count))
