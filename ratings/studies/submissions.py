"""Prolific's table of submissions (CSV): which id has which status and completion code."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from ratings.studies.errors import BadStudy

MOST_BYTES = 5_000_000
COLUMNS = {"id": ("Participant id", "participant_id"), "status": ("Status", "status"), "code": ("Completion code", "entered_code")}


def read(file: Any) -> list[tuple[str, str, str]]:
    """(participant id, status, completion code) of each line.

    Raises:
        BadStudy: it is no such table.
    """
    if file is None or file.size > MOST_BYTES:
        raise BadStudy(_("Choose the CSV of submissions that Prolific exports."))
    try:
        table = csv.DictReader(io.StringIO(file.read().decode("utf-8-sig")))
        names = {key: next((name for name in known if name in (table.fieldnames or ())), "") for key, known in COLUMNS.items()}
        if not names["id"] or not names["status"]:
            raise BadStudy(_("The table needs the columns “Participant id” and “Status”."))
        rows = [tuple((line.get(names[key]) or "").strip() for key in COLUMNS) for line in table]
    except (UnicodeDecodeError, csv.Error):
        raise BadStudy(_("The table cannot be read. Choose the CSV that Prolific exports.")) from None
    return [(one, status.upper()[:20], code) for one, status, code in rows if one]


def summary(unlike: Mapping[str, Sequence[str]]) -> str:
    """What does not match, in a sentence."""
    if not any(unlike.values()):
        return _("The table is read, and everything matches.")
    named = {
        _("unknown here"): unlike["unknown"],
        _("missing in the table"): unlike["missing"],
        _("with another state"): unlike["state"],
    }
    parts = [f"{what}: {', '.join(found[:10])}{'…' if len(found) > 10 else ''}" for what, found in named.items() if found]
    return _("The table is read. What does not match: {parts}").format(parts="; ".join(parts))
