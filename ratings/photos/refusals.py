"""Reasons for refusing a file: one exception, and one message per reason.

This module does not import Django, so that a worker process can refuse a file without loading it. The messages are gettext sources;
the caller passes the translation function: `refusal.sentence(gettext)`.
"""

from collections.abc import Callable


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for `makemessages`; it is translated where it is shown."""
    return sentence


SENTENCES: dict[str, str] = {
    "empty": gettext_noop("The file is empty. Copy it again from where it came, or choose another one."),
    "file_too_large": gettext_noop("The file has %(megabytes)s MB; a photo may have %(limit)s MB at most. Save it smaller and try again."),
    "svg": gettext_noop("This is a drawing (SVG), not a photo. Save it as JPEG or PNG and try again."),
    "gif": gettext_noop("This is a GIF, which holds too few colours for a photo. Save it as JPEG or PNG and try again."),
    "web_page": gettext_noop("This is a web page or a text, not a photo. Save the photo itself and try again."),
    "hidden_web_page": gettext_noop(
        "A piece of a web page is hidden inside this photo. Open it in a photo program, save it as a new file and try again."
    ),
    "program": gettext_noop("This is a program, not a photo, whatever its name says. Choose another file."),
    "archive": gettext_noop("This is an archive, not a photo. Unpack it and choose the photos inside."),
    "document": gettext_noop("This is a document, not a photo. Save the photo in it as JPEG and try again."),
    "video": gettext_noop("This is a video, not a photo. Save one picture of it as JPEG and try again."),
    "other_picture": gettext_noop("%(kind)s pictures are not read here. Save it as JPEG, PNG or WebP and try again."),
    "not_a_photo": gettext_noop("This is not a photo that can be read. JPEG, PNG, WebP, HEIC, AVIF and raw files are."),
    "raw_without_preview": gettext_noop("This raw file holds no preview to show. Export it as JPEG and try again."),
    "killed": gettext_noop("Reading this file failed twice, so it is left out. Open it, save it as a new file and try again."),
    "broken": gettext_noop("The photo is damaged or not complete. Copy it again from where it came, or open it and save it as a new file."),
    "too_many_pixels": gettext_noop(
        "The photo has too many pixels: %(megapixels)s megapixels are the most that is read. Make it smaller and try again."
    ),
    "side_too_long": gettext_noop(
        "The photo has %(width)s × %(height)s pixels; no side may be longer than %(limit)s. Make it smaller or crop it, and try again."
    ),
    "too_small": gettext_noop(
        "The photo has only %(width)s × %(height)s pixels; each side needs at least %(limit)s. Choose a larger version of it."
    ),
    "too_narrow": gettext_noop(
        "The photo is a strip of %(width)s × %(height)s pixels, too narrow to be looked at as a whole. Crop it and try again."
    ),
    "too_many_scans": gettext_noop(
        "The photo is stored in %(scans)s layers, far more than any camera writes. Open it, save it as a new file and try again."
    ),
    "unreadable": gettext_noop("The file could not be opened. See that it still exists and that you may read it."),
    "not_a_file": gettext_noop("This is not an ordinary file, so there is nothing in it to read."),
}


class PhotoRefused(Exception):
    """A file is not accepted as a photo.

    `code` is a key of `SENTENCES` and is stable; `values` fill the placeholders of its sentence. `str()` is the English sentence.
    """

    def __init__(self, code: str, values: dict[str, str] | None = None) -> None:
        # Both are passed to Exception, which pickles its arguments: so they reach the parent of a worker process.
        super().__init__(code, values or {})
        self.code = code
        self.values = values or {}

    def sentence(self, translate: Callable[[str], str] = str) -> str:
        """What is wrong and what to do, translated by `translate`."""
        return translate(SENTENCES[self.code]) % self.values

    def __str__(self) -> str:
        return self.sentence()
