"""Fine-tune one scorer on one database: the program behind `./pav train_task_vector`.

AdamW with one learning rate for the encoder and one for the head, one cycle, batch norm statistics frozen at the base model's (a task
vector moves parameters only), loss = earth mover's distance of the score distribution + Bradley-Terry loss of the order within a
batch. The epoch is picked on validation photos; test photos are scored once, at the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from personalize import backbones, databases, images, losses, merging, metrics, task_vectors
from personalize.databases import RatedPhoto
from personalize.errors import BadDatabase

Report = Callable[[str, int, int], None]  # what is going on, done, of


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune."""

    epochs: int = 8
    batch: int = 16  # photos a step
    encoder_rate: float = 2e-4
    head_rate: float = 1e-3
    rank_weight: float = 0.5  # of the Bradley-Terry loss beside the earth mover's distance
    margin: int = 16  # pixels by which a training crop may be off centre
    most_photos: int = 2000  # a training epoch sees at most so many, drawn anew each time
    seed: int = 0


@dataclass(frozen=True)
class Trained:
    """A fine-tuned model and how it did."""

    weights: dict[str, Tensor]  # the blocks of the fine-tuned scorer
    record: dict[str, object]  # database, recipe, photos, epoch, SROCC on validation and test


def fine_tune(database: str, root: Path, backbone: str, recipe: Recipe, report: Report = lambda *_: None) -> Trained:
    """Train the scorer of `backbone` on a database.

    Raises:
        UnknownName, BadDatabase, MissingWeights: see `databases.load` and `backbones.scorer`.
    """
    row = databases.find(database)
    photos = databases.load(database, root)
    parts = {split: [photo for photo in photos if photo.split == split] for split in ("train", "validation", "test")}
    for split, members in parts.items():
        if len(members) < 2:
            raise BadDatabase(f"{database} has {len(members)} {split} photos; at least 2 are needed.")
    preprocessing = backbones.find(backbone).preprocessing
    model = backbones.scorer(backbone, seed=0)
    pixels = {split: _decode(members, preprocessing, recipe.margin, split, report) for split, members in parts.items()}
    scores = {split: np.array([photo.score for photo in members]) for split, members in parts.items()}
    centre = slice(recipe.margin, recipe.margin + preprocessing.crop)

    rng = np.random.default_rng(recipe.seed)
    torch.manual_seed(recipe.seed)  # dropout alone draws from torch's own generator
    steps = recipe.epochs * -(-min(len(parts["train"]), recipe.most_photos) // recipe.batch)
    optimizer = torch.optim.AdamW(
        [
            {"params": model.encoder.parameters(), "lr": recipe.encoder_rate},
            {"params": model.head.parameters(), "lr": recipe.head_rate},
        ],
        weight_decay=0.0,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [recipe.encoder_rate, recipe.head_rate], total_steps=steps)

    best: tuple[float, int, dict[str, Tensor]] = (-2.0, -1, {})
    step = 0
    for epoch in range(recipe.epochs):
        _training_mode(model)
        order = rng.permutation(len(parts["train"]))[: recipe.most_photos]
        for start in range(0, len(order), recipe.batch):
            chosen = order[start : start + recipe.batch]
            batch = _augment(pixels["train"][chosen], preprocessing.crop, rng)
            means = torch.from_numpy(_to_levels(scores["train"][chosen], row)).float()
            predicted = model(images.to_input(batch, preprocessing))
            loss = losses.earth_movers_distance(predicted, losses.normal_distribution(means, row.spread))
            loss = loss + recipe.rank_weight * losses.bradley_terry(predicted @ model.levels, means)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            report(f"{database}: epoch {epoch + 1} of {recipe.epochs}, loss {loss.item():.3f}", step, steps)
        model.eval()
        predicted_scores = score(model, pixels["validation"][:, centre, centre], preprocessing)
        agreement = metrics.srocc(predicted_scores, scores["validation"])
        if agreement > best[0]:
            best = agreement, epoch + 1, task_vectors.copied_blocks(model)

    validation, epoch, weights = best
    merging.put_weights(model, weights)
    test = score(model, pixels["test"][:, centre, centre], preprocessing)
    record: dict[str, object] = {
        "database": database,
        "about": row.about,
        "source": row.source,
        "backbone": backbone,
        "recipe": asdict(recipe),
        "photos": {split: len(members) for split, members in parts.items()},
        "epoch": epoch,
        "validation_srocc": round(validation, 4),
        "test_srocc": round(metrics.srocc(test, scores["test"]), 4),
        "test_plcc": round(metrics.plcc(test, scores["test"]), 4),
    }
    return Trained(weights, record)


@torch.no_grad()
def score(model: backbones.Scorer, pixels: np.ndarray, preprocessing: images.Preprocessing) -> np.ndarray:
    """Scores 1 to 10 of photos given as centre cuts (photos, crop, crop, 3)."""
    parts = [model.score(images.to_input(pixels[start : start + 32], preprocessing)) for start in range(0, len(pixels), 32)]
    return torch.cat(parts).numpy()


def _decode(photos: Sequence[RatedPhoto], preprocessing: images.Preprocessing, margin: int, split: str, report: Report) -> np.ndarray:
    side = preprocessing.crop + 2 * margin
    pixels = np.empty((len(photos), side, side, 3), dtype=np.uint8)
    for number, photo in enumerate(images.counted(f"reading {split} photos", photos, report)):
        pixels[number] = images.to_pixels(photo.read(), preprocessing, margin)
    return pixels


def _training_mode(model: backbones.Scorer) -> None:
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def _augment(pixels: np.ndarray, crop: int, rng: np.random.Generator) -> np.ndarray:
    """A random crop and a random mirror image of each photo."""
    slack = pixels.shape[1] - crop
    cut = np.empty((len(pixels), crop, crop, 3), dtype=np.uint8)
    for number, photo in enumerate(pixels):
        top, left = rng.integers(0, slack + 1, size=2)
        window = photo[top : top + crop, left : left + crop]
        cut[number] = window[:, ::-1] if rng.random() < 0.5 else window
    return cut


def _to_levels(scores: np.ndarray, row: databases.Database) -> np.ndarray:
    """The database's scale laid linearly over 1..10; what lies outside is clipped."""
    return np.clip(1 + 9 * (scores - row.low) / (row.high - row.low), 1, 10)
