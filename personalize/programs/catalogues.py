"""Describing a folder of photos for every method of `evaluate`, once: the result is kept on disk. Needs torch."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from personalize.files import banks, images, people
from personalize.files.open_banks import Bank, open_bank
from personalize.numerics import projection
from personalize.numerics.baselines import Catalogue
from personalize.numerics.projection import Projection, Raw
from personalize.programs.compressing import task_scores
from personalize.scorers.describing import GROUPS, BankNetwork

Report = Callable[[str, int, int], None]


def describe(photos: Sequence[Path], bank: Path, cache: Path, report: Report = lambda *_: None) -> Catalogue:
    """Features, task models' scores and embeddings of `photos`, in their order.

    Raises:
        BadBank: see `banks.read`.
        BadDatabase: a file is no photo.
    """
    card = banks.read_card(bank)
    content = "".join(people.digest(photo) for photo in photos)
    kept = cache / f"{card.hash}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.npz"
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as file:
            return Catalogue(file["features"], file["task_scores"], file["plain"], file["merged"])
    cache.mkdir(parents=True, exist_ok=True)
    opened = open_bank(bank)
    network = BankNetwork.of(opened, GROUPS)
    score, raw = network.describe_all(images.read(photo) for photo in images.counted("describing photos", photos, report))
    features = _projection(opened, score, raw).apply(score, raw).astype(np.float64)
    catalogue = Catalogue(features, _task_scores(opened, photos, report), raw["plain"], raw["merged"])
    partial = kept.with_suffix(".partial.npz")
    np.savez(partial, **vars(catalogue))
    partial.replace(kept)
    return catalogue


def _projection(bank: Bank, score: np.ndarray, raw: Raw) -> Projection:
    """That of the bank; where it was imported without one, the principal axes of these very photos: no rating is looked at."""
    if "projection/score" in bank.arrays:
        return banks.projection(bank.arrays)
    return projection.learn(score, raw, projection.SHARES)


def _task_scores(bank: Bank, photos: Sequence[Path], report: Report) -> np.ndarray:
    model = bank.scorer()
    return np.stack([task_scores(model, bank, task, photos, report) for task in bank.vectors], axis=1)
