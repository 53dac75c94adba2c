"""Model export: one rater per task run, then the archive."""

import logging
import secrets
import shutil
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal, cast
from uuid import UUID

import numpy as np
from django.conf import settings

from personalize.errors import BadModel, PersonalizeError
from personalize.exports import model_files
from personalize.exports.fits import ExactFit, FitFacts, InstantFit
from personalize.files import atomic_files
from personalize.worker import capabilities, instant_fit, projections
from ratings import health, jobs
from ratings.exports import selectors, services
from ratings.exports.models import ModelExport
from ratings.exports.selectors import FitToExport
from ratings.ranking.histories import rating_history

logger = logging.getLogger(__name__)

README = """Raters' models, exported from PAV.

Each rater, named by a random id, has two files: the model, and its model card (.card.json) with the ratings it was fitted to, its accuracy
on left-out ratings, its bank, the preprocessing of photos, and licences.

Score photos without a database, in PAV's folder:

    ./pav score --model rater-ID.{file_format} photos...
{note}"""
NEEDS_BANK = "\nA file needs a bank with the same extractors: the hash under `extractors` in its model card, or `bank` of an exact fit.\n"
NOTES = {
    "json": NEEDS_BANK,
    "safetensors": NEEDS_BANK + "One of an exact fit holds its whole network, and needs none.\n",
    "onnx": (
        "\nAn ONNX file runs in any ONNX runtime. Output: `score`, higher is better. Input `photo`: an upright photo of any size, uint8\n"
        "height x width x 3, RGB. That of an exact fit is 1 x 3 x height x width, preprocessed as its card says.\n"
    ),
}


def fit_for_export(rater_id: UUID, method: Literal["active", "instant", "exact"] = "active") -> FitToExport | None:
    """A rater's current fit as `selectors.fit_to_export` gives it, with nothing that own photos have taught.

    Where a rater has rated own photos, the instant fit is made anew from the catalogue's ratings; the exact one is not exported.
    """
    fit = selectors.fit_to_export(rater_id, method)
    if fit is None or not selectors.rates_own_photos(rater_id):
        return fit
    fit = selectors.fit_to_export(rater_id, "instant") if method != "exact" else None
    history = rating_history(rater_id, stale_only=False, catalogue_only=True)
    if fit is None or history is None or not len(history.values):
        return None
    fitted = instant_fit.fit(history)
    accuracy = instant_fit.accuracy_of(history, fitted)
    weights, taught = fitted.weights.copy(), selectors.population_weights(rater_id, history.population_prior_id)
    if taught:
        weights += fitted.population_weights[0] * np.array(taught)
    found = {one["name"]: {"mean": one["mean"], "sd": one["sd"]} for one in instant_fit.coefficients(history, fitted)}
    facts = fit.facts | {"accuracy": asdict(accuracy) if accuracy else None, "coefficients": found, "ratings": len(history.values)}
    return replace(fit, weights=weights.tolist(), projection=history.projection, facts=facts | {"population": history.population_prior_id})


def rater_fit(fit: FitToExport) -> InstantFit | ExactFit:
    """A stored fit, ready to be written to a file.

    Raises:
        BadModel: its features have no projection, because they are of version 0.1.
        BadProjection: the stored projection cannot be read.
    """
    facts = cast(FitFacts, fit.facts)
    if fit.coefficients:
        return ExactFit(facts, np.array(fit.coefficients, dtype=np.float32))
    if fit.projection is None or not facts["extractors"]:
        raise BadModel(
            "This rater's fit is on features of version 0.1, which new exports cannot hold. Photos get new features in the background: "
            "export the model when that is done (./pav learn_projection --status)."
        )
    return InstantFit(facts, np.array(fit.weights), projections.loaded(fit.projection))


def advance(export_id: UUID) -> bool:
    """Write the next rater's model, or the archive of all models; True if there is more to do."""
    row = services.under_way(export_id)
    if row is None:
        return False
    if row.done_count < len(row.raters):
        return _advance_rater(row)
    services.finish(row, _write_archive(export_id, row.file_format))
    # Only after the row records the finished archive: if the worker is killed before, the next run needs every model.
    services.remove_leftovers(export_id)
    return False


def _advance_rater(row: ModelExport) -> bool:
    """Write the next rater's model. The step goes on to another worker where this one cannot write an exact fit and that one can.

    Where that is unknown, because Redis does not respond, nothing is done: the sweep queues the step again.
    """
    services.start(row)
    rater = row.raters[row.done_count]
    fit = fit_for_export(UUID(rater))
    lacks_torch = fit is not None and bool(fit.coefficients) and not capabilities.exact_fits()
    if lacks_torch:
        able = health.exact_refits()
        if able:
            jobs.request_exact_export(row.id)
        if able is not False:
            return False
        logger.warning("The exact model of %s was not exported: no worker has PyTorch (./pav install research).", rater)
    stored = services.store_step(row, services.NEEDS_PYTORCH if lacks_torch else _write_model(row.id, rater, fit, row.file_format))
    if not stored:
        services.remove_leftovers(row.id)  # finished or deleted in the meantime: the new files would never be removed
    return stored


def _write_model(export_id: UUID, rater: str, fit: FitToExport | None, file_format: str) -> str:
    """Write one rater's files; returns the reason why it is impossible, or an empty string."""
    if fit is None:
        return services.NO_FIT
    place = services.folder(export_id)
    own = place / secrets.token_hex(8)  # two workers may write the same model: neither may see the other's unfinished file
    try:
        model_files.write(own / f"rater-{rater}.{file_format}", file_format, rater_fit(fit), settings.PAV["BANK"])  # type: ignore[arg-type]  # checks it
        for file in own.iterdir():
            file.replace(place / file.name)
    except (PersonalizeError, OSError) as error:
        logger.warning("The model of %s was not exported: %s", rater, error)
        return str(error) or type(error).__name__
    except Exception as error:  # from one of three libraries: one bad model must not block the others
        logger.exception("The model of %s was not exported.", rater)
        return f"Unexpected error: {error}"
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return ""


def _write_archive(export_id: UUID, file_format: str) -> int:
    """Write the archive, uncompressed because models do not compress; returns its size, or 0 if there is no model."""
    place, target = services.folder(export_id), services.archive(export_id)
    files = sorted(file for file in place.glob("*") if file.is_file())
    if files:
        _write_zip(export_id, files, README.format(file_format=file_format, note=NOTES[file_format]))
    return target.stat().st_size if target.exists() else 0


def _write_zip(export_id: UUID, files: list[Path], readme: str) -> None:
    target = services.archive(export_id)
    partial = target.with_name(f"{target.name}.{secrets.token_hex(8)}")  # named so that `services.remove_leftovers` finds it
    try:
        with zipfile.ZipFile(partial, "x", zipfile.ZIP_STORED) as packed:
            packed.writestr("README.txt", readme)
            for file in files:
                packed.write(file, file.name)
        if services.under_way(export_id):  # otherwise another worker was faster, or the export was deleted
            atomic_files.rename(partial, target)
    finally:
        partial.unlink(missing_ok=True)
