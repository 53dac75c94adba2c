"""A bank as a network: describes photos, once each, for everybody. Needs torch; only `gpu` workers and programs load it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from threadpoolctl import ThreadpoolController
from torch import Tensor

from personalize.files import backbones, banks, images
from personalize.files.allocator import keep_freed_memory
from personalize.files.backbones import Scorer
from personalize.files.open_banks import Bank, open_bank
from personalize.networks import merging
from personalize.networks.tangents import Tangents
from personalize.networks.task_vectors import Vector, Weights
from personalize.numerics.projection import Projection

GROUPS = ("tangents", "merged", "plain")
AT_ONCE = 8  # photos that go through the network together

Described = tuple[Float[np.ndarray, "photos"], dict[str, Float[np.ndarray, "photos numbers"]]]  # scores and raw groups


class BankNetwork:
    """The base model of a bank and its merge at the bank's starting coefficients.

    The base is loaded only where it is asked for, and vectors stay as the bank keeps them: one model in memory is enough to describe.
    """

    def __init__(
        self,
        backbone: str,
        scorer: Callable[[], Scorer],
        blocks: Weights,
        vectors: Mapping[str, Vector],
        start: Float[Tensor, "blocks tasks"],
        groups: tuple[str, ...] = GROUPS,
    ) -> None:
        """`scorer` makes one with the base weights, `blocks` are these weights, `groups` what photos are described by."""
        self.backbone = backbones.find(backbone)
        self.scorer, self.blocks, self.vectors, self.start, self.groups = scorer, blocks, vectors, start, groups
        keep_freed_memory()

    @classmethod
    def of(cls, bank: Bank, groups: tuple[str, ...] | None = None) -> "BankNetwork":
        """The network that a bank describes; `groups` are those of its projection unless given."""
        if groups is None:
            groups = banks.projection(bank.arrays).groups if "projection/groups" in bank.arrays else GROUPS
        return cls(bank.card.backbone, bank.scorer, bank.base, bank.vectors, bank.start, groups)

    @cached_property
    def base(self) -> Scorer:
        """The base model itself."""
        return self.scorer()

    def model(self, coefficients: Float[Tensor, "blocks tasks"]) -> Scorer:
        """A scorer of its own at the given coefficients."""
        model = self.scorer()
        merging.merge_into(model, self.blocks, list(self.vectors.values()), coefficients)
        return model

    def task_model(self, task: str) -> Scorer:
        """The fine-tuned model of one task: its coefficients 1, all others 0."""
        column = list(self.vectors).index(task)
        coefficients = torch.zeros_like(self.start)
        coefficients[:, column] = 1
        return self.model(coefficients)

    @cached_property
    def tangents(self) -> Tangents:
        return Tangents(self.model(self.start), list(self.vectors.values()))

    def describe(self, photos: Sequence[Image.Image]) -> Described:
        """Scores (1 to 10) and the raw groups: tangents (blocks x tasks), embedding of the merged and of the plain encoder."""
        pixels = np.stack([images.to_pixels(photo, self.backbone.preprocessing) for photo in photos])
        batch = images.to_input(pixels, self.backbone.preprocessing)
        scores, tangents, merged = self.tangents.describe(batch)
        raw = {"tangents": tangents.flatten(1).numpy(), "merged": merged.numpy()}
        if "plain" in self.groups:
            with torch.inference_mode():
                raw["plain"] = self.base.encoder(batch).numpy()
        return scores.numpy(), raw

    def describe_all(self, photos: Iterable[Image.Image]) -> Described:
        """The same for any number of photos, a few at a time."""
        parts = [self.describe(few) for few in _few_at_once(photos)]
        return np.concatenate([scores for scores, _ in parts]), {
            group: np.concatenate([raw[group] for _, raw in parts]) for group in parts[0][1]
        }


class Describer:
    """Photo to the 256 numbers that are stored."""

    def __init__(self, path: Path = banks.DEFAULT) -> None:
        bank = open_bank(path)
        self.card = bank.card
        self.network = BankNetwork.of(bank)
        self.projection: Projection = banks.projection(bank.arrays)
        self._pools = ThreadpoolController()

    def describe(self, photo: Image.Image) -> tuple[float, Float[np.ndarray, "features"]]:
        """Generic score (standardised over the bank's catalogue: mean 0, sd 1) and features."""
        return self.describe_all([photo])[0]

    def describe_all(self, photos: Sequence[Image.Image]) -> list[tuple[float, Float[np.ndarray, "features"]]]:
        """The same of several photos at once."""
        scores, raw = self.network.describe_all(photos)
        # NumPy's threads would go on spinning on the cores that torch's need for the next photo: that more than doubled its time.
        with self._pools.limit(limits=1, user_api="blas"):
            features = self.projection.apply(scores, raw)
        return [(float(row[0]), row) for row in features]


def _few_at_once(photos: Iterable[Image.Image]) -> Iterator[list[Image.Image]]:
    left = iter(photos)
    while few := list(islice(left, AT_ONCE)):
        yield few
