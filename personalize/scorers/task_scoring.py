"""Scores of photos by a bank's network, at the coefficients of a single task or at the starting ones. Needs torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from personalize.files import backbones, images
from personalize.files.open_banks import Bank
from personalize.networks import merging
from personalize.networks.scorer import Scorer, best_device
from personalize.progress import ProgressCallback

AT_ONCE = {"cuda": 64, "cpu": 8}  # photos that go through the network together


def task_scores(model: Scorer, bank: Bank, task: str, photos: Sequence[Path], progress: ProgressCallback) -> Float[np.ndarray, "photos"]:
    """Scores of photos by one task's own model; overwrites the weights of `model`."""
    merging.merge_into(model, bank.base, list(bank.vectors.values()), bank.one_hot(task))
    return _scores(model, bank, photos, f"scoring with {task}", progress)


def score_constants(bank: Bank, photos: Sequence[Path], progress: ProgressCallback) -> Float[np.ndarray, "2"]:
    """Mean and SD over these photos of the score at the starting coefficients, which standardise it; 1 in place of an SD of 0."""
    scores = _scores(bank.merged(bank.start), bank, photos, "scoring", progress).astype(np.float64)
    return np.array([scores.mean(), scores.std() or 1.0])


@torch.no_grad()
def _scores(model: Scorer, bank: Bank, photos: Sequence[Path], what: str, progress: ProgressCallback) -> Float[np.ndarray, "photos"]:
    """Scores by the model, which is on a GPU meanwhile where there is one: merging needs it beside the bank."""
    preprocessing, device, parts = backbones.find(bank.metadata.backbone).preprocessing, best_device(), []
    model.to(device)
    at_once = AT_ONCE[device.type]
    for first in range(0, len(photos), at_once):
        progress(what, first, len(photos))
        parts += [model.score(batch.to(device)).cpu() for batch in images.batches(photos[first : first + at_once], preprocessing, at_once)]
    model.cpu()
    return torch.cat(parts).numpy()
