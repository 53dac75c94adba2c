"""Feature extraction: raw features of photos, computed once per photo by a bank's extractors in ONNX Runtime. Needs no torch."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from PIL import Image

from personalize.files import banks, extractors
from personalize.files.extractors import Network
from personalize.files.pixels import upright
from personalize.numerics.raw_features import RawLayout
from personalize.scorers.freed_memory import keep_freed_memory

WINDOW = 32  # photos whose pixels are in memory, among which those of one shape are found

Pixels = list[np.ndarray]
"""The pixels of photos in the size that one network takes, uint8 height x width x 3 each; shapes may differ."""


class FeatureExtractor:
    """A bank's extractors, opened. The numbers of a photo do not depend on the photos beside it, but for rounding."""

    def __init__(self, path: Path = banks.DEFAULT, *, threads: int = 0) -> None:
        """`path` is the bank's file, of which only the metadata are read. `threads`: see `extractors.Network`.

        Raises:
            BadBank: see `extractors.read` and `extractors.Network`.
        """
        self.extractors = extractors.read(path)
        self.networks = [Network(row, threads) for row in self.extractors.rows]
        keep_freed_memory()

    @property
    def layout(self) -> RawLayout:
        return self.extractors.layout

    @property
    def hash(self) -> str:
        """The key of stored raw features."""
        return self.extractors.hash

    def raw(self, photos: Iterable[Image.Image]) -> Float32[np.ndarray, "photos raw"]:
        """The raw vectors of photos, in their order: the groups of `layout`, then the standardised score if it has one. All are finite.

        Raises:
            BadPhoto: a photo has no pixels.
            BadBank: an extractor gives numbers that are not finite.
        """
        return np.concatenate([np.empty((0, self.layout.width), np.float32), *self.batches(photos)])

    def batches(self, photos: Iterable[Image.Image]) -> Iterator[Float32[np.ndarray, "photos raw"]]:
        """Like `raw`, but piece by piece: opens the next photos only when their turn comes.

        Raises:
            BadPhoto, BadBank: see `raw`.
        """
        remaining = iter(photos)
        while window := list(islice(remaining, WINDOW)):
            yield self._of_window(window)

    def _of_window(self, photos: list[Image.Image]) -> Float32[np.ndarray, "photos raw"]:
        pixels = self._resized(photos)
        outputs = [run(network, pixels[place]) for place, network in enumerate(self.networks)]
        scores = [scores[:, None] for _, scores in outputs if scores is not None]
        return np.concatenate([*(groups for groups, _ in outputs), *scores], axis=1)

    def _resized(self, photos: list[Image.Image]) -> list[Pixels]:
        """By network, the pixels of each photo."""
        sized = []
        for photo in photos:
            rgb = upright(photo)
            sized.append([network.extractor.size.pixels(rgb) for network in self.networks])
        return [list(column) for column in zip(*sized, strict=True)]


def run(network: Network, pixels: Pixels) -> tuple[np.ndarray, np.ndarray | None]:
    """Groups and scores in the order of `pixels`; photos of one shape go through the network together."""
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place, photo in enumerate(pixels):
        shapes.setdefault(photo.shape, []).append(place)
    batches = [places[first : first + network.at_once] for places in shapes.values() for first in range(0, len(places), network.at_once)]
    outputs = [network.run(np.stack([pixels[place] for place in places])) for places in batches]
    order = np.argsort(np.concatenate(batches))
    groups, scores = (list(part) for part in zip(*outputs, strict=True))
    return np.concatenate(groups)[order], None if scores[0] is None else np.concatenate(scores)[order]
