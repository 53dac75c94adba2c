"""Exact and mended coefficient fits for one rater, on a small scorer."""

import numpy as np
import pytest
import torch

from personalize.networks import coefficient_fits, losses, task_vectors
from personalize.networks.coefficient_fits import CoefficientNetwork, NetworkShots
from personalize.numerics import metrics
from tests.personalize.kept_forms import factorise
from tests.personalize.small_network import TASKS, random_vectors, small_network


@pytest.fixture
def vectors():
    return random_vectors()


@pytest.fixture
def network(vectors):
    return small_network(vectors)


@pytest.fixture
def start(network):
    return torch.full((len(network.own), TASKS), 1 / TASKS)


@pytest.fixture
def shots(network):
    """Photos with the ratings of a rater whose coefficients are known."""
    photos = torch.randn(24, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    network.set(torch.randn(len(network.own), TASKS, generator=torch.Generator().manual_seed(3)))
    return NetworkShots(photos, network.score(photos).argsort().argsort().div(8, rounding_mode="floor") + 1.0)


@pytest.mark.parametrize("rank", [0, 4])
def test_the_gradient_matches_autograd_through_the_merge(network, vectors, start, shots, rank):
    if rank:
        factors = [factorise(vector, rank) for vector in vectors]
        vectors = [task_vectors.whole(vector) for vector in factors]
        network = CoefficientNetwork(network.model, network.base, factors)
    network.set(start)
    ours = network.gradient(losses.bradley_terry(network.model.score(shots.photos), shots.ratings))
    coefficients = start.clone().requires_grad_()
    merged = {
        name: value + sum(coefficients[row, t] * vectors[t][name] for t in range(TASKS))
        for row, (name, value) in enumerate(network.base.items())
    }
    through = torch.func.functional_call(network.model, merged, (shots.photos,)) @ network.model.levels
    (autograd,) = torch.autograd.grad(losses.bradley_terry(through, shots.ratings), coefficients)
    torch.testing.assert_close(ours, autograd, atol=1e-5, rtol=1e-4)


def test_one_hot_coefficients_give_the_model_of_that_task(network, vectors, shots):
    one = torch.zeros(len(network.own), TASKS)
    one[:, 1] = 1
    network.set(one)
    own = task_vectors.blocks(network.model)
    assert all(torch.allclose(own[name], network.base[name] + vectors[1][name], atol=1e-6) for name in own)


def test_the_published_start_weights_tasks_by_their_agreement_with_the_ratings(network, shots):
    start = coefficient_fits.softmax_start(network, shots)
    agreement = []
    for task in range(TASKS):
        network.set(torch.eye(TASKS)[task].repeat(len(network.own), 1))
        agreement.append(metrics.srocc(network.score(shots.photos).double().numpy(), shots.ratings.double().numpy()))
    expected = np.exp(10 * np.array(agreement))
    np.testing.assert_allclose(start[0], expected / expected.sum(), rtol=1e-4)
    assert (start == start[0]).all()


def test_equal_ratings_start_from_the_equal_mixture(network, shots):
    start = coefficient_fits.softmax_start(network, NetworkShots(shots.photos, torch.ones(24)))
    torch.testing.assert_close(start, torch.full_like(start, 1 / TASKS))


def test_the_mended_fit_lowers_the_loss_and_depends_on_the_seed_alone(network, shots):
    first = coefficient_fits.paper_mended(network, shots, seed=0, steps=30, batch=8)
    again = coefficient_fits.paper_mended(network, shots, seed=0, steps=30, batch=8)
    other = coefficient_fits.paper_mended(network, shots, seed=1, steps=30, batch=8)
    assert torch.equal(first.coefficients, again.coefficients)
    assert not torch.equal(first.coefficients, other.coefficients)
    assert first.loss < np.mean(first.losses[:5])
    assert first.image_passes == TASKS * 24 + 30 * 8 + 24


def test_an_exact_fit_has_a_lower_loss_than_the_mended_one_at_equal_image_passes(network, start, shots):
    ours = coefficient_fits.exact(network, shots, start, seed=0, strength=1e-6, trials=10)
    mended = coefficient_fits.paper_mended(network, shots, seed=0, steps=ours.image_passes // len(shots.ratings))
    assert ours.image_passes <= mended.image_passes
    assert ours.loss < mended.loss


def test_the_reported_loss_of_an_exact_fit_is_that_of_its_coefficients(network, start, shots):
    fitted = coefficient_fits.exact(network, shots, start, seed=0)
    network.set(fitted.coefficients)
    assert float(losses.bradley_terry(network.score(shots.photos), shots.ratings)) == pytest.approx(fitted.loss, abs=1e-5)
    assert fitted.loss < fitted.losses[0]


def test_strong_regularisation_keeps_an_exact_fit_at_its_start(network, start, shots):
    fitted = coefficient_fits.exact(network, shots, start, seed=0, strength=1e6)
    torch.testing.assert_close(fitted.coefficients, start, atol=1e-4, rtol=0)


def test_equal_ratings_keep_an_exact_fit_at_its_start(network, start, shots):
    fitted = coefficient_fits.exact(network, NetworkShots(shots.photos, torch.ones(24)), start, seed=0)
    torch.testing.assert_close(fitted.coefficients, start)


def test_repeated_fits_leave_no_hooks_in_the_network(network, start, shots):
    coefficient_fits.exact(network, shots, start, seed=0, trials=2)
    hooks = [len(layer._forward_hooks) + len(layer._forward_pre_hooks) for layer in network.model.modules()]
    coefficient_fits.exact(network, shots, start, seed=0, trials=2)
    assert hooks == [len(layer._forward_hooks) + len(layer._forward_pre_hooks) for layer in network.model.modules()]


def test_a_fit_leaves_dropout_off(network, start, shots):
    coefficient_fits.paper_mended(network, shots, seed=0, steps=2)
    coefficient_fits.exact(network, shots, start, seed=0, trials=2)
    assert not network.model.training
