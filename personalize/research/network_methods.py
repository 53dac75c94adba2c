"""Fits through the network, for the methods of an evaluation that need it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int
from torch import Tensor

from personalize.files import images
from personalize.files.open_banks import open_bank
from personalize.networks.coefficient_fits import Fitted, NetworkShots, exact, paper
from personalize.numerics.ratings import RaterRatings
from personalize.research.methods import Answer
from personalize.scorers.rater_fitting import RaterFitter

KEPT = 4096  # decoded photos in the cache, 0.15 MB each


class NetworkMethods:
    """Fits raters through the network of a bank."""

    def __init__(self, bank: Path, photos: Sequence[Path]) -> None:
        self.fitter = RaterFitter(open_bank(bank))
        self.photos = photos
        self._pixels: dict[int, np.ndarray] = {}

    def paper(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer:
        return self._scored(paper(self.fitter.network, self._shots(shots), seed=seed), asked)

    def exact(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer:
        return self._scored(exact(self.fitter.network, self._shots(shots), self.fitter.start, seed=seed), asked)

    def _scored(self, fitted: Fitted, asked: Int[np.ndarray, "asked"]) -> Answer:
        scores = self.fitter.network.score(self._input(asked)).double().cpu().numpy()
        return Answer(scores, fitted.image_passes, fitted.loss)

    def _shots(self, shots: RaterRatings) -> NetworkShots:
        return self.fitter.shots([self._decoded(int(photo)) for photo in shots.photos], shots.ratings.tolist())

    def _input(self, which: Int[np.ndarray, "asked"]) -> Tensor:
        return self.fitter.inputs([self._decoded(int(photo)) for photo in which])

    def _decoded(self, photo: int) -> np.ndarray:
        if photo not in self._pixels:
            if len(self._pixels) >= KEPT:
                self._pixels.clear()
            self._pixels[photo] = images.to_pixels(images.read(self.photos[photo]), self.fitter.preprocessing)
        return self._pixels[photo]
