"""Columns of a study's exported tables: each is declared once, with its meaning; tables and data dictionary both follow from it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any


@dataclass(frozen=True)
class Column:
    """One column: its name, its meaning with unit and values, and how a row gives it."""

    name: str
    about: str
    of: Callable[[Any], object]
    identifies: bool = False  # only written when ids are asked for


def _field(name: str, about: str, field: str = "") -> Column:
    return Column(name, about, itemgetter(field or name))


def _json(name: str, about: str) -> Column:
    return Column(name, about, lambda row: json.dumps(row[name], separators=(",", ":")) if row[name] else "")


def _time(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds") if time else ""


def _device_pixels(row: Any, field: str) -> float | None:
    return None if row[field] is None else round(row[field] * row["device_pixel_ratio"], 2)


WHO = _field("participant", "pseudonym of the participant in this study")
DESIGN = _field("design", "first 12 digits of the SHA-256 of the design that the participant saw")

TRIALS = (
    WHO,
    _field("number", "number of the participant, in the order of consent"),
    DESIGN,
    _field("condition", "condition of the participant; empty where the design has none"),
    _field("phase", "practice, main (a photo), or check (an instruction in place of a photo)"),
    _field("block", "block of the design"),
    _field("position", "place among the trials of the phase; photos and checks count together; from 1"),
    _field("attempt", "0; after an undo the trial was shown again, as 1, 2, ..."),
    _field("undone", "1 where the participant took this answer back; it does not count"),
    _field("photo", "SHA-256 of the photo; empty for a check"),
    _field("category", "category of the photo in the design"),
    _field("photo_before", "SHA-256 of the photo that the trial before showed; empty for the first trial and after a check"),
    _field("repeat_of", "position of the first trial of this photo; empty for the first one"),
    _field(
        "dealt_by",
        "how the order was made: random, random_short_runs (runs of a category limited), latin_square, williams, fixed; or random_repeat: "
        "a repeat, put into the block's order by lot",
    ),
    _field(
        "probability",
        "that this participant was given this photo, given the condition and who came before; 1 where everybody in it gets all photos",
    ),
    _field("value", "answer on the scale, from 1; empty where skipped or timed_out"),
    _field("check_value", "what a check asked for"),
    _field("skipped", "1 where the participant skipped the photo"),
    _field("timed_out", "1 where the time limit ran out"),
    _json("changes", "choices before the last one, as JSON: [[time, value], ...]"),
    _field("time_origin", "when the clock of the page was 0, milliseconds since 1970 UTC, by the participant's device"),
    _field("shown_ms", "start of the frame in which the photo was drawn, milliseconds on the clock of the page"),
    _field("first_input_ms", "first press of a key, button or finger after that"),
    _field("answer_ms", "the answer (event.timeStamp), same clock. The response time is answer_ms - shown_ms; nothing is subtracted here"),
    _field("swipe_start_ms", "where the answer was a swipe: the pointer went down"),
    _field("swipe_release_ms", "where the answer was a swipe: the pointer was let go"),
    _json("hidden", "times that the page was out of sight during the trial, as JSON: [[from, to], ...]"),
    _field("viewport_width", "CSS pixels"),
    _field("viewport_height", "CSS pixels"),
    _field("shown_width", "width of the photo on the screen, CSS pixels"),
    _field("shown_height", "height of the photo on the screen, CSS pixels"),
    _field("device_pixel_ratio", "device pixels for each CSS pixel"),
    Column("device_width", "width of the photo on the screen, device pixels", lambda row: _device_pixels(row, "shown_width")),
    Column("device_height", "height of the photo on the screen, device pixels", lambda row: _device_pixels(row, "shown_height")),
    _field("derivative", "width of the file that the browser chose, pixels"),
    _field("orientation", "of the screen, as browsers name it"),
    _field("input_kind", "touch, mouse, pen, key; or button, where the browser does not say"),
    Column("stored_at", "when the server stored it, UTC", lambda row: row["created_at"].isoformat(timespec="milliseconds")),
)
PARTICIPANTS = (
    WHO,
    _field("number", "in the order of consent"),
    DESIGN,
    _field("condition", "empty where the design has none"),
    _field("row", "how many were dealt into the condition before: the row of a Latin square or Williams design"),
    _field("state", "under_way, completed, screened_out, checks_failed (comprehension), left, fault"),
    _field("language", "of the pages"),
    _field("consent_hash", "SHA-256 of the consent that was agreed to; consents.csv has its text"),
    Column("consented_at", "UTC", lambda row: row["consented_at"].isoformat(timespec="seconds")),
    Column(
        "finished_at",
        "UTC; empty while under way",
        lambda row: _time(row["finished_at"]),
    ),
    _field("comprehension_tries", "tries at the comprehension questions"),
    _field("checks", "instructed checks that were shown"),
    _field("failed_checks", "of these, answered with another value. Reported only: nothing follows from it by itself"),
    _field("counts_for_target", "1 while the places of the participant are not others' to fill"),
    _field("crowd_status", "status in Prolific's table of submissions, where that was read"),
    _field("excluded", "1 where the researcher excluded the participant; exclusions.csv has the reason"),
    Column("external_id", "the id by which the participant came", lambda row: row["external_id"], identifies=True),
    Column("external_session", "Prolific's id of the submission", lambda row: row["external_session"], identifies=True),
)
PHOTOS = (
    _field("photo", "SHA-256 of the normalised photo"),
    _field("image", "name of the photo in ratings.csv, flickr_aes.csv and the folder of photos"),
    _field("category", "in the design"),
    _field("width", "pixels"),
    _field("height", "pixels"),
    _field("licence", "of the photo"),
    _field("credit", "of the photo"),
    _field("source", "of the photo"),
)
EVENTS = (
    WHO,
    _field("kind", "undo, break, resume (the page was opened again), photo_failed (it could not be loaded)"),
    _field("place", "place in everything that the participant was shown, practice included, from 0"),
    _json("data", "times on the clock of the page, as JSON"),
    Column("stored_at", "UTC", lambda row: row["created_at"].isoformat(timespec="milliseconds")),
)
ANSWERS = (
    WHO,
    _field("step", "questions_before, comprehension, questions_after"),
    _field("attempt", "try at the comprehension questions, from 1"),
    _field("question", "id of the question in the design"),
    _field("row", "row of a matrix, from 1"),
    _field("value", "place of the option from 1; or the number, or the text"),
)
EXCLUSIONS = (
    WHO,
    _field("reason", "in the researcher's words"),
    Column("excluded_at", "UTC", lambda row: row["created_at"].isoformat(timespec="seconds")),
)
CONSENTS = (
    _field("design", "SHA-256 of the design"),
    _field("language", "of the text"),
    _field("hash", "SHA-256 of what the page said; participants.csv names it for each participant"),
    _field("text", "what the page said, as JSON"),
)
LOG = (
    Column("at", "UTC", lambda row: row["created_at"].isoformat(timespec="milliseconds")),
    _field("kind", "created, saved, state, changed, dealt, released, returned, declined, withdrawn, excluded, included, ..."),
    _json("data", "as JSON; the entries dealt, released and returned replay who was dealt what"),
)
RATINGS = (
    _field("rater", "pseudonym of the participant", "participant"),
    _field("image", "name of the photo, see photos.csv"),
    _field("score", "answer on the scale", "value"),
    _field("block", "which showing of the photo to this participant: 1, 2, ...", "showing"),
    _field("trial", "order of the trials of the participant", "position"),
    Column("seconds", "from the frame of the photo to the answer", lambda row: f"{(row['answer_ms'] - row['shown_ms']) / 1000:.4f}"),
)
CONDITION = _field("condition", "condition of the participant; scores of conditions with different scales cannot be compared")
CATEGORY = _field("category", "category of the photo in the design")
FLICKR_AES = (
    _field("worker", "pseudonym of the participant, as FLICKR-AES names the column", "participant"),
    _field("imagePair", "name of the photo, as FLICKR-AES names the column", "image"),
    _field("score", "answer on the scale; the mean of several showings"),
)

TABLES: Mapping[str, tuple[str, Sequence[Column]]] = {
    "trials.csv": ("every trial, raw, in the order of participants and places", TRIALS),
    "trials_cleaned.csv": (
        "the trials that the frozen rules keep; no practice, checks, undone or empty answers, excluded participants",
        TRIALS,
    ),
    "participants.csv": ("everybody who consented, but for those who withdrew", PARTICIPANTS),
    "photos.csv": ("the photos of the design", PHOTOS),
    "events.csv": ("what happened around trials", EVENTS),
    "answers.csv": ("answers to questions", ANSWERS),
    "exclusions.csv": ("participants whom the researcher excluded", EXCLUSIONS),
    "consents.csv": ("what participants agreed to", CONSENTS),
    "log.csv": ("what happened in the study", LOG),
    "ratings.csv": ("the cleaned trials in the columns of ./pav agreement and ./pav evaluate", (*RATINGS, CONDITION, CATEGORY)),
    "flickr_aes.csv": ("the cleaned trials in FLICKR-AES's columns", FLICKR_AES),
}
