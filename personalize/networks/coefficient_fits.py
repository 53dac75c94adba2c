"""Fitting one person's coefficients through the network: `paper`, the published procedure, and `exact`, Gauss-Newton on the same loss.

Both start from a bank's network and a person's rated photos and return coefficients. Dropout is off, batch norm statistics are fixed, no
photo but the shots is looked at. The instant fit (`taste.py`) needs neither; these are for research, exports and re-ranking the top.
"""

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

FIRST_REACH = 1.0  # how far the first Gauss-Newton step may move the coefficients, as the length of their change
STRENGTHS = (10.0, 30.0, 1000.0)  # of the pull towards the start, divided by the number of shots; the last stays where it began
SETTLED = 1e-3  # share of the loss that a step must gain for another to follow
AT_ONCE = 32  # photos that go through the network together


@dataclass(frozen=True)
class NetworkShots:
    """A person's rated photos, as inputs of the network."""

    photos: Float[Tensor, "shots 3 height width"]
    ratings: Float[Tensor, "shots"]


@dataclass(frozen=True)
class Fitted:
    """One person's coefficients and what finding them took."""

    coefficients: Float[Tensor, "blocks tasks"]
    losses: tuple[float, ...]  # rank loss on the shots: where it began, then after each step (`paper`: of the step's batch) or round
    image_passes: int  # photos sent through the network, each forward and backward; a forward pass alone counts as much

    @property
    def loss(self) -> float:
        """Rank loss on all shots at the coefficients."""
        return self.losses[-1]


class CoefficientNetwork:
    """A scorer whose weights follow coefficients: theta[b] = base[b] + sum_t coefficients[b, t] tau_t[b].

    Peak memory is one model, its gradient and the vectors as they are kept: no graph goes through the merge.
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
        """dL/dalpha[b, t] = <dL/dtheta[b], tau_t[b]> at the weights that the model holds."""
        gradients = torch.autograd.grad(loss, list(self.own.values()))
        return torch.stack([self.tasks.inner(name, gradient) for name, gradient in zip(self.own, gradients, strict=True)])

    @torch.no_grad()
    def score(self, photos: Float[Tensor, "photos 3 height width"]) -> Float[Tensor, "photos"]:
        return torch.cat([self.model.score(part) for part in photos.split(AT_ONCE)])

    @cached_property
    def _tangents(self) -> Tangents:
        """One for all fits: it hooks itself into the model for good, and keeps the vectors as it needs them."""
        return Tangents(self.model, self.vectors)

    def linearised(self, photos: Float[Tensor, "photos 3 height width"]) -> tuple[Tensor, Tensor]:
        """Scores (photos) and tangents (photos, blocks, tasks) at the weights that the model holds."""
        parts = [self._tangents.compute(part)[:2] for part in photos.split(AT_ONCE)]
        return torch.cat([scores for scores, _ in parts]), torch.cat([slopes for _, slopes in parts])


def softmax_start(network: CoefficientNetwork, shots: NetworkShots) -> Float[Tensor, "blocks tasks"]:
    """The published starting point: softmax(10 x SROCC of each task model on the shots), the same for every block.

    Where SROCC is undefined (all shots rated alike) it counts as 0, which makes the mixture equal.
    """
    agreement = []
    ratings = shots.ratings.double().cpu().numpy()
    for task in range(len(network.tasks)):
        one = torch.zeros(len(network.own), len(network.tasks), device=network.device)
        one[:, task] = 1
        network.set(one)
        agreement.append(metrics.srocc(network.score(shots.photos).double().cpu().numpy(), ratings))
    mixture = torch.from_numpy(metrics.softmax_mixture(np.array(agreement))).float()
    return mixture.to(network.device).repeat(len(network.own), 1)


def paper(
    network: CoefficientNetwork,
    shots: NetworkShots,
    *,
    seed: int,
    steps: int = 500,
    rate: float = 1e-2,
    batch: int = 32,
    progress: ProgressCallback = no_progress,
) -> Fitted:
    """The published procedure: AdamW on the coefficients, rank loss over random batches, from the softmax start.

    References:
        Yun & Choo, ECCV 2024.
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
    """Gauss-Newton: with their tangents the scores are linear in the coefficients, a convex fit gives the next ones, and so on.

    Minimises rank loss + strength / 2 ||alpha - start||^2. The loss is a mean, so a pull worth `c` ratings has strength c / shots.
    Without a `strength` it is that of `STRENGTHS` whose linear fits rank left-out shots best (folds drawn by `seed`), which costs no
    pass. A step goes no farther than the scores have proved to be nearly linear: farther after a step that kept its promise, less far
    after one that did not (a trust region). A trial is one pass over the shots, whose tangents serve the next step if it is taken. Ends
    when a step gains next to nothing, or after `trials` passes.

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
        hoped = loss - rank_loss(scores + slopes @ (there - here), ratings) - pull
        gain = loss - ahead[0] - pull
        moved = float(np.linalg.norm(there - here))
        if gain > 0:
            here, (loss, scores, slopes) = there, ahead
        reach = 2 * moved if gain > 0.5 * hoped else moved if gain > 0.1 * hoped else 0.3 * moved
        course.append(loss)
        if 0 <= gain < SETTLED * loss:
            break
    found = torch.from_numpy(here).view_as(start).to(start)
    network.set(found)
    return Fitted(found, tuple(course), len(course) * len(ratings))


def squared(change: np.ndarray) -> float:
    """Squared length."""
    return float(change @ change)
