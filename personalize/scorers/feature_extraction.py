"""Feature extraction: the stored features of photos, computed once per photo with a bank's network. Needs torch."""

import ctypes
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from threadpoolctl import ThreadpoolController

from personalize.files import backbones, banks, images
from personalize.files.open_banks import Bank
from personalize.networks import merging
from personalize.networks.scorer import Scorer
from personalize.networks.tangents import Tangents
from personalize.numerics.projection import Projection
from personalize.progress import ProgressCallback, tracked

GROUPS = ("tangents", "merged", "plain")
AT_ONCE = 8  # photos that go through the network together
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
LARGEST = 1 << 30  # bytes; larger than any activation of a batch

RawFeatures = tuple[Float[np.ndarray, "photos"], dict[str, Float[np.ndarray, "photos numbers"]]]
"""Scores, and by group the raw features that a projection takes."""


class FeatureExtractor:
    """A bank's network at the bank's starting coefficients.

    The base model is loaded only on request, and task vectors keep their stored form, so that one model in memory is enough.
    """

    def __init__(self, bank: Bank, groups: tuple[str, ...] | None = None) -> None:
        """`groups` defaults to the groups of the bank's projection, or to all groups where the bank has none."""
        self.bank = bank
        self.groups = groups or (banks.projection(bank.arrays).groups if "projection/groups" in bank.arrays else GROUPS)
        self.preprocessing = backbones.find(bank.metadata.backbone).preprocessing
        self._pools = ThreadpoolController()
        keep_freed_memory()

    @cached_property
    def base(self) -> Scorer:
        """The base model, without task vectors."""
        return self.bank.scorer()

    @cached_property
    def projection(self) -> Projection:
        return banks.projection(self.bank.arrays)

    @cached_property
    def tangents(self) -> Tangents:
        return Tangents(self.bank.merged(self.bank.start), list(self.bank.vectors.values()))

    def features(self, photos: Iterable[Image.Image]) -> Float[np.ndarray, "photos features"]:
        """The 256 features of each photo; place 0 is the generic score, standardised over the bank's catalogue (mean 0, sd 1).

        Raises:
            BadBank: the bank has no projection.
        """
        scores, raw = self.raw_features(photos)
        # Otherwise NumPy's threads spin on the cores that torch needs for the next photo, which more than doubles its time.
        with self._pools.limit(limits=1, user_api="blas"):
            return self.projection.apply(scores, raw)

    def raw(self, photos: Iterable[Image.Image]) -> Float[np.ndarray, "photos raw"]:
        """The raw vector of each photo: the groups of the bank's projection, then the standardised score."""
        scores, groups = self.raw_features(photos)
        standard = (scores - self.projection.score_mean) / self.projection.score_std
        return np.concatenate([*(groups[name] for name in self.projection.groups), standard[:, None]], axis=1).astype(np.float32)

    def raw_features(self, photos: Iterable[Image.Image]) -> RawFeatures:
        """Scores (1 to 10) and the raw groups: tangents (blocks x tasks), embeddings of the merged and of the plain encoder."""
        parts = [self._of_batch(batch) for batch in _batches(photos)]
        return np.concatenate([scores for scores, _ in parts]), {
            group: np.concatenate([raw[group] for _, raw in parts]) for group in parts[0][1]
        }

    def _of_batch(self, photos: Sequence[Image.Image]) -> RawFeatures:
        pixels = np.stack([images.to_pixels(photo, self.preprocessing) for photo in photos])
        batch = images.to_input(pixels, self.preprocessing)
        scores, tangents, merged = self.tangents.compute(batch)
        raw = {"tangents": tangents.flatten(1).numpy(), "merged": merged.numpy()}
        if "plain" in self.groups:
            with torch.inference_mode():
                raw["plain"] = self.base.encoder(batch).numpy()
        return scores.numpy(), raw


@torch.no_grad()
def task_scores(model: Scorer, bank: Bank, task: str, photos: Sequence[Path], progress: ProgressCallback) -> Float[np.ndarray, "photos"]:
    """Scores of photos by one task's own model; overwrites the weights of `model`."""
    merging.merge_into(model, bank.base, list(bank.vectors.values()), bank.one_hot(task))
    preprocessing = backbones.find(bank.metadata.backbone).preprocessing
    counted = list(tracked(f"scoring with {task}", photos, progress))
    return torch.cat([model.score(batch) for batch in images.batches(counted, preprocessing, AT_ONCE)]).numpy()


@cache
def keep_freed_memory() -> None:
    """Make the C library keep large freed blocks for this process.

    By default glibc maps memory for every large tensor and unmaps it when freed, so each layer of each batch causes thousands of page
    faults: about a quarter of the time per photo on CPUs. Has no effect on systems other than Linux with glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, LARGEST)
        mallopt(TRIM_THRESHOLD, LARGEST)


def _batches(photos: Iterable[Image.Image]) -> Iterator[list[Image.Image]]:
    remaining = iter(photos)
    while batch := list(islice(remaining, AT_ONCE)):
        yield batch
