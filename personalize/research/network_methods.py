"""Fits through the network, for the methods of an evaluation that need it."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int
from torch import Tensor

from personalize.files import images
from personalize.files.open_banks import open_bank
from personalize.networks import published_fit
from personalize.networks.coefficient_fits import Fitted, NetworkShots, exact, paper_mended
from personalize.numerics.ratings import RaterRatings
from personalize.research.methods import Answer
from personalize.scorers.rater_fitting import RaterFitter

KEPT = 4096  # decoded photos in the cache, 0.15 MB each

Decoded = Callable[[Int[np.ndarray, "photos"]], list[np.ndarray]]


class NetworkMethods:
    """Fits raters through the network of a bank."""

    def __init__(self, bank: Path, photos: Sequence[Path]) -> None:
        self.fitter = RaterFitter(open_bank(bank))
        self.photos = photos
        self._pixels: dict[tuple[int, bool], np.ndarray] = {}

    def paper(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer:
        published = partial(self._decoded, as_published=True)
        found = published_fit.paper(self.fitter.network, self._shots(shots, published), self._input(asked, published), seed=seed)
        checkpoints = tuple(_numbers(scores) for scores in found.checkpoints)
        return Answer(checkpoints[-1], found.fitted.image_passes, found.fitted.loss, checkpoints)

    def softmax_init(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer:
        published = partial(self._decoded, as_published=True)
        network, seen = self.fitter.network, self._shots(shots, published)
        scores = published_fit.start_scores(network, seen, self._input(asked, published), seed=seed)
        return Answer(_numbers(scores), len(network.tasks) * len(shots.ratings))

    def paper_mended(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer:
        return self._scored(paper_mended(self.fitter.network, self._shots(shots, self._decoded), seed=seed), asked)

    def exact(self, shots: RaterRatings, asked: Int[np.ndarray, "asked"], seed: int) -> Answer:
        return self._scored(exact(self.fitter.network, self._shots(shots, self._decoded), self.fitter.start, seed=seed), asked)

    def _scored(self, fitted: Fitted, asked: Int[np.ndarray, "asked"]) -> Answer:
        scores = self.fitter.network.score(self._input(asked, self._decoded))
        return Answer(_numbers(scores), fitted.image_passes, fitted.loss)

    def _shots(self, shots: RaterRatings, decoded: Decoded) -> NetworkShots:
        return self.fitter.shots(decoded(shots.photos), shots.ratings.tolist())

    def _input(self, which: Int[np.ndarray, "asked"], decoded: Decoded) -> Tensor:
        return self.fitter.inputs(decoded(which))

    def _decoded(self, photos: Int[np.ndarray, "photos"], as_published: bool = False) -> list[np.ndarray]:
        return [self._one(int(photo), as_published) for photo in photos]

    def _one(self, photo: int, as_published: bool) -> np.ndarray:
        key = photo, as_published
        if key not in self._pixels:
            if len(self._pixels) >= KEPT:
                self._pixels.clear()
            to_pixels = images.to_published_pixels if as_published else images.to_pixels
            self._pixels[key] = to_pixels(images.read(self.photos[photo]), self.fitter.preprocessing)
        return self._pixels[key]


def _numbers(scores: Tensor) -> np.ndarray:
    found: np.ndarray = scores.double().cpu().numpy()
    return found
