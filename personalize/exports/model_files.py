"""Model files of single raters: written with a model card beside each, and opened to score photos, whichever format they have.

Instant fits need no torch; whole networks do, which are exact fits and files of version 0.1.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image
from safetensors import safe_open

from personalize.errors import BadModel, BadPhoto, PersonalizeError
from personalize.exports import cards, instant_files, photo_graphs
from personalize.exports.cards import INSTANT, FileFormat, ModelCard
from personalize.exports.fits import ExactFit, InstantFit
from personalize.files import atomic_files, banks, pixels
from personalize.progress import ProgressCallback, tracked

AT_ONCE = 32  # photos in memory, among which those of one shape go through a network together


@dataclass(frozen=True)
class Opened:
    """A model file in memory."""

    card: ModelCard  # from the file: without its size and sha256
    score: Callable[[Sequence[Image.Image]], Float[np.ndarray, "photos"]]  # of photos of any size; higher is better


def write(path: Path, file_format: FileFormat, fit: InstantFit | ExactFit, bank: Path) -> ModelCard:
    """Write one rater's model, and the model card next to it (`.card.json`); returns the card.

    Raises:
        BadModel: the format is unknown, the fit does not belong to the bank, or the file gives other scores; then no file remains.
        BadBank: the bank is unusable.
    """
    cards.check_format(file_format)
    with atomic_files.replacing(path) as partial:
        if isinstance(fit, InstantFit):
            card = instant_files.write(partial, file_format, fit, bank)
        else:
            from personalize.exports import network_files

            card = network_files.write(partial, file_format, fit, bank)
        card |= {"sha256": banks.sha256(partial), "bytes": partial.stat().st_size}
    atomic_files.write_text(path.with_suffix(".card.json"), json.dumps(card, indent=1) + "\n")
    return card


def opened(path: Path, bank: Path | None = None) -> Opened:
    """Open a model file. `json`, and `safetensors` of an instant fit, need the bank.

    Raises:
        BadModel: the file cannot be read, is not a rater's model, or belongs to another bank.
        BadBank: the bank is unusable.
    """
    try:
        found = _format(path)
        cards.check_version(found, path)
        if found in INSTANT:
            return Opened(*instant_files.scorer(path, bank))
        from personalize.exports import network_files

        return Opened(*network_files.scorer(path, bank))
    except (PersonalizeError, ModuleNotFoundError):  # the latter where torch is missing: the file may be whole
        raise
    except Exception as error:  # three libraries, each with its own errors
        raise BadModel(f"{path} cannot be read as a rater's model: {error}") from error


def score(path: Path, photos: Sequence[Path], bank: Path | None, progress: ProgressCallback) -> list[float]:
    """Scores of photo files, in the same order; nan where a file cannot be read as a photo.

    Raises:
        BadModel, BadBank: see `opened`.
    """
    model = opened(path, bank)
    found: list[float] = []
    remaining = iter(tracked("scoring", photos, progress))
    while batch := list(islice(_read(remaining), AT_ONCE)):
        readable = [photo for photo in batch if photo is not None]
        scores = iter(model.score(readable) if readable else ())
        found += [float("nan") if photo is None else float(next(scores)) for photo in batch]
    return found


def _read(paths: Iterator[Path]) -> Iterator[Image.Image | None]:
    for path in paths:
        try:
            yield pixels.read(path)
        except BadPhoto:  # one bad file must not stop the others
            yield None


def _format(path: Path) -> object:
    """The format that a file names, from its beginning alone where the library can."""
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))["format"]
    if path.suffix == ".safetensors":
        with safe_open(path, framework="np") as file:
            return (file.metadata() or {}).get("format")
    if path.suffix == ".onnx":
        return photo_graphs.session(path).get_modelmeta().custom_metadata_map.get("format")
    raise BadModel(f"{path} does not end in .json, .safetensors or .onnx.")
