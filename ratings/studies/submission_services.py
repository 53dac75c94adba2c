"""Prolific's table of submissions (CSV): which id has which status and completion code, and what follows from it."""

import csv
import io
from collections.abc import Collection, Mapping, Sequence

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from ratings.studies import external_id_services, selectors, services
from ratings.studies.errors import BadStudy
from ratings.studies.models import Participant, ParticipantIdentity, Study

MOST_BYTES = 5_000_000
COLUMNS = {"id": ("Participant id", "participant_id"), "status": ("Status", "status"), "code": ("Completion code", "entered_code")}
Run = Participant.State
STOPPED = (Run.UNDER_WAY, Run.LEFT, Run.SCREENED_OUT, Run.CHECKS_FAILED, Run.FAULT)
# Status in Prolific's table: the states that it fits.
CROWD_STATES: dict[str, tuple[str, ...]] = {
    "RESERVED": (Run.UNDER_WAY,),
    "ACTIVE": (Run.UNDER_WAY,),
    "AWAITING REVIEW": (Run.COMPLETED,),
    "APPROVED": (Run.COMPLETED,),
    "PARTIALLY APPROVED": (Run.COMPLETED,),
    "REJECTED": (Run.COMPLETED, *STOPPED),
    "RETURNED": STOPPED,
    "TIMED-OUT": STOPPED,
    "SCREENED OUT": (Run.SCREENED_OUT, Run.CHECKS_FAILED),
}
GIVEN_BACK = ("RETURNED", "TIMED-OUT", "REJECTED")


def read(file: UploadedFile | None) -> list[tuple[str, str, str]]:
    """(participant id, status, completion code) of each line.

    Raises:
        BadStudy: it is no such table.
    """
    if file is None or (file.size or 0) > MOST_BYTES:
        raise BadStudy(_("Choose the CSV of submissions that Prolific exports."))
    try:
        table = csv.DictReader(io.StringIO(file.read().decode("utf-8-sig").replace("\x00", "")))
        names = {key: next((name for name in known if name in (table.fieldnames or ())), "") for key, known in COLUMNS.items()}
        if not names["id"] or not names["status"]:
            raise BadStudy(_("The table needs the columns “Participant id” and “Status”."))
        rows = [tuple((line.get(names[key]) or "").strip() for key in COLUMNS) for line in table]
    except (UnicodeDecodeError, csv.Error):
        raise BadStudy(_("The table cannot be read. Choose the CSV that Prolific exports.")) from None
    return [(one, status.upper()[:20], code) for one, status, code in rows if one]


def mark(study: Study, rows: Collection[tuple[str, str, str]], *, by: int | None) -> dict[str, list[str]]:
    """Mark what Prolific says of each submission: (participant id, status, completion code). Returned, timed-out and rejected ones
    release their places, and get them back where a later table has it otherwise. Before the study opens, the table is the pilot's.

    Returns what does not match: ids that PAV does not know, ids that the table lacks, statuses that do not fit, and codes of other
    outcomes.
    """
    unlike: dict[str, list[str]] = {"unknown": [], "missing": [], "state": [], "code": []}
    mode = Participant.Mode.MAIN if study.is_frozen else Participant.Mode.PILOT
    own = ParticipantIdentity.objects.filter(study=study, kind="prolific", mode=mode).select_related("participant__study")
    by_id = {row.external_id: row.participant for row in own}
    prolific = selectors.design_file(study.design_id).entry.prolific if study.design_id else None
    codes = prolific.codes if prolific else None
    with transaction.atomic():
        services.locked(study.pk)
        for external_id, status, code in rows:
            participant = by_id.get(external_id)
            if participant is None:
                key = external_id_services.used_key(study.pk, mode, external_id)
                without_run = codes is not None and code in codes.without_run()
                if not without_run and not external_id_services.is_barred(study, key):
                    unlike["unknown"].append(external_id)
                continue
            _mark(participant, status)
            if participant.state not in CROWD_STATES.get(status, ()):
                unlike["state"].append(f"{external_id}: {status} / {participant.get_state_display()}")
            if code and codes and code != codes.of(participant.state):
                unlike["code"].append(f"{external_id}: {code}")
        unlike["missing"] = sorted(by_id.keys() - {external_id for external_id, _status, _code in rows})
        services.log(study, "crowd_table", by=by, count=len(rows), **{name: len(found) for name, found in unlike.items()})
    return unlike


def _mark(participant: Participant, status: str) -> None:
    """Store a status of Prolific's; the caller holds the study's lock."""
    before, participant.crowd_status = participant.crowd_status, status
    Participant.objects.filter(pk=participant.pk).update(crowd_status=status)
    if status in GIVEN_BACK:
        services.release(participant, why=status.lower())
    elif before in GIVEN_BACK and not selectors.exclusion_of(participant) and participant.state in (Run.COMPLETED, Run.UNDER_WAY):
        services.take_back(participant)


def summary(unlike: Mapping[str, Sequence[str]]) -> str:
    """What does not match, in a sentence."""
    if not any(unlike.values()):
        return _("The table is read, and everything matches.")
    named = {
        _("unknown here"): unlike["unknown"],
        _("missing in the table"): unlike["missing"],
        _("with another state"): unlike["state"],
        _("with the code of another outcome"): unlike["code"],
    }
    parts = [f"{what}: {', '.join(found[:10])}{'…' if len(found) > 10 else ''}" for what, found in named.items() if found]
    return _("The table is read. What does not match: {parts}").format(parts="; ".join(parts))
