"""Scores of photos by the models of single tasks. Needs torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from personalize.files import backbones, images
from personalize.files.open_banks import Bank
from personalize.networks import merging
from personalize.networks.scorer import Scorer
from personalize.progress import ProgressCallback, tracked

AT_ONCE = 8  # photos that go through the network together


@torch.no_grad()
def task_scores(model: Scorer, bank: Bank, task: str, photos: Sequence[Path], progress: ProgressCallback) -> Float[np.ndarray, "photos"]:
    """Scores of photos by one task's own model; overwrites the weights of `model`."""
    merging.merge_into(model, bank.base, list(bank.vectors.values()), bank.one_hot(task))
    preprocessing = backbones.find(bank.metadata.backbone).preprocessing
    counted = list(tracked(f"scoring with {task}", photos, progress))
    return torch.cat([model.score(batch) for batch in images.batches(counted, preprocessing, AT_ONCE)]).numpy()
