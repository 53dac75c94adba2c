"""Extractors of a bank: ONNX files that compute a photo's raw features, run by ONNX Runtime. Needs no torch.

The bank's metadata have a row for each file. A file runs only if its sha256 and its outputs are those of the row.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from personalize.errors import BadBank
from personalize.files import banks
from personalize.files.banks import BankFacts, ExtractorFacts
from personalize.files.pixels import SizeRule, size_rule
from personalize.numerics.raw_features import Group, RawLayout, Statistic

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUT, SCORE = "pixels", "score"
PROVIDERS: dict[str, dict[str, str]] = {
    # On a GPU, features must stay close to those of a CPU, and photos come in many shapes, for each of which the default would search.
    "CUDAExecutionProvider": {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
    "CPUExecutionProvider": {},
}
# Photos of one shape that go through a network together. On a CPU, 8 cost 9 % more processor time than one by one, and much memory.
AT_ONCE = {"CUDAExecutionProvider": 8, "CPUExecutionProvider": 2}
REPAIR = "Fetch the bank again, or write its extractors with ./pav bank_extractors."


@dataclass(frozen=True)
class Extractor:
    """One ONNX file, and what its row of the metadata says of it."""

    path: Path
    sha256: str
    size: SizeRule
    groups: tuple[Group, ...]
    gives_score: bool

    @property
    def outputs(self) -> dict[str, int | None]:
        """Names of the outputs, in the file's order, with numbers per photo; None for the score, which is one number and no row."""
        score: dict[str, int | None] = {SCORE: None} if self.gives_score else {}
        return {group.name: group.width for group in self.groups} | score


@dataclass(frozen=True)
class Extractors:
    """All extractors of a bank, in the order of its metadata."""

    rows: tuple[Extractor, ...]
    hash: str  # see `extractors_hash`

    @property
    def layout(self) -> RawLayout:
        """The layout of a photo's raw vector."""
        return RawLayout(tuple(group for row in self.rows for group in row.groups), any(row.gives_score for row in self.rows))


def read(path: Path = banks.DEFAULT) -> Extractors:
    """The extractors of the bank at `path`, from its metadata alone; `Network` opens their files.

    Raises:
        BadBank: the metadata cannot be read, have no extractors, or an incomplete row.
    """
    facts = banks.read_metadata(path).facts
    digest = extractors_hash(facts)
    try:
        rows = tuple(_extractor(row, path) for row in facts["extractors"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadBank(f"{path.with_suffix('.json')} has an incomplete row under 'extractors' ({error!r}). {REPAIR}") from error
    names = [group.name for row in rows for group in row.groups]
    merged = 1 if facts["tasks"] else 0  # a bank without task vectors has no merged network, which gives the score
    if len({*names, SCORE}) != len(names) + 1 or sum(row.gives_score for row in rows) != merged:
        raise BadBank(
            f"{path.with_suffix('.json')} must name each group of features once, and one extractor that gives the score. {REPAIR}"
        )
    return Extractors(rows, digest)


def extractors_hash(facts: BankFacts) -> str:
    """Short hash of what determines the raw features of a photo: the files, the sizes of photos, and the order of the outputs.

    The key of stored raw features. Other facts, such as licences, can be corrected without computing features anew.

    Raises:
        BadBank: the metadata have no extractors.
    """
    if not facts.get("extractors"):
        raise BadBank("This bank has no extractors, which compute features of photos: write them with ./pav bank_extractors.")
    deciding = [{name: row.get(name) for name in ("sha256", "size", "outputs")} for row in facts["extractors"]]
    return hashlib.sha256(json.dumps(deciding, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


class Network:
    """An extractor's file, opened. Uses a GPU where ONNX Runtime has one."""

    def __init__(self, extractor: Extractor, threads: int = 0) -> None:
        """`threads` run one operation on a CPU; 0: as many as there are cores.

        Raises:
            BadBank: the file is missing, not the one in the metadata, or has other inputs or outputs; the message says what differs.
        """
        self.extractor = extractor
        self._session = _session(checked(extractor), extractor.path, threads)
        self.at_once = AT_ONCE[self._session.get_providers()[0]]
        _check_signature(self._session, extractor)

    def run(self, pixels: UInt8[np.ndarray, "photos height width 3"]) -> tuple[Float32[np.ndarray, "photos numbers"], np.ndarray | None]:
        """The groups of photos of one shape, side by side, and their scores where the extractor gives them.

        Raises:
            BadBank: an output is not finite, so the file's weights are unusable.
        """
        outputs: Sequence[np.ndarray] = self._session.run(list(self.extractor.outputs), {INPUT: pixels})
        for name, output in zip(self.extractor.outputs, outputs, strict=True):
            if not np.isfinite(output).all():
                raise BadBank(f"{self.extractor.path} gives numbers under {name!r} that are not finite. {REPAIR}")
        groups = outputs[: len(self.extractor.groups)]
        return np.concatenate(groups, axis=1), outputs[-1] if self.extractor.gives_score else None


def _extractor(row: ExtractorFacts, path: Path) -> Extractor:
    if Path(row["file"]).name != row["file"]:
        raise ValueError(f"{row['file']!r} is not the name of a file next to the bank")
    groups = tuple(Group(one["group"], one["width"], one["normalisation"], _statistics(row, one["group"])) for one in row["outputs"])
    for group in groups:
        if group.statistics and sum(one.width for one in group.statistics) != group.width:
            raise ValueError(f"the statistics of {group.name!r} are not {group.width} numbers")
    return Extractor(path.with_name(row["file"]), row["sha256"], size_rule(row["size"]), groups, "score" in row)


def _statistics(row: ExtractorFacts, group: str) -> tuple[Statistic, ...]:
    return tuple(Statistic(one["stage"], one["name"], one["width"]) for one in row.get("statistics", ()) if one["group"] == group)


def checked(extractor: Extractor) -> bytes:
    """The bytes of the file, whose sha256 is that of the row: what was checked is what runs."""
    try:
        data = extractor.path.read_bytes()
    except OSError as error:
        raise BadBank(f"{extractor.path} cannot be read: {error}. {REPAIR}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != extractor.sha256:
        raise BadBank(f"{extractor.path} has sha256 {digest}, the bank's metadata say {extractor.sha256}. {REPAIR}")
    return data


def _session(data: bytes, path: Path, threads: int) -> "InferenceSession":
    import onnxruntime  # half a second and 40 MB, which a reader of the metadata alone does not need

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    options.enable_cpu_mem_arena = False  # it would keep the memory of the largest batch; `keep_freed_memory` is as fast
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads would take cores from other processes
    available = onnxruntime.get_available_providers()
    providers = [(name, settings) for name, settings in PROVIDERS.items() if name in available]
    try:
        return onnxruntime.InferenceSession(data, options, providers=providers)
    except Exception as error:  # the library has several classes of errors, without a common one
        raise BadBank(f"{path} cannot be opened by ONNX Runtime: {error}. {REPAIR}") from error


def _check_signature(session: "InferenceSession", extractor: Extractor) -> None:
    """Compare inputs and outputs of an opened file with the row."""
    taken = {value.name: (value.type, len(value.shape)) for value in session.get_inputs()}
    if taken != {INPUT: ("tensor(uint8)", 4)}:
        raise BadBank(f"{extractor.path} takes {taken}, expected {INPUT!r}: photos x height x width x 3, uint8. {REPAIR}")
    given = {value.name: value.shape[1] if len(value.shape) > 1 else None for value in session.get_outputs()}
    if given != extractor.outputs:
        raise BadBank(f"{extractor.path} gives {given}, the bank's metadata say {extractor.outputs}. {REPAIR}")
