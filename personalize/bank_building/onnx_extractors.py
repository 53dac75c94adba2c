"""Writing of a bank's extractors, the ONNX files that compute raw features; behind `./pav bank_extractors`. Needs torch.

A bank without task vectors has one network, its encoder. Others have three: the bank's own, merged at its starting
coefficients, on a centre crop; EfficientNet-Lite0 and -Lite2 as published, on the whole photo. docs/decisions/feature-extraction.md has the
reasons for the groups, the sizes and half precision.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from personalize.bank_building import half_precision_onnx
from personalize.bank_building.extractor_networks import (
    LATE,
    EncoderNetwork,
    ExtractorNetwork,
    MergedNetwork,
    StagesNetwork,
    fold_norms,
    round_to_half,
)
from personalize.errors import BadBank
from personalize.files import atomic_files, backbones, banks
from personalize.files.backbones import Backbone
from personalize.files.banks import AreaFacts, BankMetadata, CropFacts, ExtractorFacts, OutputFacts
from personalize.files.extractors import SCORE
from personalize.files.open_banks import Bank, open_bank
from personalize.files.unfinished_banks import UnfinishedBank
from personalize.networks.scorer import Scorer
from personalize.numerics.raw_features import Normalisation
from personalize.progress import ProgressCallback, no_progress, tracked

ENCODER = "encoder"  # names the extractor of a bank without task vectors, and its groups
MULTIPLE = 32  # of a side of a whole photo: the product of the strides


@dataclass(frozen=True)
class Whole:
    """A published network on the whole photo."""

    name: str  # of its groups
    backbone: str
    area: int  # the photo gets about as many pixels as a square with this side


@dataclass(frozen=True)
class Planned:
    """An extractor to write."""

    name: str
    network: str  # for the metadata
    backbone: Backbone
    size: CropFacts | AreaFacts
    make: Callable[[], ExtractorNetwork]


WHOLE = (Whole("lite0", "efficientnet_lite0", 448), Whole("lite2", "efficientnet_lite2", 352))


def write(path: Path = banks.DEFAULT, progress: ProgressCallback = no_progress) -> BankMetadata:
    """Write the extractors of the bank at `path` next to it, and their rows into its metadata; replaces those that exist.

    The same bank, packages and versions give the same bytes.

    Raises:
        BadBank: the bank cannot be read, does not say how to standardise its score, or its weights do not fit into half precision.
        MissingWeights: the weights of a published network are missing.
    """
    bank = open_bank(path)
    if not bank.vectors:
        raise BadBank(f"{path} has no task vectors: its extractor is all that it has. Write it again with ./pav import_bank.")
    plan = _plan(bank)
    rows = [_write(one, path) for one in tracked("writing extractors", plan, progress)]
    return banks.put_extractors(rows, path)


def write_step(bank: UnfinishedBank, progress: ProgressCallback = no_progress) -> None:
    """`write` as a step of a bank that is being made."""

    def extractors() -> None:
        write(bank.path, progress)

    bank.step("extractors", extractors)


def write_encoder(path: Path, backbone: str, weights: Path, source: str) -> BankMetadata:
    """Write the extractor of a bank without task vectors: its encoder, with `weights` from a file of that `source`.

    Raises:
        MissingWeights: see `backbones.scorer`.
        BadBank: the encoder does not give the outputs of its stages, or its weights do not fit into half precision.
    """
    row = replace(backbones.find(backbone), source=source)
    size: CropFacts = {"resize": row.preprocessing.resize, "crop": row.preprocessing.crop}
    one = Planned(ENCODER, row.name, row, size, lambda: encoder_network(backbone, weights))
    return banks.put_extractors([_write(one, path)], path)


def encoder_network(backbone: str, weights: Path) -> ExtractorNetwork:
    """A backbone's encoder as stored."""
    encoder, preprocessing = backbones.scorer(backbone, weights=weights).encoder, backbones.find(backbone).preprocessing
    round_to_half(encoder)
    return EncoderNetwork(encoder.requires_grad_(False), ENCODER, preprocessing.mean, preprocessing.std)


def _plan(bank: Bank) -> list[Planned]:
    row = backbones.find(bank.metadata.backbone)
    size: CropFacts = {"resize": row.preprocessing.resize, "crop": row.preprocessing.crop}
    network = f"{row.name} with the bank's task vectors at its starting coefficients"
    score = _score(bank)
    merged = Planned("merged", network, row, size, lambda: merged_network(bank, score))
    return [merged, *(_whole(one) for one in WHOLE)]


def _whole(one: Whole) -> Planned:
    size: AreaFacts = {"area": one.area, "multiple": MULTIPLE}
    return Planned(one.name, one.backbone, backbones.find(one.backbone), size, lambda: stages_network(one.name, one.backbone))


def merged_network(bank: Bank, score: tuple[float, float]) -> ExtractorNetwork:
    """The bank's network as stored; `score` is the mean and the SD of its scores over the bank's photos."""
    preprocessing = backbones.find(bank.metadata.backbone).preprocessing
    return MergedNetwork(_stored_form(bank.merged(bank.start)), "merged", preprocessing.mean, preprocessing.std, score)


def stages_network(name: str, backbone: str) -> ExtractorNetwork:
    """A published EfficientNet as stored; `name` is that of its groups."""
    preprocessing = backbones.find(backbone).preprocessing
    return StagesNetwork(_stored_form(backbones.scorer(backbone)), name, preprocessing.mean, preprocessing.std)


def _stored_form(scorer: Scorer) -> Scorer:
    fold_norms(scorer)
    round_to_half(scorer)
    return scorer.requires_grad_(False)


def _score(bank: Bank) -> tuple[float, float]:
    for name in ("score", "projection/score"):  # the second one in banks of PAV 0.1
        if name in bank.arrays:
            mean, std = bank.arrays[name]
            return float(mean), float(std)
    raise BadBank("This bank does not say how its score is standardised, which extractors need: import it with --photos DIR.")


def _write(one: Planned, path: Path) -> ExtractorFacts:
    network = one.make()
    if "area" in one.size:
        data = half_precision_onnx.exported(network, height=3 * MULTIPLE, width=4 * MULTIPLE, any_size=True)
    else:
        data = half_precision_onnx.exported(network, height=one.size["crop"], width=one.size["crop"], any_size=False)
    file = path.with_name(f"{path.stem}.{one.name}.onnx")
    with atomic_files.replacing(file) as partial:
        partial.write_bytes(data)
    facts: ExtractorFacts = {
        "file": file.name,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "network": one.network,
        "source": one.backbone.source,
        "licence": one.backbone.licence,
        "size": one.size,
        "mean": one.backbone.preprocessing.mean,
        "std": one.backbone.preprocessing.std,
        "outputs": _outputs(data),
    }
    if isinstance(network, StagesNetwork):
        group = f"{one.name}{LATE}"
        facts["statistics"] = [{"group": group, "stage": s.stage, "name": s.name, "width": s.width} for s in network.statistics()]
    if isinstance(network, MergedNetwork):
        facts["score"] = {"mean": network.score_mean, "std": network.score_std}
    return facts


def _outputs(data: bytes) -> list[OutputFacts]:
    """The groups among a file's outputs, in its order; embeddings have length 1, late statistics are normalised by column."""
    found: list[OutputFacts] = []
    for output in onnx.load_model_from_string(data).graph.output:
        if output.name != SCORE:
            normalisation: Normalisation = "columns" if output.name.endswith(LATE) else "length"
            found.append({"group": output.name, "width": output.type.tensor_type.shape.dim[1].dim_value, "normalisation": normalisation})
    return found
