"""Making a bank from fine-tuned models: the program behind `./pav build_bank`. Needs torch.

Task vectors are factorised, or kept in another form, and the loss in SROCC is measured on photos that no task has seen; every photo of
the databases that may shape the bank fixes the projection; people's single ratings of photos set aside teach the hyperprior.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from personalize import databases
from personalize.errors import BadBank
from personalize.files import backbones, banks, images, people
from personalize.files.stored_vectors import vector_arrays
from personalize.networks import merging, task_vectors
from personalize.networks.task_vectors import Vector
from personalize.numerics import metrics, prior, projection
from personalize.programs.compressing import Form
from personalize.scorers.describing import BankNetwork
from personalize.training import checkpoints, train
from personalize.training.train import Trained

Report = Callable[[str, int, int], None]


TASKS = ("oasis-beauty", "oasis-valence", "oasis-arousal", "streetpsych-preference", "savoias-complexity", "technical-quality")


@dataclass(frozen=True)
class Plan:
    """What goes into a bank."""

    tasks: tuple[str, ...] = TASKS
    lead: str = "oasis-beauty"  # the task that the generic score leans on
    lead_coefficient: float = 0.75  # the others share the rest equally; see docs/decisions/starting-coefficients.md
    form: Form = field(default_factory=lambda: Form("factorised"))  # how task vectors are kept
    shares: tuple[tuple[str, float], ...] = tuple(projection.SHARES.items())
    raters: tuple[str, str] = ("oasis/ratings.csv", "oasis/images")  # who teach the hyperprior, below the root


def build(trained_folder: Path, root: Path, out: Path, plan: Plan, report: Report = lambda *_: None) -> banks.Card:
    """Build and write a bank.

    Raises:
        BadBank: `out` has another ending than a bank's file, a fine-tuned model is missing, or the models differ in their backbone.
        BadDatabase: see `databases.load` and `people.read`.
    """
    banks.check_name(out)
    models = {task: checkpoints.load(trained_folder / f"{task}.safetensors") for task in plan.tasks}
    names = {str(model.record["backbone"]) for model in models.values()}
    if len(names) != 1:
        raise BadBank(f"The fine-tuned models have different backbones: {', '.join(sorted(names))}.")
    backbone = names.pop()
    base = task_vectors.copied_blocks(backbones.scorer(backbone))
    vectors: dict[str, Vector] = {
        task: {name: plan.form.of(value) for name, value in task_vectors.difference(model.weights, base).items()}
        for task, model in models.items()
    }
    head = {name: value for name, value in base.items() if name.startswith("head.")}
    start = torch.full((len(base), len(plan.tasks)), (1 - plan.lead_coefficient) / (len(plan.tasks) - 1))
    start[:, plan.tasks.index(plan.lead)] = plan.lead_coefficient
    network = BankNetwork(backbone, lambda: backbones.scorer(backbone), base, vectors, start)

    scores = {task: _cost_of_form(network, task, model, root, report) for task, model in models.items()}
    shaping = _shaping_photos(plan.tasks, root)
    described = network.describe_all(images.read(photo) for photo in images.counted("describing the catalogue", shaping, report))
    learned = projection.learn(*described, dict(plan.shares))

    table, folder = (root / part for part in plan.raters)
    seen = frozenset(people.digest(photo) for photo in shaping)
    rated = people.read(table, folder, seen)
    score, raw = network.describe_all(images.read(photo) for photo in images.counted("describing rated photos", rated.photos, report))
    features = learned.apply(score, raw).astype(np.float64)
    # The app asks for dislike, like or love; the hyperprior is learned on ratings cut to the same three steps.
    hyperprior = prior.learn_hyperprior([(features[one.photos], people.in_three_steps(one.ratings)) for one in rated.people])

    arrays: banks.Arrays = {f"base/{name}": value.half().numpy() for name, value in head.items()}
    for task, vector in vectors.items():
        arrays.update(vector_arrays(vector, f"vectors/{task}/"))
    arrays["start"] = start.numpy()
    arrays["seen"] = np.array(sorted(int(name, 16) for name in seen), dtype=np.uint64)
    arrays.update(banks.projection_arrays(learned))
    arrays.update(banks.hyperprior_arrays(hyperprior))
    return banks.write(arrays, _facts(backbone, plan, models, scores, len(shaping), rated), out)


def _cost_of_form(network: BankNetwork, task: str, model: Trained, root: Path, report: Report) -> dict[str, float]:
    """SROCC on the task's test photos: the fine-tuned model whole, and as the bank keeps it."""
    preprocessing = network.backbone.preprocessing
    photos = [photo for photo in databases.load(task, root) if photo.split == "test"]
    counted = images.counted(f"testing {task}", photos, report)
    pixels = np.stack([images.to_pixels(photo.read(), preprocessing) for photo in counted])
    truth = np.array([photo.score for photo in photos])
    fine_tuned = backbones.scorer(network.backbone.name)
    merging.put_weights(fine_tuned, model.weights)
    full = metrics.srocc(train.score(fine_tuned, pixels, preprocessing), truth)
    kept = metrics.srocc(train.score(network.task_model(task), pixels, preprocessing), truth)
    return {"photos": len(photos), "srocc_whole": round(full, 4), "srocc_in_bank": round(kept, 4), "cost": round(full - kept, 4)}


def _shaping_photos(tasks: Sequence[str], root: Path) -> list[Path]:
    """Every photo whose score trained a task vector or picked its epoch."""
    photos = {photo.path for task in tasks for photo in databases.load(task, root) if photo.split != "test"}
    return sorted(photos)


def _facts(
    backbone: str, plan: Plan, models: dict[str, Trained], scores: dict[str, Any], shaping: int, rated: people.Ratings
) -> dict[str, Any]:
    row = backbones.find(backbone)
    return {
        "backbone": backbone,
        "backbone_sha256": row.sha256,
        "backbone_source": row.source,
        "backbone_licence": row.licence,
        "preprocessing": {
            "resize": row.preprocessing.resize,
            "crop": row.preprocessing.crop,
            "mean": row.preprocessing.mean,
            "std": row.preprocessing.std,
        },
        "tasks": list(plan.tasks),
        "form": plan.form.facts,
        "start": {"lead": plan.lead, "coefficient": plan.lead_coefficient, "others": "share the rest equally"},
        "trained": {task: {"licence": banks.UNKNOWN, **model.record} for task, model in models.items()},
        "factorised": scores,
        "projection": {"photos": shaping, "shares": dict(plan.shares)},
        "hyperprior": {"people": len(rated.people), "photos": len(rated.photos), "ratings": "cut to three steps at each person's thirds"},
    }
