"""File type detection by content; file names are ignored."""

from ratings.photos.refusals import PhotoRefused

HEAD = 4096
"""Bytes searched for the marks of a text format."""

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}
_EITHER_BRANDS = {b"mif1", b"msf1", b"miaf"}

_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"GIF8", "gif", ""),
    (b"MZ", "program", ""),
    (b"\x7fELF", "program", ""),
    (b"\xcf\xfa\xed\xfe", "program", ""),
    (b"\xce\xfa\xed\xfe", "program", ""),
    (b"\xca\xfe\xba\xbe", "program", ""),
    (b"\x00asm", "program", ""),
    (b"#!", "program", ""),
    (b"PK\x03\x04", "archive", ""),
    (b"PK\x05\x06", "archive", ""),
    (b"Rar!", "archive", ""),
    (b"7z\xbc\xaf\x27\x1c", "archive", ""),
    (b"\x1f\x8b", "archive", ""),
    (b"BZh", "archive", ""),
    (b"\xfd7zXZ", "archive", ""),
    (b"%PDF", "document", ""),
    (b"%!PS", "document", ""),
    (b"{\\rtf", "document", ""),
    (b"\xd0\xcf\x11\xe0", "document", ""),
    (b"\x1a\x45\xdf\xa3", "video", ""),
    (b"BM", "other_picture", "BMP"),
    (b"II*\x00", "other_picture", "TIFF and raw camera"),
    (b"MM\x00*", "other_picture", "TIFF and raw camera"),
    (b"II+\x00", "other_picture", "TIFF"),
    (b"MM\x00+", "other_picture", "TIFF"),
    (b"8BPS", "other_picture", "Photoshop"),
    (b"\xff\x0a", "other_picture", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "other_picture", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "other_picture", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "other_picture", "JPEG 2000"),
    (b"FUJIFILM", "other_picture", "Raw camera"),
    (b"\x00\x00\x01\x00", "other_picture", "Icon"),
)

_WEB_PIECES = (b"<script", b"<html", b"<!doctype html", b"<?php", b"<iframe", b"<svg")


def photo_format(data: bytes) -> str:
    """Pillow's name of the one decoder that may read `data`: JPEG, PNG, WEBP, HEIF or AVIF.

    Raises:
        PhotoRefused: the file is something else (the reason names it), or contains a web page as well as a photo.
    """
    if not data:
        raise PhotoRefused("empty")
    found = _accepted(data)
    if found is None:
        raise _refusal(data)
    if _holds_web_page(data):
        raise PhotoRefused("hidden_web_page")
    return found


def _accepted(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(data[:4], "big"), 256)
    major, compatible = data[8:12], {data[place : place + 4] for place in range(16, length, 4)}
    if major in _AVIF_BRANDS or (major in _EITHER_BRANDS and compatible & _AVIF_BRANDS):
        return "AVIF"
    if major in _HEIF_BRANDS | _EITHER_BRANDS:
        return "HEIF"
    return None


def _refusal(data: bytes) -> PhotoRefused:
    for start, code, kind in _REFUSED:
        if data.startswith(start):
            return PhotoRefused(code, {"kind": kind})
    if data[4:8] == b"ftyp":
        raw = data[8:12] == b"crx "
        return PhotoRefused("other_picture", {"kind": "Raw camera"}) if raw else PhotoRefused("video")
    if data.startswith(b"RIFF") or data[4:8] in (b"moov", b"mdat"):
        return PhotoRefused("video")
    text = _as_text(data)
    if b"<svg" in text:
        return PhotoRefused("svg")
    if text.lstrip().startswith(b"<") or any(piece in text for piece in _WEB_PIECES):
        return PhotoRefused("web_page")
    return PhotoRefused("not_a_photo")


def _as_text(data: bytes) -> bytes:
    """The head of a file in lower case, with one byte per ASCII letter for both UTF-8 and UTF-16."""
    head = data[:HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[2:].replace(b"\x00", b"")
    return head.removeprefix(b"\xef\xbb\xbf").lower()


def _holds_web_page(data: bytes) -> bool:
    """Whether a browser that guesses content types could run this photo as a page (a polyglot file).

    Re-encoding removes the page, but such a file is refused anyway, because nobody creates one by accident.
    """
    lowered = data.lower()
    return any(piece in lowered for piece in _WEB_PIECES[:-1])
