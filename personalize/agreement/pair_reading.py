"""Reader of tables of paired choices."""

import math
from array import array
from pathlib import Path

import numpy as np

from personalize.agreement.paired_choices import PairedChoices
from personalize.agreement.reading import COLUMNS, Line, Names, lines, opened
from personalize.errors import BadDataset
from personalize.progress import ProgressCallback, no_progress

PAIR_COLUMNS = {
    "rater": COLUMNS["rater"],
    "left": ("left",),
    "right": ("right",),
    "chosen": ("chosen", "choice"),
    "trial": COLUMNS["trial"],
    "seconds": COLUMNS["seconds"],
}
NEEDED = ("rater", "left", "right", "chosen")
TIES = {"tie", "equal", "both", "neither", "none", "0"}


def is_pairs(table: Path) -> bool:
    """Whether a table has the columns of paired choices.

    Raises:
        BadDataset: it cannot be read.
    """
    with opened(table) as text:
        header = text.readline().lower()
    return all(name in header for name in ("left", "right", "chosen"))


def read_pairs(table: Path, progress: ProgressCallback = no_progress) -> PairedChoices:
    """Read a table with the columns rater, left, right, chosen (left, right, tie, or the name of the chosen photo), and optionally seconds.

    Raises:
        BadDataset: see `reading.read`.
    """
    raters, photos = Names(), Names()
    codes = {column: array("i") for column in ("rater", "left", "right")}
    chosen, seconds = array("d"), array("d")
    for line in lines(table, PAIR_COLUMNS, NEEDED, progress):
        left, right = line.text("left"), line.text("right")
        if left == right:
            raise BadDataset(f"{table} line {line.number}, column right: both photos are {right}.")
        chosen.append(_choice(line, left, right))
        codes["rater"].append(raters.number(line.text("rater")))
        codes["left"].append(photos.number(left))
        codes["right"].append(photos.number(right))
        seconds.append(line.number_of("seconds") if "seconds" in line.cells else math.nan)
    if not chosen:
        raise BadDataset(f"{table} has no choice.")
    rater, rater_names = raters.sorted(codes["rater"])
    (left_codes, photo_names), (right_codes, _) = photos.sorted(codes["left"]), photos.sorted(codes["right"])
    times = np.frombuffer(seconds, dtype=np.float64)
    return PairedChoices(
        rater, left_codes, right_codes, np.frombuffer(chosen, dtype=np.float64), rater_names, photo_names,
        times if np.isfinite(times).any() else None,
    )  # fmt: skip


def _choice(line: Line, left: str, right: str) -> float:
    text = line.text("chosen")
    outcomes = {left: 1.0, right: 0.0} if text in (left, right) else {"left": 1.0, "right": 0.0} | dict.fromkeys(TIES, 0.5)
    value = outcomes.get(text if text in outcomes else text.lower())
    if value is None:
        raise BadDataset(f"{line.table} line {line.number}, column chosen: {text!r} is none of left, right, tie, {left}, {right}.")
    return value
