"""Merging, factorising and tangents of task vectors, and losses, on a small scorer."""

import numpy as np
import pytest
import torch
from torch import nn

from personalize.errors import IncompatibleTaskVector
from personalize.networks import losses, merging, task_vectors
from personalize.networks.scorer import Scorer
from personalize.networks.tangents import Tangents
from tests.personalize.kept_forms import factorise


def small_scorer(seed):
    torch.manual_seed(seed)
    encoder = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Scorer(encoder, width=6, seed=seed).eval()


def merge(base, vectors, coefficients):
    model = small_scorer(1)
    merging.merge_into(model, base, vectors, coefficients)
    return task_vectors.copied_blocks(model)


@pytest.fixture
def base():
    return task_vectors.copied_blocks(small_scorer(0))


@pytest.fixture
def vectors(base):
    draw = torch.Generator().manual_seed(1)
    return [{name: 0.1 * torch.randn(value.shape, generator=draw) for name, value in base.items()} for _ in range(3)]


def test_merging_with_zero_coefficients_returns_the_base(base, vectors):
    merged = merge(base, vectors, torch.zeros(len(base), 3))
    assert all(torch.equal(merged[name], base[name]) for name in base)


def test_one_hot_coefficients_give_exactly_the_model_of_that_task(base, vectors):
    coefficients = torch.zeros(len(base), 3)
    coefficients[:, 1] = 1
    merged = merge(base, vectors, coefficients)
    assert all(torch.equal(merged[name], base[name] + vectors[1][name]) for name in base)


def test_the_merge_is_the_weighted_sum_for_any_coefficients(base, vectors):
    coefficients = torch.randn(len(base), 3, generator=torch.Generator().manual_seed(2))
    merged = merge(base, vectors, coefficients)
    for row, name in enumerate(base):
        plain = base[name] + sum(coefficients[row, t] * vectors[t][name] for t in range(3))
        torch.testing.assert_close(merged[name], plain, atol=1e-6, rtol=0)


def test_merging_changes_neither_base_nor_vectors(base, vectors):
    before = {name: value.clone() for name, value in base.items()}
    merge(base, vectors, torch.ones(len(base), 3))
    assert all(torch.equal(before[name], base[name]) for name in base)


def test_a_vector_of_another_shape_is_refused_with_the_name_of_its_block(base, vectors):
    vectors[2]["head.3.bias"] = torch.zeros(11)
    with pytest.raises(IncompatibleTaskVector, match=r"head\.3\.bias has shape \(11,\), the base has \(10,\)"):
        merge(base, vectors, torch.zeros(len(base), 3))


def test_a_vector_without_a_block_is_refused_with_the_name_of_the_block(base, vectors):
    del vectors[0]["encoder.0.weight"]
    with pytest.raises(IncompatibleTaskVector, match=r"encoder\.0\.weight of the base model is missing"):
        merge(base, vectors, torch.zeros(len(base), 3))


def test_tangents_agree_with_autograd_through_the_merge(base, vectors):
    photo = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    start = torch.full((len(base), 3), 1 / 3)
    model = small_scorer(0)
    merging.merge_into(model, base, vectors, start)
    scores, tangents, _ = Tangents(model, vectors).compute(photo)

    coefficients = start.clone().requires_grad_()
    merged = {name: base[name] + sum(coefficients[row, t] * vectors[t][name] for t in range(3)) for row, name in enumerate(base)}
    through = torch.func.functional_call(model, merged, (photo,)) @ model.levels
    (expected,) = torch.autograd.grad(through[0], coefficients)
    assert scores[0].item() == pytest.approx(through.item(), abs=1e-5)
    torch.testing.assert_close(tangents[0], expected, atol=1e-5, rtol=1e-4)


def test_factors_of_full_rank_lose_only_half_precision():
    value = torch.randn(24, 40, generator=torch.Generator().manual_seed(4))
    low_rank = value[:, :5] @ value[:5]
    kept = task_vectors.whole(factorise({"block": low_rank}, rank=5))["block"]
    torch.testing.assert_close(kept, low_rank, atol=0.02, rtol=0)


def test_factors_are_the_best_approximation_of_their_rank():
    value = torch.randn(24, 40, generator=torch.Generator().manual_seed(4))
    kept = task_vectors.whole(factorise({"block": value}, rank=5))["block"]
    rest = torch.linalg.svdvals(value)[5:]  # Eckart & Young: the error is what the dropped singular values hold
    assert (value - kept).norm().item() == pytest.approx(rest.square().sum().sqrt().item(), rel=1e-3)


def test_biases_and_depthwise_convolutions_are_not_factorised():
    vector = {"bias": torch.randn(30), "depthwise": torch.randn(32, 1, 3, 3)}
    kept = factorise(vector, rank=8)
    assert all(isinstance(value, torch.Tensor) and value.dtype == torch.float16 for value in kept.values())


def test_the_initial_head_depends_on_the_seed_alone_and_is_exact_in_half_precision():
    heads = []
    for global_seed in (1, 2):  # the global random state must not matter
        torch.manual_seed(global_seed)
        heads.append(Scorer(nn.Flatten(), width=6, seed=5).head[0].weight)
    one, other = heads
    assert torch.equal(one, other)
    assert torch.equal(one, one.half().float())


def test_the_bradley_terry_gradient_matches_the_derivation_by_hand():
    # ratings 3 > 1 > 0: three pairs, the loss is their mean.
    # dL/ds_i = (-sum over j below i of sigma(s_j - s_i) + sum over j above i of sigma(s_i - s_j)) / 3
    scores = torch.tensor([0.2, -0.1, 0.5], requires_grad=True)
    (gradient,) = torch.autograd.grad(losses.bradley_terry(scores, torch.tensor([3.0, 1.0, 0.0])), scores)

    def sigma(x):
        return 1 / (1 + np.exp(-x))

    by_hand = [
        (-sigma(-0.1 - 0.2) - sigma(0.5 - 0.2)) / 3,
        (-sigma(0.5 - -0.1) + sigma(-0.1 - 0.2)) / 3,
        (sigma(0.5 - 0.2) + sigma(0.5 - -0.1)) / 3,
    ]
    np.testing.assert_allclose(gradient.numpy(), by_hand, atol=1e-6)


def test_equal_ratings_have_no_rank_loss():
    assert losses.bradley_terry(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 2.0])).item() == 0


def test_the_earth_movers_distance_of_adjacent_levels_is_the_root_of_a_tenth():
    # All mass one level apart: the cumulative distributions differ by 1 at one of ten levels, root mean square = sqrt(1 / 10).
    one, other = torch.eye(10)[3:4], torch.eye(10)[4:5]
    assert losses.earth_movers_distance(one, other).item() == pytest.approx(0.1**0.5)


def test_a_mean_becomes_a_distribution_with_that_mean():
    distribution = losses.normal_distribution(torch.tensor([5.5, 4.0]), spread=1.0)
    torch.testing.assert_close(distribution.sum(dim=1), torch.ones(2))
    torch.testing.assert_close(distribution @ torch.arange(1.0, 11), torch.tensor([5.5, 4.0]), atol=1e-2, rtol=0)
