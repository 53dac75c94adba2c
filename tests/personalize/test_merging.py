"""Merging task vectors into a model, for every form in which a bank stores them."""

import pytest
import torch
from torch import nn

from personalize.errors import IncompatibleTaskVector
from personalize.networks import merging, task_vectors
from personalize.networks.scorer import Scorer
from tests.personalize.kept_forms import factorise, quantise


def small_scorer():
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 24, 3, stride=2), nn.SiLU(), nn.Conv2d(24, 24, 3, groups=24), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return Scorer(nn.Sequential(*layers), width=24).eval()


@pytest.fixture
def base():
    return task_vectors.copied_blocks(small_scorer())


@pytest.fixture
def vectors(base):
    draw = torch.Generator().manual_seed(1)
    return [{name: 0.1 * torch.randn(value.shape, generator=draw) for name, value in base.items()} for _ in range(3)]


@pytest.fixture
def coefficients(base):
    return torch.randn(len(base), 3, generator=torch.Generator().manual_seed(2))


FORMS = {
    "full": dict,
    "half": lambda vector: {name: value.half() for name, value in vector.items()},
    "factorised": lambda vector: factorise(vector, rank=4),
    "quantised": quantise,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_merging_into_a_model_equals_the_plain_sum(base, vectors, coefficients, form, layout):
    kept = [FORMS[form](vector) for vector in vectors]
    whole = [task_vectors.whole(vector) for vector in kept]
    model = small_scorer().to(memory_format=layout)
    merging.merge_into(model, base, kept, coefficients)
    for row, (name, value) in enumerate(task_vectors.blocks(model).items()):
        plain = base[name] + sum(coefficients[row, t] * whole[t][name] for t in range(3))
        torch.testing.assert_close(value.detach(), plain, atol=1e-5, rtol=0)


def test_merging_again_starts_from_the_base(base, vectors, coefficients):
    model = small_scorer()
    merging.merge_into(model, base, vectors, 5 * coefficients)
    merging.merge_into(model, base, vectors, torch.zeros_like(coefficients))
    assert all(torch.equal(value, base[name]) for name, value in task_vectors.blocks(model).items())


def test_blocks_of_a_merged_model_still_require_gradients(base, vectors, coefficients):
    model = small_scorer()
    merging.merge_into(model, base, vectors, coefficients)
    assert all(value.requires_grad and value.grad_fn is None for value in task_vectors.blocks(model).values())


def test_a_factorised_vector_of_another_shape_is_refused_before_the_merge(base, vectors, coefficients):
    kept = dict(factorise(vectors[0], rank=4))
    kept["head.0.weight"] = task_vectors.factors(torch.randn(512, 25), rank=4)
    model = small_scorer()
    with pytest.raises(IncompatibleTaskVector, match=r"head\.0\.weight has shape \(512, 25\), the base has \(512, 24\)"):
        merging.merge_into(model, base, [kept, *vectors[1:]], coefficients)
    assert all(torch.equal(value, base[name]) for name, value in task_vectors.blocks(model).items())


def test_a_quantised_row_differs_by_half_a_step_at_most():
    value = torch.randn(24, 40, generator=torch.Generator().manual_seed(4)) * torch.logspace(-6, 2, 24)[:, None]
    kept = task_vectors.quantised(value)
    step = value.abs().amax(dim=1, keepdim=True) / 127
    assert ((kept.whole() - value).abs() <= 0.5001 * step).all()


def test_a_row_of_zeros_stays_zero_when_quantised():
    assert torch.equal(task_vectors.quantised(torch.zeros(3, 4, 2)).whole(), torch.zeros(3, 4, 2))


@pytest.mark.parametrize("shape", [(24, 40), (40, 24)])
def test_factors_have_the_error_of_the_dropped_singular_values(shape):
    value = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    kept = task_vectors.factors(value, 5).whole()
    dropped = torch.linalg.svdvals(value)[5:]
    assert (value - kept).norm().item() == pytest.approx(dropped.square().sum().sqrt().item(), rel=1e-3)


def test_factors_of_a_matrix_of_lower_rank_are_finite():
    value = torch.outer(torch.arange(1.0, 31), torch.arange(1.0, 21))
    kept = task_vectors.factors(value, 6)
    assert torch.isfinite(kept.left).all()
    assert torch.isfinite(kept.right).all()
    torch.testing.assert_close(kept.whole(), value, atol=0.5, rtol=2e-3)
