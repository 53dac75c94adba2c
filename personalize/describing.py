"""A bank as a network: describes photos, once each, for everybody. Needs torch; only `gpu` workers and programs load it."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from threadpoolctl import ThreadpoolController
from torch import Tensor

from personalize import backbones, banks, images, merging, task_vectors
from personalize.allocator import keep_freed_memory
from personalize.banks import Arrays, Card
from personalize.projection import Projection
from personalize.stored_vectors import vector_of
from personalize.tangents import Tangents
from personalize.task_vectors import Vector

AT_ONCE = 8  # photos that go through the network together

Described = tuple[Float[np.ndarray, "photos"], dict[str, Float[np.ndarray, "photos numbers"]]]  # scores and raw groups


class BankNetwork:
    """The base model of a bank and its merge at the bank's starting coefficients."""

    def __init__(self, backbone: str, head: task_vectors.Weights, vectors: dict[str, Vector], start: Float[Tensor, "blocks tasks"]) -> None:
        self.backbone = backbones.find(backbone)
        self.base = backbones.scorer(backbone)
        self.base.load_state_dict(dict(head), strict=False)
        self.blocks = task_vectors.copied_blocks(self.base)
        self.factors = vectors
        self.vectors = {task: task_vectors.whole(vector) for task, vector in vectors.items()}
        self.start = start
        keep_freed_memory()

    @classmethod
    def of(cls, card: Card, arrays: Arrays) -> "BankNetwork":
        """Build the network that a bank describes."""
        head = {name.removeprefix("base/"): torch.from_numpy(value).float() for name, value in arrays.items() if name.startswith("base/")}
        vectors = {task: vector_of(arrays, f"vectors/{task}/") for task in card.tasks}
        return cls(card.backbone, head, vectors, torch.from_numpy(arrays["start"]).float())

    def model(self, coefficients: Float[Tensor, "blocks tasks"]) -> backbones.Scorer:
        """A scorer of its own at the given coefficients."""
        model = backbones.scorer(self.backbone.name)
        merging.put_weights(model, merging.merge(self.blocks, list(self.vectors.values()), coefficients))
        return model

    def task_model(self, task: str) -> backbones.Scorer:
        """The fine-tuned model of one task: its coefficients 1, all others 0."""
        column = list(self.vectors).index(task)
        coefficients = torch.zeros_like(self.start)
        coefficients[:, column] = 1
        return self.model(coefficients)

    @cached_property
    def tangents(self) -> Tangents:
        return Tangents(self.model(self.start), list(self.factors.values()))

    def describe(self, photos: Sequence[Image.Image]) -> Described:
        """Scores (1 to 10) and the raw groups: tangents (blocks x tasks), embedding of the merged and of the plain encoder."""
        pixels = np.stack([images.to_pixels(photo, self.backbone.preprocessing) for photo in photos])
        batch = images.to_input(pixels, self.backbone.preprocessing)
        scores, tangents, merged = self.tangents.describe(batch)
        with torch.inference_mode():
            plain = self.base.encoder(batch)
        return scores.numpy(), {"tangents": tangents.flatten(1).numpy(), "merged": merged.numpy(), "plain": plain.numpy()}

    def describe_all(self, photos: Iterable[Image.Image]) -> Described:
        """The same for any number of photos, a few at a time."""
        parts = [self.describe(few) for few in _few_at_once(photos)]
        return np.concatenate([scores for scores, _ in parts]), {
            group: np.concatenate([raw[group] for _, raw in parts]) for group in parts[0][1]
        }


class Describer:
    """Photo to the 256 numbers that are stored."""

    def __init__(self, path: Path = banks.DEFAULT) -> None:
        self.card = banks.read_card(path)
        arrays = banks.read(path)
        self.network = BankNetwork.of(self.card, arrays)
        self.projection: Projection = banks.projection(arrays)
        self._pools = ThreadpoolController()

    def describe(self, photo: Image.Image) -> tuple[float, Float[np.ndarray, "features"]]:
        """Generic score (standardised over the bank's catalogue: mean 0, sd 1) and features."""
        scores, raw = self.network.describe([photo])
        # NumPy's threads would go on spinning on the cores that torch's need for the next photo: that more than doubled its time.
        with self._pools.limit(limits=1, user_api="blas"):
            features = self.projection.apply(scores, raw)[0]
        return float(features[0]), features


def _few_at_once(photos: Iterable[Image.Image]) -> Iterator[list[Image.Image]]:
    left = iter(photos)
    while few := list(islice(left, AT_ONCE)):
        yield few
