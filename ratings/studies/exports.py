"""Exports of a study: tables that are written row by row, in memory that does not depend on how many trials there are."""

import csv
import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet

from ratings.photos.models import Photo
from ratings.studies import consents, selectors
from ratings.studies.design import StudyFile
from ratings.studies.export_columns import TABLES
from ratings.studies.models import Exclusion, Participant, Study, StudyAnswer, StudyDesign, StudyPhoto, Trial, TrialEvent

NAMES = (*TABLES, "dictionary.csv", "study.yaml", "study.json")
Row = dict[str, Any]  # of a table, by column
CHUNK = 2000
MAIN = Participant.Mode.MAIN
FIELDS = tuple(field.attname for field in Trial._meta.concrete_fields if field.name not in ("id", "client_id", "participant"))


def lines_of(study: Study, name: str, *, mode: str = MAIN, with_ids: bool = False) -> Iterator[str]:
    """The lines of one file of the export."""
    if name == "study.yaml":
        yield selectors.design_of(study, mode).text
    elif name == "study.json":
        yield json.dumps(facts(study, mode), indent=2, ensure_ascii=False) + "\n"
    elif name == "dictionary.csv":
        yield _line(["table", "column", "meaning"])
        for table, (about, columns) in TABLES.items():
            yield _line([table, "", about])
            yield from (_line([table, column.name, column.about]) for column in columns if with_ids or not column.identifies)
    else:
        absent = _absent_columns(study, mode) if name == "ratings.csv" else set()
        columns = [column for column in TABLES[name][1] if (with_ids or not column.identifies) and column.name not in absent]
        yield _line([column.name for column in columns])
        getters = [column.of for column in columns]
        yield from (_line([_cell(get(row)) for get in getters]) for row in _rows(study, name, mode))


def facts(study: Study, mode: str) -> dict[str, object]:
    """What every export says of itself: the design with its hash and time, versions, what was changed after opening, counts."""
    design = selectors.design_of(study, mode)
    return {
        "study": study.slug,
        "mode": mode,
        "state": study.state,
        "design_sha256": design.hash,
        "frozen_at": design.frozen_at.isoformat(timespec="seconds"),
        "is_opening": design.is_opening,
        "consent_sha256": design.consent_hashes,
        "versions": design.versions,
        "primary_statistic": selectors.design_file(design.pk).primary_statistic,
        "cleaning": selectors.design_file(design.pk).cleaning.model_dump(),
        "places": study.places,
        "ends_at": study.ends_at.isoformat() if study.ends_at else None,
        "contact": study.contact,
        "changes_after_opening": [
            {"at": row.created_at.isoformat(timespec="seconds"), **row.data} for row in selectors.log_of(study).filter(kind="changed")
        ],
        "participants_by_state": selectors.counts_by_state(study, mode),
        "withdrawn_rows_are_left_out": True,
    }


def _rows(study: Study, name: str, mode: str) -> Iterator[Row]:
    if name == "trials.csv":
        return trials(study, mode)
    if name in ("trials_cleaned.csv", "ratings.csv"):
        return cleaned(study, mode)
    if name == "flickr_aes.csv":
        return _means(study, mode)
    makers = {
        "participants.csv": _participants,
        "photos.csv": _photos,
        "events.csv": _events,
        "answers.csv": _answers,
        "exclusions.csv": _exclusions,
        "consents.csv": _consents,
        "log.csv": _log,
    }
    return makers[name](study, mode)


def people(study: Study, mode: str) -> QuerySet[Participant]:
    """The participants of an export: nobody who withdrew."""
    rows = Participant.objects.filter(study=study, mode=mode).exclude(state=Participant.State.WITHDRAWN)
    return rows.select_related("design").defer("design__text").order_by("number")


def trials(study: Study, mode: str) -> Iterator[Row]:
    """Every trial, one participant after the other."""
    hashes = dict(StudyPhoto.objects.filter(study=study).values_list("id", "sha256"))
    categories = dict(StudyPhoto.objects.filter(study=study).values_list("id", "category"))
    for participant in people(study, mode).iterator(CHUNK):
        yield from _trials_of(participant, hashes, categories)


def _trials_of(participant: Participant, hashes: dict[int, str], categories: dict[int, str]) -> list[Row]:
    trials = Trial.objects.filter(participant=participant).order_by("place", "attempt")
    rows = [dict(zip(FIELDS, values, strict=True)) for values in trials.values_list(*FIELDS)]
    last = {row["place"]: row["attempt"] for row in rows}
    for row in rows:
        photo, before = row["photo_id"], row["photo_before_id"]
        row |= {
            "participant": participant.pseudonym,
            "number": participant.number,
            "design": participant.design.hash[:12],
            "condition": participant.condition,
            "undone": row["attempt"] != last[row["place"]],
            "photo": hashes.get(photo, ""),
            "category": categories.get(photo, ""),
            "photo_before": hashes.get(before, ""),
            "image": image_name(hashes[photo]) if photo else "",
        }
    return rows


def cleaned(study: Study, mode: str) -> Iterator[Row]:
    """The trials that the frozen rules keep, with which showing of the photo each is (`block` in ratings.csv)."""
    file = selectors.design_file(selectors.design_of(study, mode).pk)
    excluded = set(Exclusion.objects.filter(participant__study=study).values_list("participant", flat=True))
    hashes = dict(StudyPhoto.objects.filter(study=study).values_list("id", "sha256"))
    categories = dict(StudyPhoto.objects.filter(study=study).values_list("id", "category"))
    for participant in people(study, mode).iterator(CHUNK):
        if participant.pk in excluded or (file.cleaning.completed_only and participant.state != Participant.State.COMPLETED):
            continue
        rows = [row for row in _trials_of(participant, hashes, categories) if not row["undone"]]
        failed = sum(row["phase"] == "check" and row["value"] != row["check_value"] for row in rows)
        if file.cleaning.most_failed_checks is not None and failed > file.cleaning.most_failed_checks:
            continue
        shown: dict[str, int] = {}
        for row in rows:
            if row["phase"] != "main":
                continue
            shown[row["photo"]] = shown.get(row["photo"], 0) + 1
            if is_kept(file, row):
                yield row | {"showing": shown[row["photo"]]}


def is_kept(file: StudyFile, row: Row) -> bool:
    """Whether the rules keep a trial of a photo."""
    rules, seconds = file.cleaning, (row["answer_ms"] - row["shown_ms"]) / 1000
    if row["value"] is None or (rules.drop_hidden and row["hidden"]):
        return False
    too_fast = rules.fastest_seconds is not None and seconds < rules.fastest_seconds
    too_slow = rules.slowest_seconds is not None and seconds > rules.slowest_seconds
    return not (too_fast or too_slow)


def _means(study: Study, mode: str) -> Iterator[Row]:
    """One row for each participant and photo."""
    own: dict[str, list[int]] = {}
    who = ""
    for row in cleaned(study, mode):
        if row["participant"] != who:
            yield from _means_of(who, own)
            who, own = row["participant"], {}
        own.setdefault(row["image"], []).append(row["value"])
    yield from _means_of(who, own)


def _means_of(who: str, own: dict[str, list[int]]) -> Iterator[Row]:
    for image, values in own.items():
        yield {"participant": who, "image": image, "score": f"{sum(values) / len(values):g}"}


def _participants(study: Study, mode: str) -> Iterator[Row]:
    excluded = set(Exclusion.objects.filter(participant__study=study).values_list("participant", flat=True))
    for participant in people(study, mode).select_related("identity").iterator(CHUNK):
        checks = list(
            Trial.objects.filter(participant=participant, phase=Trial.Phase.CHECK)
            .order_by("place", "-attempt")
            .distinct("place")
            .values_list("value", "check_value")
        )
        try:
            identity = (participant.identity.external_id, participant.identity.external_session)
        except ObjectDoesNotExist:
            identity = ("", "")
        fields = ("number", "condition", "row", "state", "language", "consent_hash", "consented_at", "finished_at")
        yield {name: getattr(participant, name) for name in (*fields, "comprehension_tries", "crowd_status")} | {
            "participant": participant.pseudonym,
            "design": participant.design.hash[:12],
            "checks": len(checks),
            "failed_checks": sum(value != wanted for value, wanted in checks),
            "counts_for_target": not participant.released,
            "excluded": participant.pk in excluded,
            "external_id": identity[0],
            "external_session": identity[1],
        }


def _photos(study: Study, mode: str) -> Iterator[Row]:
    wanted = {photo.sha256: photo.category for photo in selectors.design_file(selectors.design_of(study, mode).pk).photos}
    for photo in Photo.objects.filter(owner=None, sha256__in=wanted).order_by("id").iterator(CHUNK):
        yield {
            "photo": photo.sha256,
            "image": image_name(photo.sha256),
            "category": wanted[photo.sha256],
            **{name: getattr(photo, name) for name in ("width", "height", "licence", "credit", "source")},
        }


def image_name(sha256: str) -> str:
    """Name of a photo's file in exports: says nothing, and stays the same."""
    return f"{sha256[:16]}.jpg"


def _of_people(rows: QuerySet[Any], study: Study, mode: str, *fields: str) -> Iterator[Row]:
    own = rows.filter(participant__study=study, participant__mode=mode).exclude(participant__state=Participant.State.WITHDRAWN)
    for row in own.order_by("participant__number", "id").values("participant__pseudonym", *fields).iterator(CHUNK):
        yield row | {"participant": row["participant__pseudonym"]}


def _events(study: Study, mode: str) -> Iterator[Row]:
    return _of_people(TrialEvent.objects.all(), study, mode, "kind", "place", "data", "created_at")


def _answers(study: Study, mode: str) -> Iterator[Row]:
    return _of_people(StudyAnswer.objects.all(), study, mode, "step", "attempt", "question", "row", "value")


def _exclusions(study: Study, mode: str) -> Iterator[Row]:
    return _of_people(Exclusion.objects.all(), study, mode, "reason", "created_at")


def _consents(study: Study, mode: str) -> Iterator[Row]:
    for design in StudyDesign.objects.filter(study=study).order_by("id"):
        file = selectors.design_file(design.pk)
        for language in file.languages:
            text = json.dumps(consents.consent_of(file, language), ensure_ascii=False)
            yield {"design": design.hash, "language": language, "hash": design.consent_hashes[language], "text": text}


def _log(study: Study, mode: str) -> Iterator[Row]:
    for row in selectors.log_of(study).iterator(CHUNK):
        yield {"created_at": row.created_at, "kind": row.kind, "data": row.data}


def _absent_columns(study: Study, mode: str) -> set[str]:
    """Columns of ratings.csv that say nothing in a study without categories, or without conditions."""
    file = selectors.design_file(selectors.design_of(study, mode).pk)
    has = {"category": all(photo.category for photo in file.photos), "condition": bool(file.conditions)}
    return {name for name, is_there in has.items() if not is_there}


def _cell(value: object) -> object:
    if value is None:
        return ""
    if value is True or value is False:
        return int(value)
    # A spreadsheet takes a text with these at its start for a formula.
    if type(value) is str and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


class _Echo:
    """A file that returns what is written to it: one writer serves all lines."""

    def write(self, text: str) -> str:
        return text


_writer = csv.writer(_Echo(), lineterminator="\n")


def _line(cells: Sequence[object]) -> str:
    return str(_writer.writerow(cells))
