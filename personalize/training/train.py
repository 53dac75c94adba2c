"""Fine-tuning of a scorer on one dataset; behind `./pav train_task_vector`.

AdamW with one learning rate for the encoder and one for the head, warm-up and cosine schedule; batch norm statistics stay those of the base
model, because a task vector changes parameters only. Loss = earth mover's distance to the distribution of scores + rank_weight x
Bradley-Terry loss of the order within a batch. Validation photos select the epoch; test photos are scored once, at the end. Runs in one
process, or in several through Accelerate.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from personalize import __version__, datasets
from personalize.datasets import RatedPhoto
from personalize.errors import BadDataset, PersonalizeError
from personalize.files import backbones, images
from personalize.networks import losses, merging, task_vectors
from personalize.networks.scorer import Scorer
from personalize.numerics import metrics
from personalize.progress import ProgressCallback, no_progress
from personalize.training import checkpoints, optimizers
from personalize.training.checkpoints import Record, RunFacts, RunProgress, Trained
from personalize.training.recipes import Recipe
from personalize.training.training_photos import TrainingPhotos, targets

SPLITS = ("train", "validation", "test")
STATE = "state.safetensors"


@dataclass(frozen=True)
class Run:
    """Where and how to run a recipe."""

    folder: Path | None = None  # of the state and the TensorBoard log; None: neither is written
    resume: bool = False
    save_every: int = 0  # steps; 0: at the end of each epoch only
    precision: str = ""  # no, bf16 or fp16; empty: bf16 on a GPU that supports it, else no
    workers: int = 0  # processes that decode photos; 0: this one
    weights: Path | None = None  # file of the pre-trained weights; None: the backbone's own
    protocol: datasets.DatasetProtocol = "leak-free"


def fine_tune(
    dataset: str, root: Path, backbone: str, recipe: Recipe, progress: ProgressCallback = no_progress, run: Run = Run()
) -> Trained:
    """Train the scorer of `backbone` on a dataset.

    Raises:
        UnknownName, BadDataset, MissingWeights: see `datasets.load` and `backbones.scorer`.
        BadCheckpoint: there is no state to resume, or it belongs to another run.
        PersonalizeError: the batch cannot be divided among the processes, or there are too few photos for a batch.
    """
    return _Training(dataset, root, backbone, recipe, progress, run).result()


class _Training:
    def __init__(self, dataset: str, root: Path, backbone: str, recipe: Recipe, progress: ProgressCallback, run: Run) -> None:
        self.dataset, self.recipe, self.run = datasets.find(dataset), recipe, run
        on_gpu = torch.cuda.is_available()
        default = "bf16" if on_gpu and torch.cuda.is_bf16_supported() else "no"
        self.accelerator = Accelerator(mixed_precision=run.precision or default, cpu=not on_gpu)
        self.report = progress if self.accelerator.is_main_process else no_progress
        self.share = recipe.batch // recipe.accumulate
        if self.share % self.accelerator.num_processes:
            raise PersonalizeError(
                f"{self.share} photos at once cannot be divided equally among {self.accelerator.num_processes} processes."
            )
        self.preprocessing = backbones.find(backbone).preprocessing
        self.parts = _parts(dataset, datasets.load(dataset, root, run.protocol))
        self.model = backbones.scorer(backbone, seed=0, weights=run.weights)
        self.steps_of_epoch = len(self._order(0))
        if not self.steps_of_epoch:
            seen = min(len(self.parts["train"]), recipe.most_photos)
            raise PersonalizeError(f"{seen} photos an epoch are too few for {recipe.accumulate} parts in each process.")
        self.steps = recipe.epochs * self.steps_of_epoch
        optimizer = optimizers.optimizer(self.model, recipe)
        self.rates = optimizers.schedule(optimizer, recipe, self.steps)
        self.wrapped, self.optimizer = self.accelerator.prepare(self.model, optimizer)
        self.facts: RunFacts = {"dataset": dataset, "protocol": run.protocol, "backbone": backbone, "recipe": asdict(recipe)}
        self.progress = RunProgress()
        self.best: dict[str, Tensor] = {}
        if run.resume and run.folder:
            self.progress, self.best = checkpoints.load_state(run.folder / STATE, self.facts, self.model, self.optimizer)
            optimizers.fast_forward(self.rates, self._step())
        # Reading photos is slow, so it comes last: other errors are raised before it.
        self.photos = {split: TrainingPhotos(part, self.preprocessing, recipe, self.report, split) for split, part in self.parts.items()}

    def result(self) -> Trained:
        log = SummaryWriter(str(self.run.folder)) if self.run.folder and self.accelerator.is_main_process else None
        distributions, means = targets(self.parts["train"], self.dataset)
        while self.progress.epoch < self.recipe.epochs:
            self._epoch(distributions.to(self.accelerator.device), means.to(self.accelerator.device), log)
            agreement = metrics.srocc(*self._scored("validation"))
            if agreement > self.progress.best_srocc:
                self.progress.best_srocc, self.progress.best_epoch = agreement, self.progress.epoch + 1
                self.best = {name: value.cpu() for name, value in task_vectors.copied_blocks(self.model).items()}
            self.progress.epoch, self.progress.step = self.progress.epoch + 1, 0
            if log:
                log.add_scalar("validation/srocc", agreement, self.progress.epoch * self.steps_of_epoch)
            self._save()
        merging.put_weights(self.model, self.best)
        predicted, truth = self._scored("test")
        if log:
            log.close()
        return Trained(self.best, self._record(metrics.srocc(predicted, truth), metrics.plcc(predicted, truth)))

    def _epoch(self, distributions: Tensor, means: Tensor, log: SummaryWriter | None) -> None:
        recipe = self.recipe
        _training_mode(self.model)
        for pixels, chosen in self._batches():
            step, began = self._step(), time.perf_counter()
            parts = list(zip(pixels.chunk(recipe.accumulate), chosen.chunk(recipe.accumulate), strict=True))
            distances = orders = 0.0
            for number, (some, places) in enumerate(parts):
                # Dropout draws from torch's global generator. Seeding it by the step makes a resumed run draw the same.
                torch.manual_seed(hash((recipe.seed, step, number, self.accelerator.process_index)) % 2**63)
                distance, order = self._losses(some, distributions[places], means[places])
                self.accelerator.backward((distance + recipe.rank_weight * order) / len(parts))
                distances, orders = distances + distance.item() / len(parts), orders + order.item() / len(parts)
            self.accelerator.clip_grad_norm_(self.wrapped.parameters(), recipe.clip)
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.progress.step += 1
            if log:
                self._log(log, step, distances, orders, len(chosen) * self.accelerator.num_processes / (time.perf_counter() - began))
            self.rates.step()
            loss = distances + recipe.rank_weight * orders
            self.report(f"{self.dataset.name}: epoch {self.progress.epoch + 1} of {recipe.epochs}, loss {loss:.3f}", step + 1, self.steps)
            if self.run.save_every and self.progress.step % self.run.save_every == 0:
                self._save()

    def _step(self) -> int:
        """The next step, counted from 0 over the whole run."""
        return self.progress.epoch * self.steps_of_epoch + self.progress.step

    def _losses(self, pixels: Tensor, distributions: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
        predicted = self.wrapped(images.to_input(pixels.numpy(), self.preprocessing).to(self.accelerator.device)).float()
        return losses.earth_movers_distance(predicted, distributions), losses.bradley_terry(predicted @ self.model.levels, means)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's share of each batch, from the next step on: pixels, and places of the photos."""
        epoch, left = self.progress.epoch, self._order(self.progress.epoch)[self.progress.step :]
        mine = [batch[self.accelerator.process_index :: self.accelerator.num_processes] for batch in left]
        asked = [[(epoch, int(place)) for place in batch] for batch in mine]
        loader: DataLoader[Tensor] = DataLoader(self.photos["train"], batch_sampler=asked, num_workers=self.run.workers)
        for pixels, batch in zip(loader, mine, strict=True):
            yield pixels, torch.from_numpy(batch)

    def _order(self, epoch: int) -> list[np.ndarray]:
        """The batches of an epoch, as places of photos; the last is cut so that processes and parts divide it equally."""
        recipe = self.recipe
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(self.parts["train"]))[: recipe.most_photos]
        equal = self.accelerator.num_processes * recipe.accumulate
        batches = [order[start : start + recipe.batch] for start in range(0, len(order), recipe.batch)]
        return [batch[: len(batch) // equal * equal] for batch in batches if len(batch) >= equal]

    @torch.no_grad()
    def _scored(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Predicted and true scores of a split; each process scores its share."""
        self.model.eval()
        mine = range(self.accelerator.process_index, len(self.parts[split]), self.accelerator.num_processes)
        asked = [[(-1, place) for place in mine[start : start + 32]] for start in range(0, len(mine), 32)]
        loader: DataLoader[Tensor] = DataLoader(self.photos[split], batch_sampler=asked, num_workers=self.run.workers)
        scores: list[float] = []
        for pixels in loader:
            batch = images.to_input(pixels.numpy(), self.preprocessing).to(self.accelerator.device)
            scores += self.model.score(batch).float().cpu().tolist()
        scored = dict(gather_object(list(zip(mine, scores, strict=True))))
        truth = np.array([photo.score for photo in self.parts[split]])
        return np.array([scored[place] for place in range(len(truth))]), truth

    def _save(self) -> None:
        if self.run.folder and self.accelerator.is_main_process:
            checkpoints.save_state(self.run.folder / STATE, self.facts, self.progress, self.model, self.optimizer, self.best)

    def _log(self, log: SummaryWriter, step: int, distance: float, order: float, speed: float) -> None:
        groups = self.optimizer.param_groups
        figures = {
            "earth_movers_distance": distance,
            "bradley_terry": order,
            "encoder_rate": groups[0]["lr"],
            "head_rate": groups[-1]["lr"],
        }
        for name, value in (figures | {"photos_per_second": speed}).items():
            log.add_scalar(f"train/{name}", value, step)

    def _record(self, srocc: float, plcc: float) -> Record:
        record = {
            **self.facts,
            "about": self.dataset.about,
            "source": self.dataset.source,
            "licence": self.dataset.licence,
            "pav_version": __version__,
            "photos": {split: len(part) for split, part in self.parts.items()},
            "processes": self.accelerator.num_processes,
            "epoch": self.progress.best_epoch,
            "validation_srocc": round(self.progress.best_srocc, 4),
            "test_srocc": round(srocc, 4),
            "test_plcc": round(plcc, 4),
        }
        return cast(Record, record)


@torch.no_grad()
def score(model: Scorer, pixels: np.ndarray, preprocessing: images.Preprocessing) -> np.ndarray:
    """Scores 1 to 10 of photos given as centre crops (photos, crop, crop, 3)."""
    device = next(model.parameters()).device
    parts = [model.score(images.to_input(pixels[start : start + 32], preprocessing).to(device)) for start in range(0, len(pixels), 32)]
    return torch.cat(parts).cpu().numpy()


def _parts(dataset: str, photos: Sequence[RatedPhoto]) -> dict[str, list[RatedPhoto]]:
    parts = {split: [photo for photo in photos if photo.split == split] for split in SPLITS}
    for split, members in parts.items():
        if len(members) < 2:
            raise BadDataset(f"{dataset} has {len(members)} {split} photos; at least 2 are needed.")
    return parts


def _training_mode(model: Scorer) -> None:
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
