"""Compression of a bank, with its loss of accuracy; behind `./pav bank_compress`. Needs torch.

Works block by block: besides the mapped files, memory contains one block of one task vector, and one model while photos are scored.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor

from personalize import __version__
from personalize.bank_building import onnx_extractors
from personalize.bank_building.forms import Form
from personalize.errors import BadBank
from personalize.files import taste_parts
from personalize.files.banks import BankFacts, BankMetadata, Compression, ScoreCost
from personalize.files.mapped_arrays import ArrayWriter, Planned
from personalize.files.open_banks import Bank, open_bank, view
from personalize.files.photo_files import digest, photos_in
from personalize.files.stored_vectors import form_of, parts, planned_parts
from personalize.files.unfinished_banks import UnfinishedBank, unfinished
from personalize.networks import task_vectors
from personalize.networks.task_vectors import Block
from personalize.numerics import metrics
from personalize.progress import ProgressCallback, no_progress, tracked
from personalize.scorers.task_scoring import task_scores


def in_form(value: Tensor, form: Form) -> Block:
    """One block of a task vector in this form."""
    if form.name == "factorised":
        return task_vectors.factors(value, form.rank)
    if form.name == "quantised":
        return task_vectors.quantised(value)
    return value.half() if form.name == "half" else value.float()


def planned_vector(shapes: Mapping[str, Sequence[int]], form: Form, prefix: str) -> Iterator[tuple[str, Planned]]:
    """Names, types and shapes of the arrays that store a task vector with blocks of these shapes."""
    for block, shape in shapes.items():
        kept = in_form(torch.empty(tuple(shape), device="meta"), form)
        yield from ((f"{prefix}{block}/{part}", planned) for part, planned in planned_parts(kept))


def compress(path: Path, out: Path, form: Form, photos: Path | None = None, progress: ProgressCallback = no_progress) -> BankMetadata:
    """Write the bank at `path` with its task vectors in another form, and the measured cost in its metadata.

    Measures the relative error of each task vector, |tau - kept| / |tau|; with a folder of photos also how each task model's scores and
    ranking change. Leaves everything else in the bank as it is. A bank with extractors gets new ones, because the merged network changes;
    its taste part is kept, because task heads use published networks, which do not change. A stopped run resumes after the last task vector
    or other part that it finished (`unfinished_banks`).

    Raises:
        BadBank: the bank cannot be read, or would be overwritten.
        BadPhoto: the folder has no photos, or a file in it is not a photo.
        MissingWeights: see `onnx_extractors.write`.
    """
    if out.resolve() == path.resolve():
        raise BadBank(f"{out} is the bank itself: name another file.")
    source = open_bank(path)
    if not source.vectors:
        raise BadBank(f"{path} has no task vectors, so there is nothing to compress.")
    has_extractors, has_taste = "extractors" in source.metadata.facts, "taste" in source.metadata.facts
    taste = taste_parts.read(path) if has_taste else None
    found = photos_in(photos) if photos else []
    others = [name for name in source.arrays if not name.startswith("vectors/")]
    planned = {name: (source.arrays[name].dtype, source.arrays[name].shape) for name in others}
    for task, vector in source.vectors.items():
        planned.update(planned_vector({name: block.shape for name, block in vector.items()}, form, f"vectors/{task}/"))
    inputs = {
        "bank": source.metadata.sha256,
        "card": source.metadata.facts,
        "form": form.facts,
        "photos": [digest(photo) for photo in found],
        **versions(),
    }
    with unfinished(out, inputs, planned) as bank:

        def copy_others() -> None:
            for name in others:
                bank.writer.put(name, source.arrays[name])

        bank.step("others", copy_others)
        work = {task: partial(_compress_vector, source, task, form, bank.writer, progress) for task in source.vectors}
        errors = {task: bank.step(f"vector {task}", compressed) for task, compressed in work.items()}
        cost: Compression = {
            "form": form.name,
            "from": source.metadata.sha256,
            "form_before": {task: form_of(vector) for task, vector in source.vectors.items()},
            "relative_error": {task: round(error, 6) for task, error in errors.items()},
        }
        if found:
            cost["photos"] = len(found)
            cost["scores"] = _cost_in_scores(source, bank, found, progress)
        if has_extractors:
            cost["extractors"] = "written anew: the merged network has changed"
        if taste:
            cost["taste"] = "kept: of its parts only the projection, learned before this compression, uses the merged network's embedding"
        before = source.metadata.facts.get("compressed", [])
        facts: BankFacts = {**source.metadata.facts, "form": form.facts, "compressed": [*before, cost]}
        facts.pop("extractors", None)
        facts.pop("taste", None)

        bank.complete(facts)
        if has_extractors:
            onnx_extractors.write_step(bank, progress)
        if taste:
            taste_parts.write(taste, bank.path)
        return bank.publish()


def versions() -> dict[str, str]:
    """Versions that affect the bytes of a bank's files; a run resumes only with the same ones."""
    return {"pav": __version__, "torch": torch.__version__, "numpy": np.__version__, "onnx": onnx.__version__}


def _compress_vector(source: Bank, task: str, form: Form, writer: ArrayWriter, progress: ProgressCallback) -> float:
    vector, lost, length = source.vectors[task], 0.0, 0.0
    for name in tracked(f"compressing {task}", list(vector), progress):
        value = task_vectors.whole_block(vector[name])
        kept = in_form(value, form)
        for part, tensor in parts(kept):
            writer.put(f"vectors/{task}/{name}/{part}", tensor.numpy())
        lost += float((task_vectors.whole_block(kept) - value).double().square().sum())
        length += float(value.double().square().sum())
    return (lost / length) ** 0.5 if length else 0.0


def _cost_in_scores(source: Bank, unfinished_bank: UnfinishedBank, found: list[Path], progress: ProgressCallback) -> dict[str, ScoreCost]:
    kept, model = view(source.metadata, unfinished_bank.path), cache(source.scorer)

    def cost(task: str) -> ScoreCost:
        before, after = (task_scores(model(), bank, task, found, progress) for bank in (source, kept))
        return {
            "srocc": round(metrics.srocc(before, after), 5),
            "largest_difference": round(float(np.abs(before - after).max()), 5),
            "standard_deviation": round(float(before.std()), 5),
        }

    return {task: unfinished_bank.step(f"scores of {task}", partial(cost, task)) for task in source.vectors}
