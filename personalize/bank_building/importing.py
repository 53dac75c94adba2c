"""Import of the checkpoints that Yun & Choo (ECCV 2024) published, as a bank; behind `./pav import_bank`. Needs torch.

tau_t = theta_t - theta_0, with theta_0 the pre-trained image tower. The head from which all tasks started was not published; the mean of
the task heads replaces it. Any other choice gives the same task models. Photos, where they are given, standardise the score; the bank then
gets extractors and a taste part, which the app needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch

from personalize.bank_building import generic_score, onnx_extractors, published_checkpoints
from personalize.bank_building.compressing import in_form, planned_vector, versions
from personalize.bank_building.forms import Form
from personalize.errors import BadProjection
from personalize.files import backbones, banks, weight_files
from personalize.files.banks import BankFacts, BankMetadata
from personalize.files.mapped_arrays import ArrayWriter, Planned
from personalize.files.open_banks import view
from personalize.files.photo_files import digest, photos_in
from personalize.files.stored_vectors import parts
from personalize.files.unfinished_banks import unfinished
from personalize.networks import task_vectors
from personalize.networks.scorer import Scorer
from personalize.numerics.projection import LEAST_PHOTOS
from personalize.progress import ProgressCallback, no_progress, tracked
from personalize.scorers.task_scoring import score_constants


@dataclass(frozen=True)
class ImportPlan:
    """Contents of a bank to import."""

    backbone: str
    checkpoints: Mapping[str, Path]  # by task
    weights: Path | None = None  # file of the pre-trained base; None: the backbone's own, from the hub's cache or a download
    form: Form = field(default_factory=lambda: Form("full"))
    photos: Path | None = None  # folder of photos for the score, extractors and taste part; None: a bank for exact fits only


def import_bank(plan: ImportPlan, out: Path, progress: ProgressCallback = no_progress) -> BankMetadata:
    """Write a bank with its base encoder, a vector per task, equal starting coefficients, and the hash of every source.

    A stopped run resumes after the last checkpoint, extractors or taste part that it finished (`unfinished_banks`).

    Raises:
        MissingWeights: the base weights, or a checkpoint, cannot be read; see `backbones.scorer`.
        IncompatibleTaskVector: a checkpoint differs from the base in a key or its shape, or contains numbers that are not finite; the
            message names the key.
        BadPhoto: the folder has no photos.
        BadProjection: it has too few, or they are all alike.
        BadBank: `out` does not have the file name ending of a bank.
    """
    banks.check_name(out)
    photos = photos_in(plan.photos) if plan.photos else []
    if photos and len(photos) < LEAST_PHOTOS:
        raise BadProjection(f"{plan.photos} has {len(photos)} photos: a bank's own projection is learned from at least {LEAST_PHOTOS}.")
    base_file = plan.weights or backbones.find(plan.backbone).file()
    base = backbones.scorer(plan.backbone, weights=base_file)
    tasks = list(plan.checkpoints)
    published_checkpoints.put_mean_head(base, plan.checkpoints)
    own, buffers = task_vectors.blocks(base), published_checkpoints.buffers(base)
    start = np.full((len(own), len(tasks)), 1 / len(tasks), dtype=np.float32)
    planned: dict[str, Planned] = {"start": (start.dtype, start.shape)}
    planned |= {f"base/{name}": (np.dtype("f4"), tuple(value.shape)) for name, value in own.items()}
    planned |= {f"buffers/{name}": (value.numpy().dtype, tuple(value.shape)) for name, value in buffers.items()}
    for task in tasks:
        planned.update(planned_vector({name: value.shape for name, value in own.items()}, plan.form, f"vectors/{task}/"))
    if photos:
        planned["score"] = (np.dtype("f8"), (2,))

    facts = _facts(plan, base_file, len(photos))
    with unfinished(out, {"card": facts, "photos": [digest(photo) for photo in photos], **versions()}, planned) as bank:

        def base_and_start() -> None:
            bank.writer.put("start", start)
            for prefix, tensors in (("base/", own), ("buffers/", buffers)):
                for name, value in tensors.items():
                    bank.writer.put(f"{prefix}{name}", value.detach().numpy())

        def score() -> None:
            metadata = BankMetadata(plan.backbone, tuple(tasks), "", facts)
            bank.writer.put("score", score_constants(view(metadata, bank.path), photos, progress))

        def taste_part(folder: Path) -> None:
            generic_score.write_without_datasets(bank.path, folder, bank.folder / "raw", progress)

        bank.step("base", base_and_start)
        for task, path in plan.checkpoints.items():
            bank.step(f"vector {task}", partial(_write_vector, task, path, base, plan.form, bank.writer, progress))
        if photos:
            own.clear()
            buffers.clear()
            del base  # one model at a time
            bank.step("score", score)
        bank.complete(facts)
        if plan.photos:
            onnx_extractors.write_step(bank, progress)
            bank.step("taste part", partial(taste_part, plan.photos))
        return bank.publish()


@torch.no_grad()
def _write_vector(task: str, path: Path, base: Scorer, form: Form, writer: ArrayWriter, progress: ProgressCallback) -> None:
    own = task_vectors.blocks(base)
    tuned = published_checkpoints.aligned(weight_files.read(path), base, path)
    for name in tracked(f"importing {task}", list(own), progress):
        for part, tensor in parts(in_form(tuned[name].float() - own[name], form)):
            writer.put(f"vectors/{task}/{name}/{part}", tensor.numpy())


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
                "dataset": published_checkpoints.DATASETS.get(task, "not known"),
                "licence": banks.UNKNOWN,  # of the dataset
            }
            for task, path in plan.checkpoints.items()
        },
        "licence": "of the checkpoints: as their authors state; the files say nothing of it",
        "paper": "Yun & Choo, Scaling Up Personalized Image Aesthetic Assessment via Task Vector Customization, ECCV 2024",
        "score": {"photos": photos} if photos else "not standardised: for exact fits, not for the app",
    }
