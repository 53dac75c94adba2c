"""Files of instant fits: the weights as `json` or `safetensors`, which need a bank with the same extractors, or a whole graph as `onnx`.

Needs no torch.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file

from personalize.errors import BadModel
from personalize.exports import cards, example_photos, photo_graphs, rater_models
from personalize.exports.cards import FileFormat, ModelCard
from personalize.exports.fits import InstantFit
from personalize.exports.photo_graphs import PhotoGraph
from personalize.exports.rater_models import ProductWeights, RaterModel
from personalize.files import banks, extractors
from personalize.files.pixels import upright
from personalize.scorers.feature_extraction import FeatureExtractor

TOLERANCE = 1e-4  # largest difference of scores after reading weights again
# The same for a graph, which rounds a few pixels to a neighbouring level: that stays below .001. With a wrong size, crop or order of
# colours, scores of the example photos differ by .018 or more (docs/decisions/exports.md).
GRAPH_TOLERANCE = 5e-3
AXES = "product_axes"
PRODUCTS = (AXES, "product_shift", "product_weights")  # names in the files of `rater_models.ProductWeights`


@dataclass(frozen=True)
class Examples:
    """Example photos and their raw vectors."""

    photos: list[Image.Image]
    raw: np.ndarray


def write(path: Path, file_format: FileFormat, fit: InstantFit, bank: Path) -> ModelCard:
    """Write a fit, read the file again, and compare its scores of example photos with those of the fit. Returns the card with the result.

    Raises:
        BadModel: the fit was made with other extractors than those of `bank`, its numbers are unusable, or the file gives other scores.
        BadBank: `bank` has no usable extractors.
    """
    metadata, own = banks.read_metadata(bank), extractors.read(bank)
    if fit.facts["extractors"] != own.hash:
        raise BadModel(
            f"The fit is on raw features of the extractors {fit.facts['extractors']}; those of {bank} are {own.hash}. "
            "Export it with the bank that photos are ranked by (--bank)."
        )
    model = rater_models.fold(fit)
    rater_models.check(model, own.layout)
    card = cards.of_instant_fit(fit.facts, metadata)
    if file_format == "onnx":
        photo_graphs.write(path, model, own, card)
        return _checked_graph(path, fit, bank, card)
    _write_weights(path, file_format, model, card)
    examples = _examples(bank, own.hash)
    _, again = read_weights(path)
    away = float(np.abs(again.score(examples.raw) - _scores(fit, examples)).max())
    if not away <= TOLERANCE:
        raise BadModel(f"Read again, the scores of the file differ by {away:.2g} from those of the fit.")
    return card | {"checked": away}


def read_weights(path: Path) -> tuple[ModelCard, RaterModel]:
    """The card and the numbers of a `json` or `safetensors` file."""
    if path.suffix == ".json":
        card = json.loads(path.read_text(encoding="utf-8"))
        return card, _model(_arrays_of_json(card))
    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["card"]), _model({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 - no mapping


def scorer(path: Path, bank: Path | None) -> tuple[ModelCard, Callable[[Sequence[Image.Image]], np.ndarray]]:
    """The card of a file, and a function from photos to scores. An `onnx` file needs no bank.

    Raises:
        BadModel: the bank is missing, has other extractors than the model was made for, or the weights are unusable.
        BadBank: the bank's extractors are unusable.
    """
    if path.suffix == ".onnx":
        opened = photo_graphs.session(path)
        graph = PhotoGraph(opened)
        card = json.loads(opened.get_modelmeta().custom_metadata_map["card"])
        return card, lambda photos: np.array([graph.score(np.asarray(upright(photo))) for photo in photos])
    card, model = read_weights(path)
    if bank is None:
        raise BadModel(f"{path} holds weights of raw features: it also needs a bank with the extractors {card['extractors']} (--bank).")
    own = extractors.read(bank)
    if card["extractors"] != own.hash:
        raise BadModel(
            f"{path} needs a bank with the extractors {card['extractors']}; those of {bank} are {own.hash}. "
            f"Name the right bank with --bank (the model's card names {card['bank']}), or export the model as ONNX, which needs no bank."
        )
    rater_models.check(model, own.layout)
    extractor = FeatureExtractor(bank)
    return card, lambda photos: model.score(extractor.raw(photos))


def _write_weights(path: Path, file_format: FileFormat, model: RaterModel, card: ModelCard) -> None:
    arrays = {"weights": model.weights, "constant": np.array(model.constant)}
    if model.products:
        numbers = model.products.axes.astype(np.float16), model.products.shift, model.products.weights
        arrays |= dict(zip(PRODUCTS, numbers, strict=True))
    if file_format == "json":
        path.write_text(json.dumps({**card, **_json_of_arrays(arrays)}) + "\n", encoding="utf-8")
        return
    save_file(arrays, path, metadata={"format": card["format"], "card": json.dumps(card)})


def _model(arrays: Mapping[str, np.ndarray]) -> RaterModel:
    """Files of `pav-rater-2` have no products."""
    of_products = ProductWeights(*(arrays[name].astype(np.float32) for name in PRODUCTS)) if AXES in arrays else None
    return RaterModel(arrays["weights"].astype(np.float32), float(arrays["constant"]), of_products)


def _json_of_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, object]:
    """Numbers in decimal, with all their digits; the axes, 400,000 numbers in half precision, in base 64."""
    written: dict[str, object] = {name: [float(f"{value:.9g}") for value in array] for name, array in arrays.items() if array.ndim == 1}
    if AXES in arrays:
        written[AXES] = base64.b64encode(arrays[AXES].astype("<f2").tobytes()).decode()
    return {**written, "constant": float(arrays["constant"])}


def _arrays_of_json(card: dict[str, Any]) -> dict[str, np.ndarray]:
    """The numbers of a file, taken out of its card."""
    arrays = {name: np.array(card.pop(name)) for name in ("weights", "constant", *PRODUCTS) if name in card and name != AXES}
    if AXES in card:
        numbers = np.frombuffer(base64.b64decode(card.pop(AXES)), dtype="<f2")
        arrays[AXES] = numbers.reshape(-1, max(len(arrays["product_shift"]), 1))
    return arrays


def _checked_graph(path: Path, fit: InstantFit, bank: Path, card: ModelCard) -> ModelCard:
    graph = PhotoGraph(photo_graphs.session(path))
    digest = extractors.read(bank).hash
    away, spread = _difference(graph, fit, _examples(bank, digest))
    if not away <= GRAPH_TOLERANCE * max(1.0, spread):
        raise BadModel(f"Read again, the scores of the file differ by {away:.2g} from those of the fit, whose spread is {spread:.2g}.")
    large, _ = _difference(graph, fit, _examples(bank, digest, example_photos.LARGE))
    return card | {"checked": away, "checked_large": large}


def _difference(graph: PhotoGraph, fit: InstantFit, examples: Examples) -> tuple[float, float]:
    """The largest difference between the scores of the graph and of the fit, and the standard deviation of those of the fit."""
    expected = _scores(fit, examples)
    found = np.array([graph.score(np.asarray(photo)) for photo in examples.photos])
    return float(np.abs(found - expected).max()), float(expected.std())


def _scores(fit: InstantFit, examples: Examples) -> np.ndarray:
    """The scores of the fit in two steps, as the app computes them."""
    return fit.projection.apply(examples.raw).astype(np.float64) @ fit.weights


@lru_cache(maxsize=4)
def _examples(bank: Path, _digest: str, times: int = 1) -> Examples:
    """Example photos for the extractors of a bank, whose hash is `_digest`: extracted once per process, for all raters."""
    photos = example_photos.of_rules([row.size for row in extractors.read(bank).rows], times)
    return Examples(photos, FeatureExtractor(bank).raw(photos))
