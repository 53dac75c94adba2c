"""Tangents of a batch of photos, compared with autograd one photo at a time."""

import pytest
import timm
import torch
from open_clip.transformer import VisionTransformer
from torch import nn

from personalize.errors import UnknownLayer
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from personalize.networks.tangents import Tangents
from tests.personalize.kept_forms import factorise

TASKS = 3


def one_by_one(model, vectors, photos):
    """The reference: one backward pass per photo, every weight gradient multiplied with every task vector."""
    blocks = task_vectors.blocks(model)
    found = []
    for photo in photos:
        embedding = model.encoder(photo[None])
        score = (model.distribution(embedding) @ model.levels)[0]
        gradients = torch.autograd.grad(score, list(blocks.values()))
        rows = [[(gradient * vector[name]).sum() for vector in vectors] for name, gradient in zip(blocks, gradients, strict=True)]
        found.append((score.detach(), torch.tensor(rows, dtype=score.dtype), embedding[0].detach()))
    return tuple(torch.stack(part) for part in zip(*found, strict=True))


def vision_transformer(**options):
    tower = VisionTransformer(image_size=48, patch_size=16, width=32, layers=2, heads=4, mlp_ratio=2.0, output_dim=24, **options)
    return Scorer(tower, 24)


def efficient_net():
    encoder = timm.create_model("efficientnet_lite0", num_classes=0)
    draw = torch.Generator().manual_seed(5)
    for layer in encoder.modules():
        if isinstance(layer, nn.BatchNorm2d):  # as after training: no scale, shift or statistic has its initial value
            layer.weight.data.uniform_(0.5, 1.5, generator=draw)
            layer.bias.data.normal_(std=0.3, generator=draw)
            layer.running_mean.normal_(std=0.1, generator=draw)
            layer.running_var.uniform_(0.5, 1.5, generator=draw)
    return Scorer(encoder, 1280)


def plain_convolutions():
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 8, 3, groups=8), nn.BatchNorm2d(8), nn.ReLU(inplace=True)
    return Scorer(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 8)


MODELS = {
    "vision transformer": (vision_transformer, 48),
    "vision transformer that pools all tokens": (lambda: vision_transformer(pool_type="avg", final_ln_after_pool=True), 48),
    "EfficientNet-Lite0": (efficient_net, 64),
    "convolutions with biases": (plain_convolutions, 20),
}


@pytest.fixture(params=MODELS)
def example(request):
    torch.manual_seed(0)
    build, side = MODELS[request.param]
    model = build().eval().double()
    vectors = [{name: 0.1 * torch.randn_like(value) for name, value in task_vectors.blocks(model).items()} for _ in range(TASKS)]
    vectors = [{name: value.detach() for name, value in vector.items()} for vector in vectors]
    return model, vectors, torch.randn(3, 3, side, side, dtype=torch.float64)


def test_tangents_of_a_batch_match_autograd_one_photo_at_a_time(example):
    model, vectors, photos = example
    for ours, autograd in zip(Tangents(model, vectors).compute(photos), one_by_one(model, vectors, photos), strict=True):
        torch.testing.assert_close(ours, autograd, atol=1e-10, rtol=1e-8)


def test_tangents_of_factorised_vectors_match_those_of_their_products(example):
    model, vectors, photos = example
    factors = [factorise(vector, 4) for vector in vectors]
    whole = [{name: value.double() for name, value in task_vectors.whole(vector).items()} for vector in factors]
    _, tangents, _ = Tangents(model, factors).compute(photos)
    _, autograd, _ = one_by_one(model, whole, photos)
    torch.testing.assert_close(tangents, autograd, atol=1e-5, rtol=1e-5)  # products of factors are in single precision


def test_tangents_in_single_precision_have_a_relative_error_below_one_in_ten_thousand(example):
    model, vectors, photos = example
    for layer in model.modules():
        if isinstance(getattr(layer, "act", None), nn.ReLU6):
            layer.act = nn.SiLU()  # near a kink of ReLU6, rounding changes the derivative in any computation
    model, photos = model.float(), photos.float()
    vectors = [{name: value.float() for name, value in vector.items()} for vector in vectors]
    _, tangents, _ = Tangents(model, vectors).compute(photos)
    _, autograd, _ = one_by_one(model, vectors, photos)
    assert (tangents - autograd).norm() < 1e-4 * autograd.norm()


def test_computing_tangents_does_not_change_the_model(example):
    model, vectors, photos = example
    before = model.score(photos)
    Tangents(model, vectors).compute(photos)
    torch.testing.assert_close(model.score(photos), before, atol=0, rtol=1e-12)
    assert len(task_vectors.blocks(model)) == len(vectors[0])


def test_the_next_batch_uses_changed_weights(example):
    model, vectors, photos = example
    tangents = Tangents(model, vectors)
    tangents.compute(photos)
    with torch.no_grad():
        for value in task_vectors.blocks(model).values():
            value.mul_(1.1)
    _, ours, _ = tangents.compute(photos)
    _, autograd, _ = one_by_one(model, vectors, photos)
    torch.testing.assert_close(ours, autograd, atol=1e-10, rtol=1e-8)


def test_a_layer_without_a_rule_is_refused_with_the_name_of_its_parameter():
    model = Scorer(nn.Sequential(nn.Conv2d(3, 4, 3), nn.PReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), 4)
    with pytest.raises(UnknownLayer, match=r"encoder\.1\.weight"):
        Tangents(model, [dict(task_vectors.copied_blocks(model))])
