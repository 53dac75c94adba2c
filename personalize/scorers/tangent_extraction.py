"""Extraction of scores, tangents and embeddings of photos with a bank's network in torch."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image

from personalize.files import backbones, images
from personalize.files.open_banks import Bank
from personalize.networks.scorer import Scorer
from personalize.networks.tangents import Tangents
from personalize.scorers.freed_memory import keep_freed_memory

GROUPS = ("tangents", "merged", "plain")
AT_ONCE = 8  # photos that go through the network together

RawFeatures = tuple[Float[np.ndarray, "photos"], dict[str, Float[np.ndarray, "photos numbers"]]]
"""Scores, and the numbers by group."""


class TangentExtractor:
    """A bank's network at the bank's starting coefficients.

    The base model is loaded only on request, and task vectors keep their stored form, so that one model in memory is enough.
    """

    def __init__(self, bank: Bank, groups: tuple[str, ...] = GROUPS) -> None:
        self.bank, self.groups = bank, groups
        self.preprocessing = backbones.find(bank.metadata.backbone).preprocessing
        keep_freed_memory()

    @cached_property
    def base(self) -> Scorer:
        """The base model, without task vectors."""
        return self.bank.scorer()

    @cached_property
    def tangents(self) -> Tangents:
        return Tangents(self.bank.merged(self.bank.start), list(self.bank.vectors.values()))

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


def _batches(photos: Iterable[Image.Image]) -> Iterator[list[Image.Image]]:
    remaining = iter(photos)
    while batch := list(islice(remaining, AT_ONCE)):
        yield batch
