"""Bank files: base weights and task vectors in one safetensors file, with metadata in a JSON file next to it.

Needs no torch. The extractors (`extractors.py`) and the taste part (`taste_parts.py`), all that instant fits need, are files of their own.
The metadata record the sources, the seed, and the accuracy of each task model. They contain the sha256 of every file, and reading checks
it. docs/banks.md lists all arrays and the differences between the formats.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, Required, TypedDict, cast, final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from personalize import __version__
from personalize.errors import BadBank
from personalize.files import atomic_files
from personalize.numerics.raw_features import Normalisation

FORMAT = "pav-bank-2"
READABLE = ("pav-bank-1", FORMAT)
DEFAULT = Path(__file__).parent.parent / "bank" / "efficientnet_lite0.safetensors"
UNKNOWN = "unknown"  # in metadata, for facts that were not recorded

Arrays = dict[str, np.ndarray]


class PreprocessingFacts(TypedDict):
    """`images.Preprocessing` as JSON."""

    resize: int
    crop: int
    mean: Sequence[float]
    std: Sequence[float]


@final
class CropFacts(TypedDict):
    """`pixels.CentreCrop` as JSON."""

    resize: int
    crop: int


@final
class AreaFacts(TypedDict):
    """`pixels.WholePhoto` as JSON."""

    area: int
    multiple: int


class OutputFacts(TypedDict):
    """One output of an extractor: a group of raw features."""

    group: str
    width: int
    normalisation: Normalisation


class StatisticFacts(TypedDict):
    """`raw_features.Statistic` as JSON, with its group."""

    group: str
    stage: int
    name: str
    width: int


class ScoreFacts(TypedDict):
    """Mean and SD over the bank's photos of the score that an extractor standardises."""

    mean: float
    std: float


class ExtractorFacts(TypedDict):
    """One ONNX file next to the bank, which computes raw features of photos."""

    file: str  # its name in the bank's folder
    bytes: int
    sha256: str
    network: str
    source: str  # of the weights
    licence: str
    size: CropFacts | AreaFacts  # of the photos that it takes
    mean: Sequence[float]  # normalisation, which is part of the file; repeated here to be read
    std: Sequence[float]
    outputs: Sequence[OutputFacts]
    statistics: NotRequired[Sequence[StatisticFacts]]  # what the numbers of late statistics are, in their order
    score: NotRequired[ScoreFacts]  # of the extractor that also gives the score


class Origin(TypedDict, total=False):
    """Source of a task vector: its training, or the published checkpoint that it was imported from."""

    source: str
    dataset: str
    database: str  # the dataset, in files of earlier versions
    licence: str
    file: str
    bytes: int
    sha256: str


class ScoreCost(TypedDict):
    """Change of the scores of a task's own model by a compression."""

    srocc: float
    largest_difference: float
    standard_deviation: float


Compression = TypedDict(
    "Compression",
    {
        "form": str,
        "from": str,  # sha256 of the bank before
        "form_before": dict[str, str],
        "relative_error": dict[str, float],
        "photos": NotRequired[int],
        "scores": NotRequired[dict[str, ScoreCost]],
        "extractors": NotRequired[str],
        "taste": NotRequired[str],
    },
)
"""One compression of a bank, its effect on accuracy, and what became of its extractors and its taste part."""


class HeadFacts(TypedDict):
    """A task head, and the dataset that it was trained on."""

    photos: int
    pooled: bool
    source: str
    licence: str


class HyperpriorFacts(TypedDict):
    """The raters that taught a hyperprior."""

    raters_of: Sequence[str]  # names of datasets
    photos: int


class TasteFacts(TypedDict, total=False):
    """Where the heads and the hyperprior of a taste part come from, and how well they travel."""

    heads: Mapping[str, HeadFacts]
    left_out_srocc: Mapping[str, float]  # of the generic score without this head's dataset
    strength: float  # of the regularisation of the heads
    hyperprior: HyperpriorFacts | str  # a sentence where no raters taught it


class TasteRow(TasteFacts, total=False):
    """The file of a taste part, and its facts."""

    file: Required[str]
    bytes: int
    sha256: Required[str]


class BankFacts(TypedDict, total=False):
    """The metadata file of a bank, as JSON. Keys that the code does not read are plain data of any shape."""

    format: str
    pav_version: str
    backbone: Required[str]
    backbone_sha256: str
    backbone_source: str
    backbone_licence: str
    preprocessing: PreprocessingFacts
    tasks: Required[Sequence[str]]
    base: Mapping[str, str]
    form: Mapping[str, object]
    start: Mapping[str, object]
    trained: Mapping[str, Origin]  # by task, of banks that PAV trained
    sources: Mapping[str, Origin]  # by task, of imported banks
    factorised: Mapping[str, object]
    licence: str
    paper: str
    score: object  # the photos over which the array `score` was measured
    taste: TasteRow
    extractors: Sequence[ExtractorFacts]
    compressed: list[Compression]
    bytes: int
    sha256: str


@dataclass(frozen=True)
class BankMetadata:
    """The metadata of a bank."""

    backbone: str
    tasks: tuple[str, ...]
    sha256: str
    facts: BankFacts  # the whole file

    @property
    def hash(self) -> str:
        """Short hash of the bank's files, the key of the bank in tables."""
        files = self.other_files.values()
        return hashlib.sha256("".join([self.sha256, *files]).encode()).hexdigest()[:16] if files else self.sha256[:16]

    @property
    def other_files(self) -> dict[str, str]:
        """The sha256 of the extractors and of the taste part, by the name of the file next to the bank's."""
        found = {row["file"]: row["sha256"] for row in self.facts.get("extractors", ())}
        if taste := self.facts.get("taste"):
            found[taste["file"]] = taste["sha256"]
        return found


def write(arrays: Mapping[str, np.ndarray], facts: BankFacts, path: Path) -> BankMetadata:
    """Write a bank and its metadata; existing files are replaced only when the new ones are complete.

    Raises:
        BadBank: `path` does not end in .safetensors.
    """
    check_name(path)
    with atomic_files.replacing(path) as partial:
        save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, partial, metadata={"format": FORMAT})
        metadata = _complete(facts, partial)
    return _write_metadata(metadata, path)


def put_extractors(rows: Sequence[ExtractorFacts], path: Path) -> BankMetadata:
    """Write the rows of a bank's extractors into its metadata; all else in them stays as it is.

    Raises:
        BadBank: the metadata cannot be read.
    """
    return _write_metadata({**read_metadata(path).facts, "extractors": rows}, path)


def put_taste(row: TasteRow, path: Path) -> BankMetadata:
    """Write the row of a bank's taste part into its metadata; all else in them stays as it is.

    Raises:
        BadBank: the metadata cannot be read.
    """
    return _write_metadata({**read_metadata(path).facts, "taste": row}, path)


def check_name(path: Path) -> None:
    """Raises:
    BadBank: `path` does not end in .safetensors.
    """
    if path.suffix != ".safetensors":
        raise BadBank(f"A bank's file ends in .safetensors, and its metadata file in .json; {path} does not.")


def put_metadata(facts: BankFacts, path: Path) -> BankMetadata:
    """Write the metadata of the finished bank file at `path` next to it. They record the version of PAV."""
    return _write_metadata(_complete(facts, path), path)


def read_metadata(path: Path = DEFAULT) -> BankMetadata:
    """The metadata of the bank at `path`.

    Raises:
        BadBank: they are missing, or have another format.
    """
    file = path.with_suffix(".json")
    try:
        facts: BankFacts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadBank(f"{file} cannot be read: {error}. Make a bank with ./pav build_bank.") from error
    if facts.get("format") not in READABLE:
        raise BadBank(f"{file} has format {facts.get('format')!r}; this version reads {' and '.join(READABLE)}.")
    return _metadata(facts)


def licences(facts: BankFacts) -> dict[str, str]:
    """Licence of the dataset behind each task vector, from the bank's metadata; `unknown` where not recorded."""
    return {task: _origin(facts, task).get("licence", UNKNOWN) for task in facts["tasks"]}


def trained_on(facts: BankFacts) -> dict[str, str]:
    """What each task vector was trained on, from the bank's metadata; `unknown` where not recorded."""
    origins = {task: _origin(facts, task) for task in facts["tasks"]}
    return {task: origin.get("source") or origin.get("dataset") or origin.get("database", UNKNOWN) for task, origin in origins.items()}


def check(path: Path, metadata: BankMetadata) -> None:
    """Check a bank's file against the sha256 in its metadata.

    Raises:
        BadBank: the file is missing, or is another one.
    """
    try:
        digest = sha256(path)
    except OSError as error:
        raise BadBank(f"{path} cannot be read: {error}.") from error
    if digest != metadata.sha256:
        raise BadBank(f"{path} has sha256 {digest}, its metadata say {metadata.sha256}: fetch the bank again.")


def read(path: Path = DEFAULT, *, prefix: str = "") -> Arrays:
    """Read the arrays of a bank whose names begin with `prefix` into memory, after checking the file against its metadata.

    Use `open_banks` for large banks.

    Raises:
        BadBank: the file is missing, damaged, or not the one in the metadata.
    """
    check(path, read_metadata(path))
    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118 (not a mapping)
    except (OSError, SafetensorError) as error:
        raise BadBank(f"{path} cannot be read: {error}.") from error


def sha256(path: Path) -> str:
    """The sha256 of a file of any size, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _origin(facts: BankFacts, task: str) -> Origin:
    """Facts about the source of a task vector: its training, or the checkpoint that it was imported from."""
    return {**facts.get("sources", {}).get(task, {}), **facts.get("trained", {}).get(task, {})}


def _complete(facts: BankFacts, file: Path) -> BankFacts:
    """The facts with those that depend on the finished file: format, version, size, sha256."""
    kept = {name: value for name, value in facts.items() if name not in ("format", "pav_version", "bytes", "sha256")}
    return cast(BankFacts, {"format": FORMAT, "pav_version": __version__, **kept, "bytes": file.stat().st_size, "sha256": sha256(file)})


def _write_metadata(facts: BankFacts, path: Path) -> BankMetadata:
    atomic_files.write_text(path.with_suffix(".json"), json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return _metadata(facts)


def _metadata(facts: BankFacts) -> BankMetadata:
    return BankMetadata(facts["backbone"], tuple(facts["tasks"]), facts["sha256"], facts)
