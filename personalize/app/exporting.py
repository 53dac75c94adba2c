"""Models of people for administrators: one person a run, then the archive. Django's edge."""

import logging
import secrets
import shutil
import zipfile
from pathlib import Path
from typing import cast
from uuid import UUID

import numpy as np

from personalize.app import serving
from personalize.errors import PersonalizeError
from personalize.scorers import model_files
from personalize.scorers.model_files import FitFacts, RaterFit
from ratings import model_exports, selectors
from ratings.selectors import FitToExport

logger = logging.getLogger(__name__)

README = """Models of people, exported from PAV.

Each person, named by a random id, has a file of two: the model, and a card (.card.json) that says what it was fitted on, how accurate it
was on left-out answers, the bank, how photos are prepared, and licences.

Score photos without a database, in PAV's folder:

    ./pav score --model person-ID.{kind} photos...
{note}"""
NOTES = {
    "json": "\nA JSON file needs the same bank beside it (the card names its hash).\n",
    "safetensors": "",
    "onnx": "\nAn ONNX file runs wherever ONNX runs: input `photo`, 1 x 3 x height x width, prepared as the card says; output `score`.\n",
}


def person_fit(told: FitToExport) -> RaterFit:
    """A fit as it was stored, ready to be written."""
    facts = cast(FitFacts, told.facts)
    if told.coefficients:
        return RaterFit(facts, coefficients=np.array(told.coefficients, dtype=np.float32))
    return RaterFit(facts, weights=np.array(told.weights))


def advance(export_id: UUID) -> bool:
    """Make the next person's model, or pack them all; whether there is more to do."""
    row = model_exports.under_way(export_id)
    if row is None:
        return False
    if row.done < len(row.people):
        model_exports.start(row)
        stored = model_exports.store_step(row, _made(export_id, row.people[row.done], row.kind))
        if not stored:
            model_exports.tidy(export_id)  # finished or deleted in the meantime: what was made just now would stay for ever
        return stored
    model_exports.finish(row, _packed(export_id, row.kind))
    # After it is written down that the archive is there: killed earlier, the next run must find every model again.
    model_exports.tidy(export_id)
    return False


def _made(export_id: UUID, person: str, kind: str) -> str:
    """Write one person's files; empty, or why it cannot be done."""
    told = selectors.fit_to_export(UUID(person))
    if told is None:
        return model_exports.NO_FIT
    place = model_exports.folder(export_id)
    own = place / secrets.token_hex(8)  # two workers may make the same person: neither sees the other's unfinished file
    try:
        bank = serving.bank()
        model_files.write(own / f"person-{person}.{kind}", kind, person_fit(told), bank)  # type: ignore[arg-type]  # checks it
        for file in own.iterdir():
            file.replace(place / file.name)
    except (PersonalizeError, OSError) as error:
        logger.warning("The model of %s was not exported: %s", person, error)
        return str(error) or type(error).__name__
    except Exception as error:  # whatever three libraries raise: one person's model must not keep everybody else's back
        logger.exception("The model of %s was not exported.", person)
        return f"Something unforeseen: {error}"
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return ""


def _packed(export_id: UUID, kind: str) -> int:
    """Write the archive, stored as it is (models do not shrink); its size, 0 without any model."""
    place, target = model_exports.folder(export_id), model_exports.archive(export_id)
    files = sorted(file for file in place.glob("person-*") if file.is_file())
    if files:
        _write(export_id, files, README.format(kind=kind, note=NOTES[kind]))
    return target.stat().st_size if target.exists() else 0


def _write(export_id: UUID, files: list[Path], readme: str) -> None:
    target = model_exports.archive(export_id)
    partial = target.with_name(f"{target.name}.{secrets.token_hex(8)}")
    try:
        with zipfile.ZipFile(partial, "x", zipfile.ZIP_STORED) as packed:
            packed.writestr("README.txt", readme)
            for file in files:
                packed.write(file, file.name)
        if model_exports.under_way(export_id):  # else another worker was faster, or it was deleted
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
