"""Files of whole networks: exact fits, as `json` coefficients or a standalone network, and all files of version 0.1. Needs torch."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from personalize.errors import BadModel
from personalize.exports import cards, example_photos, first_instant_fits, photo_graphs
from personalize.exports.cards import NETWORK, FileFormat, ModelCard
from personalize.exports.fits import ExactFit
from personalize.files import backbones, images
from personalize.files.images import Preprocessing
from personalize.files.open_banks import Bank, open_bank
from personalize.networks.scorer import Scorer

TOLERANCE = 1e-4  # largest difference of scores after reading a file again

Scores = Callable[[Tensor], np.ndarray]


class MergedModel(nn.Module):
    """Maps preprocessed photos to scores from 1 to 10: the network of an exact fit. Its tensors are named as in the files."""

    def __init__(self, merged: Scorer) -> None:
        super().__init__()
        self.merged = merged.requires_grad_(False)

    def forward(self, photos: Float[Tensor, "photos 3 height width"]) -> Float[Tensor, "photos"]:
        return self.merged.score(photos)


def write(path: Path, file_format: FileFormat, fit: ExactFit, bank: Path) -> ModelCard:
    """Write a fit, read the file again, and compare its scores of example photos with those of the fit. Returns the card with the result.

    Raises:
        BadModel: the fit belongs to another bank or has other coefficients than it takes, or the file gives other scores.
        BadBank: `bank` cannot be opened.
    """
    opened = open_bank(bank)
    _check_bank(fit.facts["bank"], opened)
    row = backbones.find(opened.metadata.backbone)
    model = _merged(opened, fit.coefficients)
    card = cards.of_network(fit.facts, opened.metadata, row.licence, row.preprocessing.facts)
    photos = _inputs(example_photos.of_size(row.preprocessing.crop, row.preprocessing.crop), row.preprocessing)
    if file_format == "json":
        numbers = [float(f"{value:.8g}") for value in np.ravel(fit.coefficients)]
        path.write_text(json.dumps({**card, "coefficients": numbers}) + "\n", encoding="utf-8")
    elif file_format == "safetensors":
        kept = {name: value.detach().contiguous().clone() for name, value in model.state_dict().items()}
        save_file(kept, path, metadata={"format": NETWORK, "card": json.dumps(card)})
    else:
        export_graph(path, model, photos[:1], card)
    with torch.no_grad():
        expected = model(photos).numpy()
    away = float(np.abs(_open(path, bank)[1](photos) - expected).max())
    if not away <= TOLERANCE:
        raise BadModel(f"Read again, the scores of the file differ by {away:.2g} from those of the fit.")
    return card | {"checked": away}


def scorer(path: Path, bank: Path | None) -> tuple[ModelCard, Callable[[Sequence[Image.Image]], np.ndarray]]:
    """The card of a file, and a function from photos to scores. Only a `json` file needs a bank.

    Raises:
        BadModel: the bank is missing or another one, or the numbers do not fit it.
        BadBank: the bank cannot be opened.
    """
    card, scores = _open(path, bank)
    preprocessing = Preprocessing.of(card["preprocessing"])
    return card, lambda photos: scores(_inputs(photos, preprocessing))


def export_graph(path: Path, model: nn.Module, photo: Tensor, card: ModelCard) -> None:
    """Write a network as an ONNX graph for photos of the shape of `photo`."""
    program = torch.onnx.export(
        model.eval(), (photo.contiguous(),), dynamo=True, verbose=False, input_names=["photo"], output_names=["score"]
    )
    if program is None:
        raise BadModel("The model could not be written as ONNX.")
    program.model.metadata_props.update({"format": NETWORK, "card": json.dumps(card)})
    program.save(path, external_data=False)


def _open(path: Path, bank: Path | None) -> tuple[ModelCard, Scores]:
    if path.suffix == ".json":
        return _of_json(path, bank)
    return _of_onnx(path) if path.suffix == ".onnx" else _of_safetensors(path)


def _of_json(path: Path, bank: Path | None) -> tuple[ModelCard, Scores]:
    card = json.loads(path.read_text(encoding="utf-8"))
    if bank is None:
        raise BadModel(f"{path} holds only the numbers of a fit: it also needs the bank {card['bank']} (--bank).")
    opened = open_bank(bank)
    _check_bank(card["bank"], opened)
    if "weights" in card:
        return card, _in_torch(first_instant_fits.of_weights(opened, np.array(card.pop("weights"))))
    return card, _in_torch(_merged(opened, np.array(card.pop("coefficients"))))


def _of_safetensors(path: Path) -> tuple[ModelCard, Scores]:
    with safe_open(path, framework="pt") as file:
        card = json.loads(file.metadata()["card"])
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    if "line" in kept:
        return card, _in_torch(first_instant_fits.of_tensors(card["backbone"], kept))
    model = MergedModel(backbones.empty(card["backbone"]))
    model.load_state_dict(kept)
    return card, _in_torch(model.eval())


def _of_onnx(path: Path) -> tuple[ModelCard, Scores]:
    session = photo_graphs.session(path)
    name = session.get_inputs()[0].name

    def scores(photos: Tensor) -> np.ndarray:
        return np.concatenate([session.run(None, {name: photo[None].contiguous().numpy()})[0] for photo in photos])

    return json.loads(session.get_modelmeta().custom_metadata_map["card"]), scores


def _merged(bank: Bank, coefficients: np.ndarray) -> MergedModel:
    if coefficients.size != bank.start.numel():
        raise BadModel(f"The fit has {coefficients.size} coefficients; this bank takes {bank.start.numel()}.")
    if not np.isfinite(coefficients).all():
        raise BadModel("The fit has coefficients that are not finite numbers: fit the rater's ratings again, and export that fit.")
    shaped = coefficients.astype(np.float32).reshape(tuple(bank.start.shape))
    return MergedModel(bank.merged(torch.from_numpy(shaped))).eval()


def _inputs(photos: Sequence[Image.Image], preprocessing: Preprocessing) -> Tensor:
    return images.to_input(np.stack([images.to_pixels(photo, preprocessing) for photo in photos]), preprocessing)


def _in_torch(model: nn.Module) -> Scores:
    return lambda photos: torch.no_grad()(model)(photos).numpy()


def _check_bank(wanted: str, bank: Bank) -> None:
    """Version 0.1 named a bank by its main file alone, which extractors and taste parts leave as it is.

    Raises:
        BadModel: the fit belongs to another bank.
    """
    if wanted not in (bank.metadata.hash, bank.metadata.sha256[:16]):
        raise BadModel(f"The fit belongs to bank {wanted}; the given bank is {bank.metadata.hash}.")
