"""Building of a bank from fine-tuned models; behind `./pav build_bank`. Needs torch.

Task vectors are factorised, or stored in another form, and the loss in SROCC is measured on test photos. The mean and SD of the score are
those over the train and validation photos of all tasks. Then follow the bank's extractors and its taste part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import torch

from personalize import datasets
from personalize.bank_building import generic_score, onnx_extractors
from personalize.bank_building.compressing import in_form
from personalize.bank_building.forms import Form
from personalize.bank_building.generic_score import TastePlan
from personalize.errors import BadCheckpoint
from personalize.files import backbones, banks, images, open_banks
from personalize.files.banks import BankFacts, BankMetadata, Origin
from personalize.files.open_banks import Bank
from personalize.files.photo_files import digest, digest_array
from personalize.files.stored_vectors import vector_arrays
from personalize.networks import merging, task_vectors
from personalize.numerics import metrics
from personalize.progress import ProgressCallback, no_progress, tracked
from personalize.scorers.task_scoring import score_constants
from personalize.training import checkpoints, train
from personalize.training.checkpoints import Trained

TASKS = ("oasis-beauty", "oasis-valence", "oasis-arousal", "streetpsych-preference", "savoias-complexity", "technical-quality")


@dataclass(frozen=True)
class BuildPlan:
    """Contents of a bank to build."""

    tasks: tuple[str, ...] = TASKS
    lead: str = "oasis-beauty"  # the task with the largest part in the merged network
    lead_coefficient: float = 0.75  # the others share the rest equally; see docs/decisions/starting-coefficients.md
    form: Form = field(default_factory=lambda: Form("factorised"))  # how task vectors are stored
    taste: TastePlan = field(default_factory=TastePlan)


class FormCost(TypedDict):
    """SROCC on a task's test photos: of the fine-tuned model, and of the model that the bank stores."""

    photos: int
    srocc_whole: float
    srocc_in_bank: float
    cost: float


def build(
    trained_folder: Path, root: Path, out: Path, plan: BuildPlan, cache: Path, progress: ProgressCallback = no_progress
) -> BankMetadata:
    """Build and write a bank, its extractors and its taste part. `cache` is a folder that keeps raw features of photos.

    Raises:
        BadBank: `out` does not have the file name ending of a bank.
        BadCheckpoint: a fine-tuned model is missing, or the models have different backbones.
        BadDataset, NoSingleRatings: see `datasets.load` and `datasets.ratings`.
    """
    banks.check_name(out)
    models = {task: checkpoints.load(trained_folder / f"{task}.safetensors") for task in plan.tasks}
    names = {model.record["backbone"] for model in models.values()}
    if len(names) != 1:
        raise BadCheckpoint(f"The fine-tuned models have different backbones: {', '.join(sorted(names))}.")
    backbone = names.pop()
    bank = _in_memory(backbone, plan, models)
    costs = {task: _cost_of_form(bank, task, model, root, progress) for task, model in models.items()}

    shaping = _shaping_photos(plan.tasks, root)
    arrays = {
        **bank.arrays,
        "score": score_constants(bank, shaping, progress),
        "seen": digest_array(digest(photo) for photo in shaping),
    }
    banks.write(arrays, _facts(backbone, plan, models, costs, len(shaping)), out)
    onnx_extractors.write(out, progress)
    return generic_score.train(out, root, cache, plan.taste, progress)


def _in_memory(backbone: str, plan: BuildPlan, models: Mapping[str, Trained]) -> Bank:
    """The part of the bank that follows from the fine-tuned models."""
    base = task_vectors.copied_blocks(backbones.scorer(backbone))
    arrays = {f"base/{name}": value.half().numpy() for name, value in base.items() if name.startswith("head.")}
    for task, model in models.items():
        vector = task_vectors.difference(model.weights, base)
        arrays.update(vector_arrays({name: in_form(value, plan.form) for name, value in vector.items()}, f"vectors/{task}/"))
    start = torch.full((len(base), len(plan.tasks)), (1 - plan.lead_coefficient) / (len(plan.tasks) - 1))
    start[:, plan.tasks.index(plan.lead)] = plan.lead_coefficient
    arrays["start"] = start.numpy()
    return open_banks.of_arrays(BankMetadata(backbone, plan.tasks, "", {"backbone": backbone, "tasks": plan.tasks}), arrays)


def _cost_of_form(bank: Bank, task: str, model: Trained, root: Path, progress: ProgressCallback) -> FormCost:
    preprocessing = backbones.find(bank.metadata.backbone).preprocessing
    photos = [photo for photo in datasets.load(task, root) if photo.split == "test"]
    pixels = np.stack([images.to_pixels(photo.read(), preprocessing) for photo in tracked(f"testing {task}", photos, progress)])
    truth = np.array([photo.score for photo in photos])
    fine_tuned = backbones.scorer(bank.metadata.backbone)
    merging.put_weights(fine_tuned, model.weights)
    whole = metrics.srocc(train.score(fine_tuned, pixels, preprocessing), truth)
    stored = metrics.srocc(train.score(bank.merged(bank.one_hot(task)), pixels, preprocessing), truth)
    return {"photos": len(photos), "srocc_whole": round(whole, 4), "srocc_in_bank": round(stored, 4), "cost": round(whole - stored, 4)}


def _shaping_photos(tasks: Sequence[str], root: Path) -> list[Path]:
    """Every photo that trained a task vector or selected its epoch."""
    photos = {photo.path for task in tasks for photo in datasets.load(task, root) if photo.split != "test"}
    return sorted(photos)


def _facts(backbone: str, plan: BuildPlan, models: Mapping[str, Trained], costs: Mapping[str, FormCost], shaping: int) -> BankFacts:
    row = backbones.find(backbone)
    return {
        "backbone": backbone,
        "backbone_sha256": row.sha256,
        "backbone_source": row.source,
        "backbone_licence": row.licence,
        "preprocessing": row.preprocessing.facts,
        "tasks": list(plan.tasks),
        "form": plan.form.facts,
        "start": {"lead": plan.lead, "coefficient": plan.lead_coefficient, "others": "share the rest equally"},
        "trained": {task: cast(Origin, {"licence": banks.UNKNOWN, **model.record}) for task, model in models.items()},
        "factorised": costs,
        "score": {"photos": shaping},
    }
