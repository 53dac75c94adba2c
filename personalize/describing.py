"""A bank as a network: describes photos, once each, for everybody. Needs torch; only `gpu` workers and programs load it."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from threadpoolctl import ThreadpoolController
from torch import Tensor

from personalize import backbones, banks, images, merging, task_vectors
from personalize.banks import Arrays, Card
from personalize.projection import Projection
from personalize.stored_vectors import vector_of
from personalize.tangents import Tangents
from personalize.task_vectors import Vector

Described = tuple[float, dict[str, Float[np.ndarray, "numbers"]]]  # score and raw groups


class BankNetwork:
    """The base model of a bank and its merge at the bank's starting coefficients."""

    def __init__(self, backbone: str, head: task_vectors.Weights, vectors: dict[str, Vector], start: Float[Tensor, "blocks tasks"]) -> None:
        self.backbone = backbones.find(backbone)
        self.base = backbones.scorer(backbone)
        self.base.load_state_dict(dict(head), strict=False)
        self.blocks = task_vectors.copied_blocks(self.base)
        self.vectors = {task: task_vectors.whole(vector) for task, vector in vectors.items()}
        self.start = start

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
        return Tangents(self.model(self.start), list(self.vectors.values()))

    def describe(self, photo: Image.Image) -> Described:
        """Score (1 to 10) and the raw groups: tangents (blocks x tasks), embedding of the merged and of the plain encoder."""
        pixels = images.to_pixels(photo, self.backbone.preprocessing)
        batch = images.to_input(pixels[None], self.backbone.preprocessing)
        score, tangents, merged = self.tangents.describe(batch)
        with torch.no_grad():
            plain = self.base.encoder(batch)[0]
        return float(score), {"tangents": tangents.flatten().numpy(), "merged": merged.numpy(), "plain": plain.numpy()}

    def describe_all(self, photos: Iterable[Image.Image]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Scores (photos) and raw groups (photos, numbers) of many photos."""
        described = [self.describe(photo) for photo in photos]
        groups = {group: np.stack([raw[group] for _, raw in described]) for group in described[0][1]}
        return np.array([score for score, _ in described]), groups


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
        score, raw = self.network.describe(photo)
        # NumPy's threads would go on spinning on the cores that torch's need for the next photo: that more than doubled its time.
        with self._pools.limit(limits=1, user_api="blas"):
            features = self.projection.apply(np.array([score]), {group: value[None] for group, value in raw.items()})[0]
        return float(features[0]), features
