"""Projections of catalogues, compared with a singular value decomposition of the normalised groups in memory."""

from dataclasses import replace
from inspect import unwrap

import numpy as np
import pytest

from personalize.errors import BadProjection
from personalize.numerics import projection
from personalize.numerics.axis_products import AXES, SHARE
from personalize.numerics.metrics import srocc
from personalize.numerics.projection import FEATURES, CarryOver, Heads, Projection
from personalize.numerics.raw_features import Group, RawLayout

LAYOUT = RawLayout((Group("plain", 300, "length"), Group("late", 100, "columns")))
SMALL = RawLayout((Group("plain", 12, "length"), Group("late", 8, "columns")))  # fewer numbers than features


def catalogue(layout, photos, seed=0):
    """Raw features with a decaying spectrum; late statistics in units of their own."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(layout.width, layout.width)) * 0.9 ** np.arange(layout.width)[:, None]
    raw = rng.normal(size=(photos, layout.width)) @ mixing
    late = layout.groups[0].width
    raw[:, late:-1] *= rng.uniform(1, 50, layout.groups[1].width)
    return (raw + 3).astype(np.float32)


def in_batches(raw, size=64):
    return lambda: (raw[first : first + size] for first in range(0, len(raw), size))


def network_only(layout):
    """One head: the merged network's score."""
    return Heads(("generic",), np.eye(layout.width)[:, -1:])


def normalised(raw, layout):
    """The groups as the docstring of the module defines them, without the score."""
    parts = []
    for group, place in layout.slices():
        own = raw[:, place].astype(np.float64)
        own = own - own.mean(axis=0)
        if group.normalisation == "columns":
            own = own / own.std(axis=0)
        parts.append(own / np.sqrt((own**2).sum(axis=1).mean()))
    return np.concatenate(parts, axis=1) / np.sqrt(len(parts))


def with_products(raw, layout):
    """The normalised groups, and the products of two of their leading principal axes, with the shares of the length that they have."""
    groups = normalised(raw, layout)
    left, values, _ = np.linalg.svd(groups, full_matrices=False)
    places = (left * values)[:, :AXES]
    found = [a * b / np.linalg.norm(places, axis=1) for place, a in enumerate(places.T) for b in places.T[place + 1 :]]
    found = np.stack(found, axis=1) - np.mean(found, axis=1)
    found /= np.sqrt((found**2).sum(axis=1).mean())
    return np.concatenate([groups * np.sqrt(1 - SHARE), found * np.sqrt(SHARE)], axis=1)


class TestAxes:
    def test_the_leading_axes_are_those_of_a_singular_value_decomposition(self):
        raw = catalogue(LAYOUT, 500)
        features = projection.learn(in_batches(raw), LAYOUT, network_only(LAYOUT)).apply(raw)[:, 1:]
        left, values, _ = np.linalg.svd(with_products(raw, LAYOUT), full_matrices=False)
        for axis in range(20):
            expected = left[:, axis] * values[axis]
            assert abs(features[:, axis] @ expected) / (expected @ expected) == pytest.approx(1, abs=1e-3)
        assert (features**2).sum() == pytest.approx((values[:255] ** 2).sum(), rel=1e-3)

    def test_a_small_catalogue_keeps_all_inner_products(self):
        raw = catalogue(SMALL, 200)
        features = projection.learn(in_batches(raw), SMALL, network_only(SMALL)).apply(raw)[:, 1:]
        whole = with_products(raw, SMALL)  # of rank 199, which fits into 255
        np.testing.assert_allclose(features @ features.T, whole @ whole.T, atol=1e-4)
        assert (features**2).sum(axis=1).mean() == pytest.approx(1, abs=1e-3)
        assert not features[:, 199:].any()

    def test_photos_on_one_axis_have_no_products(self):
        raw = np.outer(np.random.default_rng(0).normal(size=30), np.arange(SMALL.width)).astype(np.float32)
        learned = projection.learn(in_batches(raw), SMALL, network_only(SMALL))
        features = learned.apply(raw)[:, 1:]
        assert (features[:, 0] ** 2).mean() == pytest.approx(1, abs=1e-3)
        assert np.abs(features[:, 1:]).max() < 1e-6
        assert learned.products is None

    def test_a_photo_in_the_middle_of_its_catalogue_has_finite_features(self):
        raw = catalogue(SMALL, 100)
        learned = projection.learn(in_batches(raw), SMALL, network_only(SMALL))
        assert np.isfinite(learned.apply(learned.centre[None])).all()

    def test_products_grow_as_a_photo_moves_away_not_as_its_square(self):
        raw = catalogue(SMALL, 100)
        learned = projection.learn(in_batches(raw), SMALL, network_only(SMALL))
        near, far = (learned.apply((learned.centre + times * (raw[:1] - learned.centre)).astype(np.float32)) for times in (10, 1000))
        np.testing.assert_allclose(far, 100 * near, atol=0.2 * np.abs(far).max())

    def test_groups_share_the_mean_square_length_equally(self):
        raw = catalogue(LAYOUT, 300)
        scale = projection.group_scale(LAYOUT, raw.astype(np.float64).var(axis=0), projection.equal_shares(LAYOUT))
        lengths = [float(((raw - raw.mean(axis=0))[:, place] * scale[place]).var(axis=0).sum()) for _, place in LAYOUT.slices()]
        np.testing.assert_allclose(lengths, [0.5, 0.5], rtol=1e-4)
        assert scale[-1] == 0  # the score is a direction, not part of an axis

    def test_shares_may_be_unequal_and_a_group_without_one_is_left_out(self):
        raw = catalogue(LAYOUT, 300)
        variance = raw.astype(np.float64).var(axis=0)
        for shares in ({"plain": 0.2, "late": 0.8}, {"late": 1.0}):
            scale = projection.group_scale(LAYOUT, variance, shares)
            lengths = [float((variance[place] * scale[place] ** 2).sum()) for _, place in LAYOUT.slices()]
            np.testing.assert_allclose(lengths, [shares.get("plain", 0), shares["late"]], rtol=1e-6)

    def test_the_used_part_of_a_group_has_its_whole_share(self):
        variance = catalogue(LAYOUT, 300).astype(np.float64).var(axis=0)
        used = np.arange(LAYOUT.width) < 350
        scale = projection.group_scale(LAYOUT, variance, {"late": 1.0}, used)
        assert not scale[350:].any()
        assert float((variance[300:350] * scale[300:350] ** 2).sum()) == pytest.approx(1)

    @pytest.mark.parametrize("photos", [250, 700])
    def test_axes_of_a_flat_spectrum_hold_as_much_as_those_of_a_singular_value_decomposition(self, photos):
        wide = RawLayout((Group("plain", 900, "length"), Group("late", 300, "columns")))
        raw = np.random.default_rng(3).normal(size=(photos, wide.width)).astype(np.float32)
        features = projection.learn(in_batches(raw), wide, network_only(wide)).apply(raw)[:, 1:]
        values = np.linalg.svd(with_products(raw, wide), compute_uv=False)
        assert (features**2).sum() == pytest.approx((values[:255] ** 2).sum(), rel=1e-3)

    def test_neither_batches_nor_the_seed_change_an_axis_or_its_sign(self):
        raw = catalogue(LAYOUT, 400)
        first = projection.learn(in_batches(raw), LAYOUT, network_only(LAYOUT)).apply(raw)
        for other in (
            projection.learn(in_batches(raw, 400), LAYOUT, network_only(LAYOUT)),
            projection.learn(in_batches(raw), LAYOUT, network_only(LAYOUT), seed=1),
        ):
            np.testing.assert_allclose(other.apply(raw)[:, :20], first[:, :20], atol=2e-3)

    def test_a_number_that_is_the_same_in_all_photos_takes_no_part(self):
        raw = catalogue(SMALL, 100)
        raw[:, 3] = 7
        learned = projection.learn(in_batches(raw), SMALL, network_only(SMALL))
        assert not learned.matrix[3].any()
        assert np.isfinite(learned.matrix).all()


class TestDirections:
    def test_each_direction_is_a_head_with_mean_zero_and_standard_deviation_one(self):
        raw = catalogue(LAYOUT, 300)
        weights = np.random.default_rng(1).normal(size=(LAYOUT.width, 3)) * [0.01, 1, 100]
        learned = projection.learn(in_batches(raw), LAYOUT, Heads(("generic", "beauty", "merged-network"), weights))
        assert learned.directions == ("generic", "beauty", "merged-network")
        found, expected = learned.apply(raw)[:, :3], raw.astype(np.float64) @ weights
        np.testing.assert_allclose(found, (expected - expected.mean(axis=0)) / expected.std(axis=0), atol=1e-3)

    def test_the_generic_score_may_be_a_mixture_of_the_heads(self):
        raw = catalogue(LAYOUT, 300)
        weights = np.random.default_rng(1).normal(size=(LAYOUT.width, 3)) * [1, 0.01, 100]
        heads, coefficients = Heads(("generic", "beauty", "merged-network"), weights), [0.2, 0.7]
        features = projection.learn(in_batches(raw), LAYOUT, heads, coefficients).apply(raw)
        mixed = features[:, 1:3] @ coefficients
        np.testing.assert_allclose(features[:, 0], mixed / mixed.std(), atol=2e-3)
        moved = projection.learn(in_batches(raw), LAYOUT, heads).with_generic([0.0, *coefficients], float(mixed.std()))
        np.testing.assert_allclose(moved.apply(raw), features, atol=2e-3)

    def test_a_head_that_does_not_vary_gives_zeros(self):
        raw = catalogue(SMALL, 50)
        learned = projection.learn(in_batches(raw), SMALL, Heads(("generic",), np.zeros((SMALL.width, 1))))
        assert not learned.apply(raw)[:, 0].any()

    def test_features_are_256_in_single_precision_however_many_heads_there_are(self):
        raw = catalogue(LAYOUT, 300)
        for heads in (1, 9):
            learned = projection.learn(in_batches(raw), LAYOUT, Heads(tuple(map(str, range(heads))), np.eye(LAYOUT.width)[:, :heads]))
            assert learned.apply(raw).shape == (300, FEATURES)
            assert learned.apply(raw).dtype == np.float32


class TestRefusals:
    @pytest.mark.parametrize("photos", [0, 3, 9])
    def test_too_few_photos_are_refused(self, photos):
        with pytest.raises(BadProjection, match=f"at least 10 photos; {photos} have raw features so far"):
            projection.learn(in_batches(catalogue(SMALL, 20)[:photos]), SMALL, network_only(SMALL))

    def test_photos_that_are_all_alike_are_refused(self):
        with pytest.raises(BadProjection, match="The 12 photos are all alike"):
            projection.learn(in_batches(np.repeat(catalogue(SMALL, 1), 12, axis=0)), SMALL, network_only(SMALL))

    def test_raw_vectors_of_another_length_are_refused(self):
        with pytest.raises(BadProjection, match="have 21 raw features here, but the projection takes 401"):
            projection.learn(in_batches(catalogue(SMALL, 20)), LAYOUT, network_only(LAYOUT))
        learned = projection.learn(in_batches(catalogue(SMALL, 20)), SMALL, network_only(SMALL))
        with pytest.raises(BadProjection, match="have 401 raw features here, but the projection takes 21"):
            unwrap(Projection.apply)(learned, catalogue(LAYOUT, 20))

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_raw_features_that_are_not_finite_are_refused(self, value):
        raw = catalogue(SMALL, 20)
        learned = projection.learn(in_batches(raw), SMALL, network_only(SMALL))
        raw[4, 2] = value
        with pytest.raises(BadProjection, match="photo 5 of 20 are not all finite"):
            projection.learn(in_batches(raw), SMALL, network_only(SMALL))
        with pytest.raises(BadProjection, match="photo 5 of 20 are not all finite"):
            learned.apply(raw)


class TestCarryOver:
    def carried(self, new, old):
        carry = CarryOver()
        for first in range(0, len(new), 50):
            carry.add(new[first : first + 50], old[first : first + 50])
        return carry.matrix()

    @pytest.mark.parametrize("layout", [SMALL, LAYOUT])
    def test_weights_carried_over_keep_the_order_of_the_photos(self, layout):
        raw = catalogue(layout, 300)
        old, new = (projection.learn(in_batches(part), layout, network_only(layout)).apply(raw) for part in (raw[:100], raw))
        for seed in range(3):
            weights = np.random.default_rng(seed).normal(size=FEATURES)
            assert srocc(new @ (self.carried(new, old) @ weights), old @ weights) > 0.99

    def test_weights_of_axes_alone_that_are_carried_over_keep_the_scores_of_the_photos(self):
        raw = catalogue(SMALL, 300)
        learned = (projection.learn(in_batches(part), SMALL, network_only(SMALL)) for part in (raw[:100], raw))
        old, new = (replace(one, products=None).apply(raw) for one in learned)
        weights = np.random.default_rng(2).normal(size=FEATURES)
        before, after = old @ weights, new @ (self.carried(new, old) @ weights)
        after += before.mean() - after.mean()  # another centre moves all scores alike, which changes no order
        np.testing.assert_allclose(after, before, atol=0.02 * before.std())

    def test_the_same_projection_keeps_the_weights_that_any_photo_sees(self):
        features = np.random.default_rng(3).normal(size=(400, FEATURES)).astype(np.float32)
        np.testing.assert_allclose(self.carried(features, features), np.eye(FEATURES), atol=1e-4)

    def test_without_photos_the_weights_are_zero(self):
        assert not CarryOver().matrix().any()
