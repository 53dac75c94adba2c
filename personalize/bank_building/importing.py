"""Import of the checkpoints that Yun & Choo (ECCV 2024) published, as a bank; behind `./pav import_bank`. Needs torch.

tau_t = theta_t - theta_0, with theta_0 the pre-trained image tower. The head from which all tasks started was not published; the mean of
the task heads replaces it. Any other choice gives the same task models.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from personalize.bank_building import published_checkpoints
from personalize.bank_building.compressing import Form, versions
from personalize.errors import IncompatibleTaskVector
from personalize.files import backbones, banks, images, weight_files
from personalize.files.banks import BankFacts, BankMetadata
from personalize.files.mapped_arrays import ArrayWriter, Planned
from personalize.files.open_banks import Bank, view
from personalize.files.photo_files import digest, photos_in
from personalize.files.stored_vectors import parts
from personalize.files.unfinished_banks import unfinished
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from personalize.networks.tangents import Tangents
from personalize.numerics import projection
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.projection import SHARES, Projection
from personalize.progress import ProgressCallback, no_progress, tracked

AT_ONCE = 8  # photos in a batch


@dataclass(frozen=True)
class ImportPlan:
    """Contents of a bank to import."""

    backbone: str
    checkpoints: Mapping[str, Path]  # by task
    weights: Path | None = None  # file of the pre-trained base; None: the backbone's own, from the hub's cache or a download
    form: Form = field(default_factory=lambda: Form("full"))
    photos: Path | None = None  # folder of photos to learn the projection from; None: a bank for fits and evaluation only


def import_bank(plan: ImportPlan, out: Path, progress: ProgressCallback = no_progress) -> BankMetadata:
    """Write a bank with its base encoder, a vector per task, equal starting coefficients, and the hash of every source.

    A stopped run resumes after the last checkpoint that it finished (`unfinished_banks`).

    Raises:
        MissingWeights: the base weights, or a checkpoint, cannot be read; see `backbones.scorer`.
        IncompatibleTaskVector: a checkpoint differs from the base in a key or its shape, or contains numbers that are not finite; the
            message names the key.
        BadPhoto: the folder has no photos.
        BadBank: `out` does not have the file name ending of a bank.
    """
    banks.check_name(out)
    photos = photos_in(plan.photos) if plan.photos else []
    base_file = plan.weights or backbones.find(plan.backbone).file()
    base = backbones.scorer(plan.backbone, weights=base_file)
    tasks = list(plan.checkpoints)
    published_checkpoints.put_mean_head(base, plan.checkpoints)
    own, buffers = task_vectors.blocks(base), published_checkpoints.buffers(base)
    small = {
        "start": np.full((len(own), len(tasks)), 1 / len(tasks), dtype=np.float32),
        **banks.hyperprior_arrays(Hyperprior.flat()),
    }
    planned: dict[str, Planned] = {name: (value.dtype, value.shape) for name, value in small.items()}
    planned |= {f"base/{name}": (np.dtype("f4"), tuple(value.shape)) for name, value in own.items()}
    planned |= {f"buffers/{name}": (value.numpy().dtype, tuple(value.shape)) for name, value in buffers.items()}
    for task in tasks:
        planned.update(plan.form.planned({name: value.shape for name, value in own.items()}, f"vectors/{task}/"))
    if photos:
        planned |= _planned_projection(len(own) * len(tasks), backbones.find(plan.backbone).width)

    facts = _facts(plan, base_file, len(photos))
    with unfinished(out, {"card": facts, "photos": [digest(photo) for photo in photos], **versions()}, planned) as bank:

        def base_and_start() -> None:
            for name, array in small.items():
                bank.writer.put(name, array)
            for prefix, tensors in (("base/", own), ("buffers/", buffers)):
                for name, value in tensors.items():
                    bank.writer.put(f"{prefix}{name}", value.detach().numpy())

        def projection_from_photos() -> None:
            learned = _learn_projection(view(BankMetadata(plan.backbone, tuple(tasks), "", facts), bank.path), photos, progress)
            for name, array in banks.projection_arrays(learned).items():
                bank.writer.put(name, array)

        bank.step("base", base_and_start)
        for task, path in plan.checkpoints.items():
            bank.step(f"vector {task}", partial(_write_vector, task, path, base, plan.form, bank.writer, progress))
        if photos:
            own.clear()
            buffers.clear()
            del base  # one model at a time
            bank.step("projection", projection_from_photos)
        return bank.publish(facts, out)


@torch.no_grad()
def _write_vector(task: str, path: Path, base: Scorer, form: Form, writer: ArrayWriter, progress: ProgressCallback) -> None:
    own = task_vectors.blocks(base)
    tuned = published_checkpoints.aligned(weight_files.read(path), base, path)
    for name in tracked(f"importing {task}", list(own), progress):
        if not bool(torch.isfinite(tuned[name]).all()):
            raise IncompatibleTaskVector(f"{path}: {published_checkpoints.their_name(name)} contains numbers that are not finite.")
        for part, tensor in parts(form.of(tuned[name].float() - own[name])):
            writer.put(f"vectors/{task}/{name}/{part}", tensor.numpy())


def _planned_projection(tangents: int, width: int) -> dict[str, Planned]:
    sizes = {"tangents": tangents, "merged": width, "plain": width}
    raw = sum(sizes[group] for group in SHARES)
    empty = Projection(tuple(SHARES), 0.0, 1.0, np.zeros(raw), np.zeros((raw, projection.FEATURES - 1)))
    return {name: (value.dtype, value.shape) for name, value in banks.projection_arrays(empty).items()}


def _learn_projection(bank: Bank, photos: Sequence[Path], progress: ProgressCallback) -> Projection:
    """Learn the projection in two passes over the photos, merged with tangents, then plain: only one model at a time is in memory."""
    preprocessing = backbones.find(bank.metadata.backbone).preprocessing

    def batches(what: str) -> Iterator[Tensor]:
        for start in range(0, len(photos), AT_ONCE):
            progress(what, start, len(photos))
            yield from images.batches(photos[start : start + AT_ONCE], preprocessing, AT_ONCE)
        progress(what, len(photos), len(photos))

    tangents = Tangents(bank.merged(bank.start), list(bank.vectors.values()))
    linearised = [tangents.compute(batch) for batch in batches("extracting features")]
    del tangents
    plain = bank.scorer()
    with torch.inference_mode():
        embedded = [plain.encoder(batch) for batch in batches("extracting features of the base")]
    score, along, merged = (torch.cat(part) for part in zip(*linearised, strict=True))
    raw = {"tangents": along.flatten(1).numpy(), "merged": merged.numpy(), "plain": torch.cat(embedded).numpy()}
    return projection.learn(score.numpy().astype(np.float64), raw, SHARES)


def _facts(plan: ImportPlan, base_file: Path, photos: int) -> BankFacts:
    row = backbones.find(plan.backbone)
    return {
        "backbone": plan.backbone,
        "backbone_sha256": banks.sha256(base_file),
        "backbone_source": row.source if not plan.weights else f"file {plan.weights.name}",
        "backbone_licence": row.licence,
        "preprocessing": row.preprocessing.facts,
        "tasks": list(plan.checkpoints),
        "base": {
            "encoder": "in the bank, from the backbone's weights",
            "head": "mean of the task heads: the head that they started from was not published",
        },
        "form": plan.form.facts,
        "start": {"mixture": "equal"},
        "sources": {
            task: {
                "file": path.name,
                "bytes": path.stat().st_size,
                "sha256": banks.sha256(path),
                "database": published_checkpoints.DATASETS.get(task, "not known"),
                "licence": banks.UNKNOWN,  # of the dataset
            }
            for task, path in plan.checkpoints.items()
        },
        "licence": "of the checkpoints: as their authors state; the files say nothing of it",
        "paper": "Yun & Choo, Scaling Up Personalized Image Aesthetic Assessment via Task Vector Customization, ECCV 2024",
        "projection": {"photos": photos, "shares": SHARES} if photos else "none: for fits and evaluation by the network, not for the app",
        "hyperprior": "flat: learned from nobody",
    }
