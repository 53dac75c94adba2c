"""Model files of single raters: `json` for use with the bank, `safetensors` and `onnx` standalone; each with a model card. Needs torch.

After writing, the file is read again, and its scores are compared with those of the model in memory.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Required, TypedDict, cast, get_args

import numpy as np
import onnxruntime
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from personalize import __version__
from personalize.errors import BadModel, BadPhoto
from personalize.files import atomic_files, backbones, banks, images
from personalize.files.banks import PreprocessingFacts
from personalize.files.images import Preprocessing
from personalize.files.open_banks import Bank
from personalize.networks import task_vectors
from personalize.progress import ProgressCallback, tracked
from personalize.scorers import rater_models
from personalize.scorers.rater_models import Parts, RaterModel

FORMAT = "pav-person-1"
TOLERANCE = 1e-4  # largest difference of scores after reading a file again

FileFormat = Literal["json", "safetensors", "onnx"]
Score = Callable[[Tensor], np.ndarray]


class FitFacts(TypedDict, total=False):
    """Facts about a fit, for the model card."""

    rater: str  # a random id; `person` in files of versions before 0.1
    method: str  # instant or exact
    bank: Required[str]  # hash
    ratings: int
    ratings_seq: int
    accuracy: object
    fitted_at: str
    population: int | None
    rank_loss: float
    image_passes: int


class ModelCard(FitFacts, total=False):
    """The model card of an exported model, as JSON."""

    format: Required[str]
    pav_version: str
    backbone: Required[str]
    backbone_licence: str
    preprocessing: Required[PreprocessingFacts]
    trained_on: dict[str, str]
    database_licences: dict[str, str]
    sha256: str  # of the file; this key and those below are in the separate card only
    bytes: int
    checked: float  # largest difference between the scores of the file and of the fit


@dataclass(frozen=True)
class Opened:
    """A model file in memory."""

    card: ModelCard  # from the file: without its size and sha256
    preprocessing: Preprocessing  # of photos before scoring
    score: Score


@dataclass(frozen=True)
class RaterFit:
    """A fit to write: the weights of an instant fit or the coefficients of an exact one, with the facts for its card."""

    facts: FitFacts
    weights: np.ndarray | None = None
    coefficients: np.ndarray | None = None  # in any shape, block after block


def write(path: Path, file_format: FileFormat, fit: RaterFit, bank: Bank) -> ModelCard:
    """Write one rater's model, and the model card next to it (`.card.json`); returns the card.

    Raises:
        BadModel: the format is unknown, the fit belongs to another bank, or the file gives other scores; then no file remains.
    """
    if file_format not in get_args(FileFormat):
        raise BadModel(f"There is no format {file_format!r}. Known: {', '.join(get_args(FileFormat))}.")
    _same_bank(fit.facts["bank"], bank)
    model, row = _model(fit, bank), backbones.find(bank.metadata.backbone)
    facts = {
        "format": FORMAT,
        "pav_version": __version__,
        **fit.facts,
        "backbone": bank.metadata.backbone,
        "backbone_licence": row.licence,
        "preprocessing": row.preprocessing.facts,
        "trained_on": banks.trained_on(bank.metadata.facts),
        "database_licences": banks.licences(bank.metadata.facts),
    }
    card = cast(ModelCard, facts)
    with atomic_files.replacing(path) as partial:
        WRITERS[file_format](partial, fit, model, card)
        photos = _examples(row.preprocessing)
        with torch.no_grad():
            expected = model(photos).numpy()
        away = float(np.abs(opened(partial, bank).score(photos) - expected).max())
        if not away <= TOLERANCE:
            raise BadModel(f"{path} was not written: read again, its scores differ by {away:.2g} from those of the fit.")
        card |= {"sha256": banks.sha256(partial), "bytes": partial.stat().st_size, "checked": away}
    atomic_files.write_text(path.with_suffix(".card.json"), json.dumps(card, indent=1) + "\n")
    return card


def opened(path: Path, bank: Bank | None = None) -> Opened:
    """Open a model file of any format; only `json` needs the bank.

    Raises:
        BadModel: the file cannot be read, is not a rater's model, or belongs to another bank.
    """
    try:
        if path.suffix == ".json":
            return _of_json(path, bank)
        if path.suffix in (".onnx", ".safetensors"):
            return _of_onnx(path) if path.suffix == ".onnx" else _of_safetensors(path)
        raise BadModel(f"{path} does not end in .json, .safetensors or .onnx.")
    except BadModel:
        raise
    except Exception as error:  # three libraries, each with its own errors
        raise BadModel(f"{path} cannot be read as a rater's model: {error}") from error


def score(path: Path, photos: Sequence[Path], bank: Bank | None, progress: ProgressCallback) -> list[float]:
    """Scores of photo files, in the same order; nan where a file cannot be read as a photo.

    Raises:
        BadModel: see `opened`.
    """
    model = opened(path, bank)
    found = []
    for photo in tracked("scoring", photos, progress):
        try:
            pixels = images.to_pixels(images.read(photo), model.preprocessing)
        except BadPhoto:  # one bad file must not stop the others
            found.append(float("nan"))
            continue
        found.append(float(model.score(images.to_input(pixels[None], model.preprocessing))[0]))
    return found


def _model(fit: RaterFit, bank: Bank) -> RaterModel:
    if fit.weights is not None:
        return rater_models.of_weights(bank, fit.weights)
    coefficients = np.asarray(fit.coefficients, dtype=np.float32).reshape(tuple(bank.start.shape))
    return rater_models.of_coefficients(bank, torch.from_numpy(coefficients))


def _write_json(path: Path, fit: RaterFit, model: RaterModel, card: ModelCard) -> None:
    numbers = {"weights": fit.weights, "coefficients": fit.coefficients}
    kept = {name: [float(f"{v:.8g}") for v in np.ravel(value)] for name, value in numbers.items() if value is not None}
    path.write_text(json.dumps({**card, **kept}) + "\n", encoding="utf-8")


def _of_json(path: Path, bank: Bank | None) -> Opened:
    card = json.loads(path.read_text(encoding="utf-8"))
    _same_format(card.get("format"), path)
    if bank is None:
        raise BadModel(f"{path} holds only the numbers of a fit: it also needs the bank {card['bank']} (--bank).")
    _same_bank(card["bank"], bank)
    numbers = {name: np.array(card.pop(name)) for name in ("weights", "coefficients") if name in card}
    return _opened(card, _in_torch(_model(RaterFit(card, **numbers), bank)))


def _write_safetensors(path: Path, fit: RaterFit, model: RaterModel, card: ModelCard) -> None:
    kept = {name: value.detach().contiguous().clone() for name, value in model.state_dict().items()}
    save_file(kept, path, metadata={"format": FORMAT, "card": json.dumps(card)})


def _of_safetensors(path: Path) -> Opened:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    _same_format(metadata.get("format"), path)
    card = json.loads(metadata["card"])
    merged = backbones.empty(card["backbone"])
    names = list(task_vectors.blocks(merged))
    parts = None
    if "line" in kept:
        direction = {name: kept[f"direction_{place}"] for place, name in enumerate(names)}
        parts = Parts(direction, kept["merged_head"], kept["plain_head"], *kept["line"].tolist())
    plain = backbones.empty(card["backbone"]).encoder if any(name.startswith("plain.") for name in kept) else None
    model = RaterModel(merged, parts, plain)
    model.load_state_dict(kept)
    return _opened(card, _in_torch(model.eval()))


def _write_onnx(path: Path, fit: RaterFit, model: RaterModel, card: ModelCard) -> None:
    _export_graph(path, model, _examples(Preprocessing.of(card["preprocessing"]))[:1], {"format": FORMAT, "card": json.dumps(card)})


def _export_graph(path: Path, model: RaterModel, photo: Tensor, metadata: dict[str, str]) -> None:
    with torch.no_grad():
        traced = make_fx(model)(photo).eval()  # the primal and the dual stream as one graph of plain operations
    program = torch.onnx.export(traced, (photo,), dynamo=True, verbose=False, input_names=["photo"], output_names=["score"])
    if program is None:
        raise BadModel("The model could not be written as ONNX.")
    program.model.metadata_props.update(metadata)
    program.save(path, external_data=False)


def _of_onnx(path: Path) -> Opened:
    session = onnxruntime.InferenceSession(path)
    metadata = session.get_modelmeta().custom_metadata_map
    _same_format(metadata.get("format"), path)
    name = session.get_inputs()[0].name

    def score(photos: Tensor) -> np.ndarray:
        return np.concatenate([session.run(None, {name: photo[None].contiguous().numpy()})[0] for photo in photos])

    return _opened(json.loads(metadata["card"]), score)


WRITERS: dict[str, Callable[[Path, RaterFit, RaterModel, ModelCard], None]] = {
    "json": _write_json,
    "safetensors": _write_safetensors,
    "onnx": _write_onnx,
}


def _opened(card: ModelCard, score: Score) -> Opened:
    return Opened(card, Preprocessing.of(card["preprocessing"]), score)


def _in_torch(model: RaterModel) -> Score:
    return lambda photos: torch.no_grad()(model)(photos).numpy()


def _same_format(found: str | None, path: Path) -> None:
    if found != FORMAT:
        raise BadModel(f"{path} has format {found!r}, expected {FORMAT!r}.")


def _same_bank(wanted: str, bank: Bank) -> None:
    """Raises:
    BadModel: the hash of the bank is not `wanted`.
    """
    if wanted != bank.metadata.hash:
        raise BadModel(f"The fit belongs to bank {wanted}; the given bank is {bank.metadata.hash}.")


def _examples(preprocessing: Preprocessing) -> Tensor:
    """Three synthetic photos: a gradient, stripes, noise."""
    side = preprocessing.crop
    across = np.tile(np.linspace(0, 255, side), (side, 1))
    noise = np.random.default_rng(0).uniform(0, 255, (side, side, 3))
    drawn = [np.stack([across, across.T, 255 - across], axis=2), np.stack([across % 32 * 8] * 3, axis=2), noise]
    pixels = [images.to_pixels(Image.fromarray(one.astype(np.uint8)), preprocessing) for one in drawn]
    return images.to_input(np.stack(pixels), preprocessing)
