"""Names of files as people gave them, made safe to show. They are never part of a path."""

import re
import unicodedata

LONGEST_NAME = 120
"""Letters kept; the ending of the file is kept too."""

NO_NAME = "photo"

# Steers the direction of text, hides letters or ends lines: "photo\u202egpj.exe" would be shown as "photoexe.jpg".
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MOST_MARKS = 3


def display_name(name: str) -> str:
    """The last part of `name`, without anything that misleads the eye, a terminal, a spreadsheet or a page; never empty.

    Folders are cut off (both kinds of slash), control and direction letters and angle brackets dropped, white space made single
    blanks, the signs that start a formula in a spreadsheet taken from the front, and the middle left out of very long names.
    """
    # Before anything walks over the letters: a name may be of any length.
    tail = name[-4096:].replace("\\", "/").rstrip("/").rpartition("/")[2]
    if len(name) > 4096 and "/" not in name[-4096:]:
        tail = name[:LONGEST_NAME] + tail[-LONGEST_NAME:]
    plain = unicodedata.normalize("NFC", tail)
    plain = "".join(" " if letter.isspace() else letter for letter in plain if letter.isspace() or _is_visible(letter))
    plain = _few_marks(plain)
    plain = re.sub(r"\s+", " ", plain).strip()
    plain = plain.lstrip("=+-@| ").strip(". ") if plain else ""
    return _shortened(plain) or NO_NAME


def _is_visible(letter: str) -> bool:
    return letter not in "<>" and unicodedata.category(letter) not in _HIDDEN_CATEGORIES


def _few_marks(name: str) -> str:
    """At most a few accents on one letter: a tower of them would cover the lines above."""
    kept: list[str] = []
    marks = 0
    for letter in name:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


def _shortened(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    ending = dot + ending if dot and len(ending) <= 8 else ""
    stem = stem if ending else name
    return stem[: LONGEST_NAME - len(ending) - 1].rstrip() + "…" + ending
