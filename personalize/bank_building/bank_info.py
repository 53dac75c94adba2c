"""Summary of a bank in numbers; behind `./pav bank_info`. Needs torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch

from personalize.files import banks
from personalize.files.banks import Compression, Origin, TasteRow
from personalize.files.open_banks import Bank, open_bank
from personalize.files.stored_vectors import form_of
from personalize.networks import task_vectors


class BankInfo(TypedDict):
    """Summary of a bank, as plain data for JSON. Everything per task is in the order of `tasks`."""

    format: str
    pav_version: str
    sha256: str
    backbone: str
    backbone_sha256: str | None
    backbone_licence: str | None
    licence: str | None
    trained_on: dict[str, str]
    dataset_licences: dict[str, str]
    tasks: list[str]
    blocks: int
    encoder: str
    form: dict[str, str]
    megabytes: dict[str, float]  # by part
    start: dict[str, float | list[float]]  # one number where all blocks start at the same, else the smallest and the largest
    norms: dict[str, float]  # of the task vectors
    cosines: list[list[float]]  # of the angles between them
    extractors: dict[str, dict[str, int]]  # by file: numbers per photo of each group
    taste: TasteRow | None
    compressed: list[Compression]
    sources: Mapping[str, Origin]


def bank_info(path: Path = banks.DEFAULT) -> BankInfo:
    """Summarise a bank, with the lengths of its task vectors and the cosines of their angles. Keeps one block at a time in memory.

    Raises:
        BadBank: see `open_banks.open_bank`.
    """
    bank = open_bank(path)
    facts, norms_and_cosines = bank.metadata.facts, _gram(bank)
    lengths = np.sqrt(np.diag(norms_and_cosines))
    scale = np.outer(lengths, lengths)
    cosines = np.divide(norms_and_cosines, scale, out=np.zeros_like(scale), where=scale > 0)
    return {
        "format": facts["format"],
        "pav_version": facts.get("pav_version", banks.UNKNOWN),
        "sha256": bank.metadata.sha256,
        "backbone": bank.metadata.backbone,
        "backbone_sha256": facts.get("backbone_sha256"),
        "backbone_licence": facts.get("backbone_licence"),
        "licence": facts.get("licence"),
        "trained_on": banks.trained_on(facts),
        "dataset_licences": banks.licences(facts),
        "tasks": list(bank.metadata.tasks),
        "blocks": len(bank.start),
        "encoder": _encoder(bank),
        "form": {task: form_of(vector) for task, vector in bank.vectors.items()},
        "megabytes": {part: round(size / 1e6, 2) for part, size in _sizes(bank).items()},
        "start": {task: _span(bank.start[:, column]) for column, task in enumerate(bank.vectors)},
        "norms": {task: float(f"{length:.6g}") for task, length in zip(bank.vectors, lengths, strict=True)},
        "cosines": [[round(float(value), 4) for value in row] for row in cosines],
        "extractors": {row["file"]: {one["group"]: one["width"] for one in row["outputs"]} for row in facts.get("extractors", ())},
        "taste": facts.get("taste"),
        "compressed": facts.get("compressed", []),
        "sources": facts.get("sources", {}),
    }


def _encoder(bank: Bank) -> str:
    if not bank.vectors:
        return "in its extractor"
    return "in the bank" if bank.holds_encoder else "the backbone's own"


def _span(coefficients: torch.Tensor) -> float | list[float]:
    low, high = round(float(coefficients.min()), 4), round(float(coefficients.max()), 4)
    return low if low == high else [low, high]


def _sizes(bank: Bank) -> dict[str, int]:
    """Bytes by part: each task's vector by itself; other arrays by the first word of their names."""
    sizes: dict[str, int] = {}
    for name in bank.arrays:
        words = name.split("/")
        part = f"vector {words[1]}" if words[0] == "vectors" else words[0]
        sizes[part] = sizes.get(part, 0) + bank.arrays[name].nbytes
    return sizes


def _gram(bank: Bank) -> np.ndarray:
    """Inner products of all pairs of task vectors."""
    total = np.zeros((len(bank.vectors), len(bank.vectors)))
    vectors = list(bank.vectors.values())
    for name in vectors[0] if vectors else ():
        rows = torch.stack([task_vectors.whole_block(vector[name]).flatten() for vector in vectors])
        total += (rows @ rows.T).double().numpy()
    return total
