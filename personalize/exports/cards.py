"""Model cards: what the file of an exported model says of itself. Needs no torch.

`pav-rater-3` are instant fits on raw features; `pav-rater-2` are those without products of axes, which are read as before.
`pav-person-1` are whole networks: exact fits, and the instant fits of version 0.1.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Required, TypedDict, cast, get_args

from personalize import __version__
from personalize.errors import BadModel
from personalize.exports.fits import FitFacts
from personalize.files import banks
from personalize.files.banks import AreaFacts, BankFacts, BankMetadata, CropFacts, HeadFacts, OutputFacts, PreprocessingFacts

RATER, NETWORK = "pav-rater-3", "pav-person-1"
INSTANT = ("pav-rater-2", RATER)
FORMATS = (NETWORK, *INSTANT)

FileFormat = Literal["json", "safetensors", "onnx"]


class NetworkFacts(TypedDict):
    """One network that computes raw features, with its preprocessing and licence; a row of the bank's extractors."""

    network: str
    source: str
    licence: str
    sha256: str
    size: CropFacts | AreaFacts
    mean: Sequence[float]
    std: Sequence[float]
    outputs: Sequence[OutputFacts]


class ModelCard(FitFacts, total=False):
    """The model card of an exported model, as JSON."""

    format: Required[str]
    pav_version: str
    groups: Sequence[OutputFacts]  # of the weights, in their order; the last weight is that of the merged network's score
    networks: Sequence[NetworkFacts]
    heads: Mapping[str, HeadFacts]  # source and licence of the dataset behind each task head
    backbone: str  # this and `preprocessing` in whole networks
    backbone_licence: str
    preprocessing: PreprocessingFacts
    trained_on: dict[str, str]
    dataset_licences: dict[str, str]
    sha256: str  # of the file; this key and those below are in the separate card only
    bytes: int
    checked: float  # largest difference between the scores of the file and of the fit
    checked_large: float  # the same on photos so large that PAV averages pixels before it resizes; of ONNX files of instant fits


def of_instant_fit(facts: FitFacts, bank: BankMetadata) -> ModelCard:
    """The card of a model on raw features."""
    rows = bank.facts["extractors"]
    return cast(
        ModelCard,
        {
            "format": RATER,
            **_common(facts, bank.facts),
            "groups": [output for row in rows for output in row["outputs"]],
            "networks": [{name: row[name] for name in NetworkFacts.__annotations__} for row in rows],  # type: ignore[literal-required]
            "heads": bank.facts.get("taste", {}).get("heads", {}),
        },
    )


def of_network(facts: FitFacts, bank: BankMetadata, licence: str, preprocessing: PreprocessingFacts) -> ModelCard:
    """The card of a whole network on a backbone with this licence and preprocessing."""
    own = {"backbone": bank.backbone, "backbone_licence": licence, "preprocessing": preprocessing}
    return cast(ModelCard, {"format": NETWORK, **_common(facts, bank.facts), **own})


def check_format(file_format: str) -> None:
    """Raises:
    BadModel: there is no such file format; the message lists those that exist.
    """
    if file_format not in get_args(FileFormat):
        raise BadModel(f"There is no format {file_format!r}. Known: {', '.join(get_args(FileFormat))}.")


def check_version(found: object, path: Path) -> None:
    """Raises:
    BadModel: a file at `path` has the format `found`, which this version does not read.
    """
    if found not in FORMATS:
        raise BadModel(f"{path} has format {found!r}; this version reads {', '.join(FORMATS)}.")


def _common(facts: FitFacts, bank: BankFacts) -> dict[str, object]:
    licences = {"trained_on": banks.trained_on(bank), "dataset_licences": banks.licences(bank)}
    return {"pav_version": __version__, **facts, **licences}
