"""The published procedure against its formulas, written out here from the authors' code (github.com/YeolJ00/Personalized-Aesthetics)."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from torch.nn import CrossEntropyLoss
from torchvision import transforms

from personalize.files.pixels import Preprocessing, to_pixels, to_published_pixels
from personalize.networks import coefficient_fits, losses, published_fit
from personalize.networks.coefficient_fits import NetworkShots
from tests.personalize.small_network import TASKS, random_vectors, small_network

SHOTS = 37  # an epoch has a batch of 32 and one of 5, whose last photo is left out of the loss


@pytest.fixture
def vectors():
    return random_vectors()


@pytest.fixture
def network(vectors):
    return small_network(vectors)


@pytest.fixture
def shots():
    draw = torch.Generator().manual_seed(2)
    return NetworkShots(torch.randn(SHOTS, 3, 16, 16, generator=draw), torch.randint(1, 4, (SHOTS,), generator=draw).float())


def published_loss(scores, ratings):
    """Cross-entropy of a pair's scores as logits with (above, below), which is (0, 0) for equal ratings; the mean over all pairs."""
    even = len(scores) - len(scores) % 2
    first, second = slice(even // 2), slice(even // 2, even)
    target = torch.stack([ratings[first] > ratings[second], ratings[first] < ratings[second]], dim=1).float()
    return CrossEntropyLoss()(torch.stack([scores[first], scores[second]], dim=1), target)


def published_scores(network, vectors, coefficients, photos):
    """Scores through a merge that autograd sees, mean of the distribution over 1..10."""
    merged = {
        name: base + sum(coefficients[row, t] * vectors[t][name] for t in range(TASKS))
        for row, (name, base) in enumerate(network.base.items())
    }
    return torch.func.functional_call(network.model, merged, (photos,)) @ torch.arange(1.0, 11.0)


@pytest.mark.parametrize("batch", [32, 5, 2])
def test_loss_and_gradient_are_those_of_the_published_formulas(network, vectors, shots, batch):
    photos, ratings = shots.photos[:batch], shots.ratings[:batch]
    coefficients = torch.rand(len(network.own), TASKS, generator=torch.Generator().manual_seed(3)).requires_grad_()
    network.model.head.train()
    torch.manual_seed(4)  # of dropout
    expected = published_loss(published_scores(network, vectors, coefficients, photos), ratings)
    (gradient,) = torch.autograd.grad(expected, coefficients)
    network.set(coefficients)
    torch.manual_seed(4)
    ours = losses.bradley_terry_of_halves(network.model.score(photos), ratings)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(network.gradient(ours), gradient, atol=1e-5, rtol=0)
    assert batch == 2 or gradient.abs().max() > 1e-3
    other = losses.bradley_terry(network.model.score(photos), ratings)
    assert batch == 2 or abs(float((other - ours).detach())) > 1e-3  # all pairs give another loss


def test_equal_ratings_count_in_the_mean_and_a_single_photo_has_no_loss():
    scores = torch.tensor([2.0, 3.0, 1.0, 3.0])
    loss = losses.bradley_terry_of_halves(scores, torch.tensor([1.0, 2.0, 3.0, 2.0]))
    assert float(loss) == pytest.approx(np.log1p(np.exp(1.0)) / 2)  # the first against the third is wrong by 1, the other pair is a tie
    assert float(losses.bradley_terry_of_halves(scores[:1], torch.ones(1))) == 0


def test_the_course_of_a_fit_is_the_published_one(network, vectors, shots, monkeypatch):
    """Start, epochs, mirrors, dropout, AdamW and checkpoints, on the same draws."""
    monkeypatch.setattr(published_fit, "CHECKPOINT_EVERY", 3)
    asked = torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(5))
    found = published_fit.paper(network, shots, asked, seed=7, steps=5)

    draw = np.random.default_rng(7)

    def mirrored(photos):
        flipped = draw.random(len(photos)) < 0.5
        return torch.stack([photo.flip(-1) if flip else photo for photo, flip in zip(photos, flipped, strict=True)])

    def scored(coefficients, photos):
        with torch.no_grad():
            return published_scores(network, vectors, coefficients, mirrored(photos))

    one_hots = torch.eye(TASKS).repeat(len(network.own), 1, 1)
    agreement = [spearmanr(scored(one_hots[:, task], shots.photos), shots.ratings).statistic for task in range(TASKS)]
    start = torch.softmax(10 * torch.tensor(agreement), dim=0).float().repeat(len(network.own), 1)
    alpha = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([alpha], lr=1e-2)
    order, batches, checkpoints = [], [], []
    for step in range(5):
        if not order:
            order = draw.permutation(SHOTS).tolist()
        batch, order = order[:32], order[32:]
        batches.append(len(batch))
        photos = mirrored(shots.photos[batch])
        network.model.head.train()
        torch.manual_seed(int(draw.integers(2**62)))
        published_loss(published_scores(network, vectors, alpha, photos), shots.ratings[batch]).backward()
        network.model.head.eval()
        optimizer.step()
        optimizer.zero_grad()
        if step in (0, 3):
            checkpoints.append(scored(alpha, asked))
    checkpoints.append(scored(alpha, asked))

    assert batches == [32, 5, 32, 5, 32]
    torch.testing.assert_close(found.fitted.coefficients, alpha.detach(), atol=1e-5, rtol=0)
    assert (alpha - start).abs().max() > 0.01
    torch.testing.assert_close(torch.stack(found.checkpoints), torch.stack(checkpoints), atol=1e-4, rtol=0)
    assert found.fitted.image_passes == TASKS * SHOTS + sum(batches) + SHOTS


def test_a_fit_depends_on_its_seed_alone_and_leaves_dropout_off(network, shots):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, again, other = (published_fit.paper(network, shots, shots.photos, seed=seed, steps=4) for seed in (0, 0, 1))
    assert torch.equal(first.fitted.coefficients, again.fitted.coefficients)
    assert not torch.equal(first.fitted.coefficients, other.fitted.coefficients)
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(layer.training for layer in network.model.modules())


def test_the_start_of_the_published_fit_mixes_weights_of_the_task_models(network, vectors, shots):
    """Photos that are their own mirror images: then the start does not depend on the draw."""
    symmetric = NetworkShots(shots.photos + shots.photos.flip(3), shots.ratings)
    start = coefficient_fits.softmax_start(network, symmetric)
    expected = published_scores(network, vectors, start, symmetric.photos).detach()
    found = published_fit.start_scores(network, symmetric, symmetric.photos, seed=3)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_photos_are_sized_as_by_the_published_transforms():
    published = transforms.Compose([transforms.Resize(256, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop((224, 224))])
    preprocessing = Preprocessing(256, 224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    rng, differing = np.random.default_rng(0), 0
    for width, height in ((640, 427), (333, 500), (500, 375), (256, 257), (1024, 683), (223, 319)):
        small = Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
        photo = small.resize((width, height), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(to_published_pixels(photo, preprocessing), np.asarray(published(photo)))
        differing += not np.array_equal(to_pixels(photo, preprocessing), np.asarray(published(photo)))
    assert differing
