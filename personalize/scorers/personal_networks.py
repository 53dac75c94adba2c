"""The network of a bank and the photos of an evaluation, for methods that fit a person through it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from personalize.files import images
from personalize.files.open_banks import Bank, open_bank
from personalize.networks.fits import Fitted, PersonalNetwork, exact, paper
from personalize.networks.fits import Shots as NetworkShots
from personalize.numerics.baselines import Shots
from personalize.scorers.describing import BankNetwork

KEPT = 4096  # decoded photos that are kept, 0.15 MB each

Fit = tuple[Float[np.ndarray, "asked"], int, float]  # scores, image passes, rank loss on the shots


def exact_fit(
    bank: Bank, photos: Iterable[Image.Image], ratings: Sequence[float], report: Callable[[str, int, int], None], seed: int = 0
) -> Fitted:
    """The exact fit of one person from photos, opened one at a time, and ratings."""
    fitting = Fitting(bank)
    inputs = fitting.inputs([images.to_pixels(photo, fitting.preprocessing) for photo in photos])
    shots = NetworkShots(inputs, inputs.new_tensor(ratings))
    return exact(fitting.network, shots, fitting.start, seed=seed, report=lambda done, of: report("fitting", done, of))


class Fitting:
    """The network of a bank as people are fitted through it, on a GPU where there is one."""

    def __init__(self, bank: Bank) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        opened = BankNetwork.of(bank)
        self.preprocessing = opened.backbone.preprocessing
        self.start = opened.start.to(self.device)
        self.network = PersonalNetwork(opened.scorer().to(self.device), opened.blocks, list(opened.vectors.values()))

    def inputs(self, pixels: Sequence[np.ndarray]) -> Tensor:
        """Decoded photos as inputs of the network."""
        return images.to_input(np.stack(pixels), self.preprocessing).to(self.device)

    def exact(self, pixels: Sequence[np.ndarray], ratings: Sequence[float], seed: int = 0) -> Float[np.ndarray, "blocks tasks"]:
        """Coefficients of the exact fit of somebody who rated these photos; the network stays at them."""
        photos = self.inputs(pixels)
        fitted = exact(self.network, NetworkShots(photos, photos.new_tensor(ratings)), self.start, seed=seed)
        return fitted.coefficients.cpu().numpy()

    def use(self, coefficients: Float[np.ndarray, "numbers"]) -> None:
        """Set the network to the coefficients, block after block."""
        self.network.set(torch.from_numpy(coefficients.copy()).view_as(self.start).to(self.start))

    def score(self, pixels: Sequence[np.ndarray]) -> Float[np.ndarray, "photos"]:
        """Scores of decoded photos by the network as it is set."""
        return self.network.score(self.inputs(pixels)).double().cpu().numpy() if pixels else np.zeros(0)


class RatedPhotos:
    """Fits people to the photos of an evaluation."""

    def __init__(self, bank: Path, photos: Sequence[Path]) -> None:
        self.fitting = Fitting(open_bank(bank))
        self.photos = photos
        self._pixels: dict[int, np.ndarray] = {}

    def paper(self, shots: Shots, asked: Int[np.ndarray, "asked"], seed: int) -> Fit:
        return self._scored(paper(self.fitting.network, self._shots(shots), seed=seed), asked)

    def exact(self, shots: Shots, asked: Int[np.ndarray, "asked"], seed: int) -> Fit:
        return self._scored(exact(self.fitting.network, self._shots(shots), self.fitting.start, seed=seed), asked)

    def _scored(self, fitted: Fitted, asked: Int[np.ndarray, "asked"]) -> Fit:
        scores = self.fitting.network.score(self._input(asked)).double().cpu().numpy()
        return scores, fitted.image_passes, fitted.loss

    def _shots(self, shots: Shots) -> NetworkShots:
        photos = self._input(shots.photos)
        return NetworkShots(photos, photos.new_tensor(shots.ratings))

    def _input(self, which: Int[np.ndarray, "asked"]) -> Tensor:
        return self.fitting.inputs([self._decoded(int(photo)) for photo in which])

    def _decoded(self, photo: int) -> np.ndarray:
        if photo not in self._pixels:
            if len(self._pixels) >= KEPT:
                self._pixels.clear()
            self._pixels[photo] = images.to_pixels(images.read(self.photos[photo]), self.fitting.preprocessing)
        return self._pixels[photo]
