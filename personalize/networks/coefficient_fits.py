"""Fits of one rater's coefficients through the network: `exact`, Gauss-Newton, and `paper_mended`, gradient descent on the same loss.

Both take a bank's network and a rater's rated photos and return coefficients. Dropout is off, batch norm statistics are fixed, and the
shots are the only photos used. These fits serve research, exports and re-ranking the top; the instant fit (`taste.py`) needs no network.
`published_fit.py` has the procedure as its authors published it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from personalize.networks import losses
from personalize.networks.scorer import Scorer
from personalize.networks.tangents import Tangents
from personalize.networks.task_blocks import TaskBlocks
from personalize.networks.task_vectors import Vector, Weights, blocks
from personalize.numerics import metrics
from personalize.numerics.rank_newton import cross_validated, minimise_within, rank_loss
from personalize.progress import ProgressCallback, no_progress

FIRST_REACH = 1.0  # largest length of the first Gauss-Newton step
STRENGTHS = (10.0, 30.0, 1000.0)  # penalty towards the start, times the number of shots; the last one keeps the start
SETTLED = 1e-3  # relative decrease of the loss below which the iteration ends
AT_ONCE = 32  # photos that go through the network together


@dataclass(frozen=True)
class NetworkShots:
    """A rater's rated photos, as network inputs."""

    photos: Float[Tensor, "shots 3 height width"]
    ratings: Float[Tensor, "shots"]


@dataclass(frozen=True)
class Fitted:
    """One rater's coefficients, and the losses and passes of the fit."""

    coefficients: Float[Tensor, "blocks tasks"]
    losses: tuple[float, ...]  # rank loss on the shots, at the start and after each step; gradient descent: per batch, then on all shots
    image_passes: int  # photos sent through the network; forward and backward, or forward only, each count as one

    @property
    def loss(self) -> float:
        """Rank loss on all shots at the coefficients."""
        return self.losses[-1]


class CoefficientNetwork:
    """A scorer whose weights are set by coefficients: theta[b] = base[b] + sum_t coefficients[b, t] tau_t[b].

    Peak memory is one model, its gradient and the vectors in their stored form: the merge is not part of the autograd graph.
    """

    def __init__(self, model: Scorer, base: Weights, vectors: list[Vector]) -> None:
        self.model = model.eval()
        self.own = blocks(model)
        like = next(iter(self.own.values())).detach()
        self.base = {name: base[name].detach().to(like) for name in self.own}
        self.vectors = vectors
        self.tasks = TaskBlocks(vectors, like)
        self.device = like.device

    @torch.no_grad()
    def set(self, coefficients: Float[Tensor, "blocks tasks"]) -> None:
        """Write the merged weights into the model."""
        for row, (name, value) in enumerate(self.own.items()):
            value.copy_(self.base[name] + self.tasks.sum(name, coefficients[row]).view_as(value))

    def gradient(self, loss: Float[Tensor, ""]) -> Float[Tensor, "blocks tasks"]:
        """dL/dalpha[b, t] = <dL/dtheta[b], tau_t[b]> at the model's current weights."""
        gradients = torch.autograd.grad(loss, list(self.own.values()))
        return torch.stack([self.tasks.inner(name, gradient) for name, gradient in zip(self.own, gradients, strict=True)])

    @torch.no_grad()
    def score(self, photos: Float[Tensor, "photos 3 height width"]) -> Float[Tensor, "photos"]:
        return torch.cat([self.model.score(part) for part in photos.split(AT_ONCE)])

    @cached_property
    def _tangents(self) -> Tangents:
        """One object for all fits: it registers permanent hooks on the model and caches the vectors."""
        return Tangents(self.model, self.vectors)

    def linearised(self, photos: Float[Tensor, "photos 3 height width"]) -> tuple[Tensor, Tensor]:
        """Scores (photos) and tangents (photos, blocks, tasks) at the model's current weights."""
        parts = [self._tangents.compute(part)[:2] for part in photos.split(AT_ONCE)]
        return torch.cat([scores for scores, _ in parts]), torch.cat([slopes for _, slopes in parts])


def softmax_start(
    network: CoefficientNetwork, shots: NetworkShots, changed: Callable[[Tensor], Tensor] = lambda photos: photos
) -> Float[Tensor, "blocks tasks"]:
    """The published starting point: softmax(10 x SROCC of each task model on the shots), the same for every block.

    An undefined SROCC (all shots have the same rating) counts as 0, so the shares are equal. `changed` is applied to the photos before each
    task model scores them.
    """
    agreement = []
    ratings = shots.ratings.double().cpu().numpy()
    for task in range(len(network.tasks)):
        one = torch.zeros(len(network.own), len(network.tasks), device=network.device)
        one[:, task] = 1
        network.set(one)
        agreement.append(metrics.srocc(network.score(changed(shots.photos)).double().cpu().numpy(), ratings))
    mixture = torch.from_numpy(metrics.softmax_mixture(np.array(agreement))).float()
    return mixture.to(network.device).repeat(len(network.own), 1)


def paper_mended(
    network: CoefficientNetwork,
    shots: NetworkShots,
    *,
    seed: int,
    steps: int = 500,
    rate: float = 1e-2,
    batch: int = 32,
    progress: ProgressCallback = no_progress,
) -> Fitted:
    """The published procedure, mended: AdamW on the coefficients from the softmax start, over all pairs of random batches, without dropout.

    References:
        Yun & Choo, ECCV 2024; docs/decisions/published-procedure.md lists what is mended.
    """
    draw = np.random.default_rng(seed)
    coefficients = softmax_start(network, shots).requires_grad_()
    passes = len(network.tasks) * len(shots.ratings)
    optimizer = torch.optim.AdamW([coefficients], lr=rate)
    course = []
    for step in range(steps):
        chosen = torch.from_numpy(draw.permutation(len(shots.ratings))[:batch]).to(network.device)
        network.set(coefficients)
        loss = losses.bradley_terry(network.model.score(shots.photos[chosen]), shots.ratings[chosen])
        coefficients.grad = network.gradient(loss)
        optimizer.step()
        course.append(float(loss.detach()))
        passes += len(chosen)
        progress("fitting", step + 1, steps)
    found = coefficients.detach()
    network.set(found)
    course.append(float(losses.bradley_terry(network.score(shots.photos), shots.ratings)))
    return Fitted(found, tuple(course), passes + len(shots.ratings))


def exact(
    network: CoefficientNetwork,
    shots: NetworkShots,
    start: Float[Tensor, "blocks tasks"],
    *,
    seed: int,
    strength: float | None = None,
    trials: int = 6,
    progress: ProgressCallback = no_progress,
) -> Fitted:
    """Gauss-Newton: repeatedly linearise the scores in the coefficients with their tangents, and solve the convex problem.

    Minimises rank loss + strength / 2 ||alpha - start||^2. The loss is a mean, so a penalty worth `c` ratings has strength c / shots.
    By default, `strength` is the one of `STRENGTHS` whose linear fits rank left-out shots best (folds drawn with `seed`), which costs no
    pass. A trust region limits the step: it grows after a step whose gain matches the linear prediction, and shrinks after one whose gain
    does not. A trial is one pass over the shots; if the step is accepted, its tangents are reused for the next one. Ends when the relative
    gain is below `SETTLED`, or after `trials` passes.

    References:
        Nocedal & Wright, Numerical Optimization, 2006, chapters 4 and 10; docs/decisions/exact-fit.md.
    """
    ratings = shots.ratings.double().cpu().numpy()
    centre = start.double().cpu().flatten().numpy()

    def at(place: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        network.set(torch.from_numpy(place).view_as(start).to(start))
        scores, slopes = network.linearised(shots.photos)
        own = scores.double().cpu().numpy()
        return rank_loss(own, ratings), own, slopes.flatten(1).double().cpu().numpy()

    here, (loss, scores, slopes) = centre, at(centre)
    if strength is None:
        strengths = [strength / len(ratings) for strength in STRENGTHS]
        strength = cross_validated(scores, slopes, ratings, strengths, np.random.default_rng(seed))
    course, reach = [loss], FIRST_REACH
    for trial in range(1, trials):
        there = minimise_within(scores, slopes, ratings, here, centre, strength, reach)
        ahead = at(there)
        progress("fitting", trial, trials)
        pull = 0.5 * strength * (squared(there - centre) - squared(here - centre))
        expected = loss - rank_loss(scores + slopes @ (there - here), ratings) - pull
        gain = loss - ahead[0] - pull
        moved = float(np.linalg.norm(there - here))
        if gain > 0:
            here, (loss, scores, slopes) = there, ahead
        reach = 2 * moved if gain > 0.5 * expected else moved if gain > 0.1 * expected else 0.3 * moved
        course.append(loss)
        if 0 <= gain < SETTLED * loss:
            break
    found = torch.from_numpy(here).view_as(start).to(start)
    network.set(found)
    return Fitted(found, tuple(course), len(course) * len(ratings))


def squared(change: np.ndarray) -> float:
    """Squared length."""
    return float(change @ change)
