"""Exact fits of raters through a bank's network."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from personalize.errors import BadBank
from personalize.files import backbones, images
from personalize.files.open_banks import Bank
from personalize.networks.coefficient_fits import STRENGTHS, CoefficientNetwork, Fitted, NetworkShots, exact
from personalize.networks.scorer import best_device
from personalize.numerics.rank_newton import cross_validated
from personalize.numerics.task_shares import TaskShare, task_shares
from personalize.progress import ProgressCallback, no_progress


class RaterFitter:
    """A bank's network for exact fits, on a GPU if available."""

    def __init__(self, bank: Bank) -> None:
        """Raises:
        BadBank: the bank has no task vectors.
        """
        if not bank.vectors:
            raise BadBank("This bank has no task vectors, so that no rater can be fitted exactly with it.")
        self.device = best_device()
        self.preprocessing = backbones.find(bank.metadata.backbone).preprocessing
        self.tasks, self.start = bank.metadata.tasks, bank.start.to(self.device)
        self.network = CoefficientNetwork(bank.scorer().to(self.device), bank.base, list(bank.vectors.values()))

    def shots(self, pixels: Sequence[np.ndarray], ratings: Sequence[float]) -> NetworkShots:
        """Decoded photos as network inputs, with their ratings."""
        photos = self.inputs(pixels)
        return NetworkShots(photos, photos.new_tensor(ratings))

    def inputs(self, pixels: Sequence[np.ndarray]) -> Tensor:
        """Decoded photos as network inputs."""
        return images.to_input(np.stack(pixels), self.preprocessing).to(self.device)

    def exact(self, pixels: Sequence[np.ndarray], ratings: Sequence[float], seed: int = 0) -> Float[np.ndarray, "blocks tasks"]:
        """Coefficients of the exact fit to these photos and ratings; leaves the network set to them."""
        return exact(self.network, self.shots(pixels, ratings), self.start, seed=seed).coefficients.cpu().numpy()

    def task_shares(
        self, pixels: Sequence[np.ndarray], ratings: Sequence[float], coefficients: Float[np.ndarray, "blocks tasks"], seed: int = 0
    ) -> dict[str, TaskShare]:
        """What each task vector says of a rater whose exact fit has these coefficients; only what the posterior supports.

        `seed` is that of the fit, whose penalty it finds again. Leaves the network set to the coefficients.
        """
        shots = self.shots(pixels, ratings)
        values = shots.ratings.double().cpu().numpy()
        self.network.set(self.start)
        at_start, slopes = self._linearised(shots)
        strengths = [strength / len(values) for strength in STRENGTHS]
        flat = slopes.reshape(len(values), -1)
        strength = cross_validated(at_start, flat, values, strengths, np.random.default_rng(seed))
        self.use(coefficients)
        scores, slopes = self._linearised(shots)
        moved = coefficients.astype(np.float64) - self.start.double().cpu().numpy()
        return task_shares(list(self.tasks), at_start, scores, slopes, values, moved, strength, seed)

    def _linearised(self, shots: NetworkShots) -> tuple[np.ndarray, np.ndarray]:
        scores, slopes = self.network.linearised(shots.photos)
        return scores.double().cpu().numpy(), slopes.double().cpu().numpy()

    def use(self, coefficients: Float[np.ndarray, "*numbers"]) -> None:
        """Set the network to the coefficients, given block by block."""
        self.network.set(torch.from_numpy(coefficients.copy()).view_as(self.start).to(self.start))

    def score(self, pixels: Sequence[np.ndarray]) -> Float[np.ndarray, "photos"]:
        """Scores of decoded photos at the network's current coefficients."""
        return self.network.score(self.inputs(pixels)).double().cpu().numpy() if pixels else np.zeros(0)


def exact_fit(
    bank: Bank, photos: Iterable[Image.Image], ratings: Sequence[float], progress: ProgressCallback = no_progress, seed: int = 0
) -> tuple[Fitted, dict[str, TaskShare]]:
    """The exact fit of one rater to photos, which are opened one at a time, and ratings; and what each task vector says of the rater."""
    fitter = RaterFitter(bank)
    pixels = [images.to_pixels(photo, fitter.preprocessing) for photo in photos]
    fitted = exact(fitter.network, fitter.shots(pixels, ratings), fitter.start, seed=seed, progress=progress)
    return fitted, fitter.task_shares(pixels, ratings, fitted.coefficients.cpu().numpy(), seed)
