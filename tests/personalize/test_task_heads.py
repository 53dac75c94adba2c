"""Task heads: planted directions are found, and a ridge regression written out gives the same weights."""

import numpy as np
import pytest

from personalize.numerics import task_heads
from personalize.numerics.metrics import srocc
from personalize.numerics.raw_features import DEVIATION, MEAN, Group, RawLayout, Statistic
from personalize.numerics.task_heads import CENTRED, EMBEDDINGS, STRENGTH, ScoredPhotos

LAYOUT = RawLayout((Group("merged", 20, "length"), Group("plain", 30, "length"), Group("late", 10, "columns")))
PLAIN = slice(20, 50)


def photos(count, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(count, LAYOUT.width)).astype(np.float32)
    raw[:, PLAIN] = raw[:, PLAIN] / np.linalg.norm(raw[:, PLAIN], axis=1, keepdims=True) + shift
    return raw


def scored(name, count, seed, taste, pooled=True, noise=0.1, shift=0.0):
    raw = photos(count, seed, shift)
    truth = raw[:, PLAIN] @ taste
    return ScoredPhotos(name, raw, truth + noise * truth.std() * np.random.default_rng(seed + 1).normal(size=count), pooled)


def lengths(layout, raw):
    """Mean square length of each group as a head sees it."""
    seen = (raw - raw.mean(axis=0)) * task_heads.scale_of(layout, raw.astype(np.float64).var(axis=0))
    return [float((seen[:, place] ** 2).sum(axis=1).mean()) for _, place in layout.slices()]


@pytest.fixture
def taste():
    return np.random.default_rng(10).normal(size=30)


def test_a_planted_head_is_found(taste):
    heads = task_heads.learn([scored("beauty", 300, 0, taste)], LAYOUT)
    raw = photos(200, 5)
    assert heads.names == ("generic", "pooled", "beauty", "merged-network")
    assert srocc(raw @ heads.weights[:, 2], raw[:, PLAIN] @ taste) > 0.95


@pytest.mark.parametrize("count", [30, 200])  # fewer and more photos than raw features
def test_a_head_is_the_ridge_regression_written_out(taste, count):
    one, two = scored("one", count, 0, taste), scored("two", count, 20, taste, shift=0.3)
    raw = np.concatenate([one.raw, two.raw]).astype(np.float64)
    scale = task_heads.scale_of(LAYOUT, raw.var(axis=0))
    x = (raw - raw.mean(axis=0)) * scale
    x[:count] -= CENTRED * x[:count].mean(axis=0)
    x[count:] -= CENTRED * x[count:].mean(axis=0)
    y = np.concatenate([(each.scores - each.scores.mean()) / each.scores.std() for each in (one, two)])
    expected = scale * np.linalg.solve(x.T @ x + STRENGTH * np.eye(LAYOUT.width), x.T @ y)
    np.testing.assert_allclose(task_heads.learn([one, two], LAYOUT).weights[:, 0], expected, atol=1e-6)


def test_the_network_that_was_tuned_on_the_datasets_gets_no_weight_but_a_head_of_its_own(taste):
    weights = task_heads.learn([scored("beauty", 100, 0, taste)], LAYOUT).weights
    assert not weights[:20, :3].any()
    assert not weights[-1, :3].any()
    np.testing.assert_array_equal(weights[:, 3], np.eye(LAYOUT.width)[-1])


def test_the_generic_score_starts_as_the_head_pooled_over_the_datasets_that_ask_how_much_people_like_a_photo(taste):
    liked, also_liked = scored("beauty", 60, 0, taste), scored("houses", 60, 20, taste)
    complexity = scored("complexity", 60, 40, -taste, pooled=False)
    heads = task_heads.learn([liked, complexity, also_liked], LAYOUT)
    assert heads.names == ("generic", "pooled", "beauty", "complexity", "houses", "merged-network")
    np.testing.assert_array_equal(heads.weights[:, 0], heads.weights[:, 1])
    np.testing.assert_array_equal(heads.weights[:, 0], task_heads.learn([liked, also_liked], LAYOUT).weights[:, 0])
    raw = photos(400, 5)
    pooled, alone = (srocc(raw @ weights, raw[:, PLAIN] @ taste) for weights in heads.weights.T[1:3])
    assert pooled > alone


def test_with_one_pooled_dataset_its_head_is_the_generic_score(taste):
    heads = task_heads.learn([scored("beauty", 60, 0, taste), scored("complexity", 60, 40, taste, pooled=False)], LAYOUT)
    np.testing.assert_array_equal(heads.weights[:, 0], heads.weights[:, 2])


def test_the_unit_of_a_dataset_does_not_matter(taste):
    one = scored("beauty", 60, 0, taste)
    other = ScoredPhotos("beauty", one.raw, 100 * one.scores - 7, True)
    np.testing.assert_allclose(task_heads.learn([other], LAYOUT).weights, task_heads.learn([one], LAYOUT).weights, atol=1e-9)


def test_scores_that_are_all_equal_give_a_head_of_zeros():
    heads = task_heads.learn([ScoredPhotos("flat", photos(30, 0), np.full(30, 4.0), True)], LAYOUT)
    assert not heads.weights[:, :3].any()


@pytest.mark.parametrize("datasets", [[], ["complexity"]])
def test_without_a_pooled_dataset_the_generic_score_is_that_of_the_merged_network(taste, datasets):
    heads = task_heads.learn([scored(name, 60, 0, taste, pooled=False) for name in datasets], LAYOUT)
    assert heads.names == ("generic", "merged-network", *datasets)
    for place in (0, 1):
        np.testing.assert_array_equal(heads.weights[:, place], np.eye(LAYOUT.width)[-1])


def test_each_pooled_dataset_is_ranked_by_the_others(taste):
    liked, also_liked, opposed = scored("one", 200, 0, taste), scored("two", 200, 20, taste), scored("three", 200, 30, -taste)
    unpooled = scored("complexity", 100, 40, taste, pooled=False)
    found = task_heads.left_out([liked, also_liked, opposed, unpooled], LAYOUT)
    assert found.keys() == {"one", "two", "three"}
    others = task_heads.learn([also_liked, opposed], LAYOUT).weights[:, 0]
    assert found["one"] == pytest.approx(srocc(liked.raw @ others, liked.scores), abs=1e-4)
    assert found["three"] < -0.8


def test_a_single_pooled_dataset_cannot_be_left_out(taste):
    assert task_heads.left_out([scored("one", 50, 0, taste)], LAYOUT) == {}


def test_groups_count_the_same_where_the_card_does_not_say_what_their_numbers_are():
    assert lengths(LAYOUT, photos(50, 0)) == pytest.approx([0, 0.5, 0.5], rel=1e-4)


def test_of_late_statistics_heads_use_the_means_of_the_last_two_stages():
    statistics = tuple(Statistic(stage, name, 2) for stage in (5, 6, 7) for name in (MEAN, DEVIATION))
    layout = RawLayout((Group("merged", 20, "length"), Group("plain", 28, "length"), Group("late", 12, "columns", statistics)))
    raw = photos(50, 0)
    assert lengths(layout, raw) == pytest.approx([0, EMBEDDINGS, 1 - EMBEDDINGS], rel=1e-4)
    of_late = task_heads.scale_of(layout, raw.astype(np.float64).var(axis=0))[48:60] > 0
    np.testing.assert_array_equal(of_late, [False] * 4 + [True, True, False, False] * 2)


def test_without_embeddings_the_means_are_all(taste):
    layout = RawLayout((Group("late", 60, "columns", (Statistic(7, MEAN, 40), Statistic(7, DEVIATION, 20))),))
    assert lengths(layout, photos(50, 0)) == pytest.approx([1], rel=1e-4)
    assert task_heads.learn([scored("beauty", 50, 0, taste)], layout).weights[:40, 0].all()
