"""Banks of one strong encoder without task vectors; behind `./pav import_bank` without checkpoints. Needs torch.

Such a bank has an extractor and a taste part. Without task vectors there is no merged network, so its generic score is empty until raters,
or task heads, give one. Without photos it brings no projection: the installation learns one from its own.
"""

from dataclasses import dataclass
from pathlib import Path

from personalize.bank_building import generic_score, onnx_extractors
from personalize.bank_building.compressing import versions
from personalize.errors import BadProjection
from personalize.files import backbones, banks
from personalize.files.banks import BankFacts, BankMetadata
from personalize.files.photo_files import digest, digest_array, photos_in
from personalize.files.unfinished_banks import unfinished
from personalize.numerics.projection import LEAST_PHOTOS
from personalize.progress import ProgressCallback, no_progress, tracked


@dataclass(frozen=True)
class EncoderPlan:
    """Contents of a bank of one encoder."""

    backbone: str
    weights: Path | None = None  # file of the encoder's weights; None: the backbone's own, from the hub's cache or a download
    photos: Path | None = None  # folder of photos for a projection of the bank's own; None: without one


def import_encoder(plan: EncoderPlan, out: Path, progress: ProgressCallback = no_progress) -> BankMetadata:
    """Write a bank whose extractor is an encoder, with the hash of its weights file.

    Raises:
        UnknownName: there is no such backbone.
        MissingWeights: the weights cannot be read; see `backbones.scorer`.
        BadBank: `out` does not have the file name ending of a bank; see also `onnx_extractors.write_encoder`.
        BadPhoto, BadProjection: the folder has no photos, too few, or they are all alike.
    """
    banks.check_name(out)
    photos = photos_in(plan.photos) if plan.photos else []
    if photos and len(photos) < LEAST_PHOTOS:
        raise BadProjection(f"{plan.photos} has {len(photos)} photos: a bank's own projection is learned from at least {LEAST_PHOTOS}.")
    file = plan.weights or backbones.find(plan.backbone).file()
    facts = _facts(plan, file)
    seen = digest_array(())
    with unfinished(
        out, {"card": facts, "photos": [digest(photo) for photo in photos], **versions()}, {"seen": (seen.dtype, seen.shape)}
    ) as bank:

        def nothing_seen() -> None:
            bank.writer.put("seen", seen)

        def extractor() -> None:
            for row in tracked("writing the encoder", [plan.backbone], progress):
                onnx_extractors.write_encoder(bank.path, row, file, facts["backbone_source"])

        def taste_part() -> None:
            generic_score.write_without_datasets(bank.path, plan.photos, bank.folder / "raw", progress)

        bank.step("seen", nothing_seen)
        bank.complete(facts)
        bank.step("extractors", extractor)
        bank.step("taste part", taste_part)
        return bank.publish()


def _facts(plan: EncoderPlan, file: Path) -> BankFacts:
    row = backbones.find(plan.backbone)
    return {
        "backbone": plan.backbone,
        "backbone_sha256": banks.sha256(file),
        "backbone_source": f"file {file.name}" if plan.weights else row.source,
        "backbone_licence": row.licence,
        "preprocessing": row.preprocessing.facts,
        "tasks": [],
        "licence": row.licence,
        "paper": row.paper,
    }
