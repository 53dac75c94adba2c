"""Products of two axes, written out by hand."""

import numpy as np
import pytest

from personalize.numerics.axis_products import AxisProducts, pairs, products


def test_each_two_axes_give_one_product_over_the_length_of_the_place():
    # |(3, 4, 12)| = 13
    np.testing.assert_allclose(products(np.array([[3.0, 4.0, 12.0]])), [[12 / 13, 36 / 13, 48 / 13]])
    assert [place.tolist() for place in pairs(3)] == [[0, 0, 1], [1, 2, 2]]


def test_products_of_a_place_twice_as_far_are_twice_as_large():
    places = np.random.default_rng(0).normal(size=(5, 7))
    np.testing.assert_allclose(products(2 * places), 2 * products(places))


def test_the_middle_of_a_catalogue_has_products_of_zero():
    assert not products(np.zeros((2, 4))).any()


def test_one_axis_has_no_products():
    assert products(np.ones((3, 1))).shape == (3, 0)


def test_their_part_of_the_features_is_their_difference_from_the_mean_times_the_matrix():
    found = AxisProducts(np.eye(3)[:, :2], np.array([1.0]), np.array([[2.0, -1.0]])).features(np.array([[3.0, 4.0, 100.0]]))
    np.testing.assert_allclose(found, [[2 * (12 / 5 - 1), -(12 / 5 - 1)]])


@pytest.mark.parametrize("axes", [2, 64])
def test_there_are_as_many_products_as_pairs(axes):
    assert products(np.ones((1, axes))).shape == (1, axes * (axes - 1) // 2)
