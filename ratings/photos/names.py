"""Sanitised file names for display; never used as paths."""

import re
import unicodedata

LONGEST_NAME = 120
"""Characters, including the file extension, which is always kept."""

NO_NAME = "photo"

# Characters that change the text direction, are invisible or end lines: "photo\u202egpj.exe" would be shown as "photoexe.jpg".
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MOST_MARKS = 3


def display_name(name: str) -> str:
    """The last part of `name`, safe to show in text, a terminal, a spreadsheet or a page; never empty.

    Removes folders (either kind of slash), control and direction characters, angle brackets, and leading characters that start a
    formula in a spreadsheet; collapses white space; and shortens very long names but keeps their extension.
    """
    # First, because the steps below visit each character, and a name may have any length.
    tail = name[-4096:].replace("\\", "/").rstrip("/").rpartition("/")[2]
    if len(name) > 4096 and "/" not in name[-4096:]:
        tail = name[:LONGEST_NAME] + tail[-LONGEST_NAME:]
    plain = "".join(" " if letter.isspace() else letter for letter in tail if letter.isspace() or _is_visible(letter))
    plain = _few_marks(unicodedata.normalize("NFC", plain))  # composed only now: hidden characters keep an accent from its letter
    plain = re.sub(r"\s+", " ", plain).strip()
    plain = plain.lstrip("=+-@|. ").rstrip(". ")
    return _shortened(plain) or NO_NAME


def _is_visible(letter: str) -> bool:
    return letter not in "<>" and unicodedata.category(letter) not in _HIDDEN_CATEGORIES


def _few_marks(name: str) -> str:
    """Limit the combining marks per letter: a stack of them would cover the lines above."""
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
    stem, dot, extension = name.rpartition(".")
    extension = dot + extension if dot and len(extension) <= 8 else ""
    stem = stem if extension else name
    return stem[: LONGEST_NAME - len(extension) - 1].rstrip() + "…" + extension
