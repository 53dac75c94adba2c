"""Segments of JPEG files: the XMP packet replaced, and where the photo was taken removed. Pixels stay as they are encoded.

References:
    ISO/IEC 10918-1 (JPEG), annex B; XMP Specification part 3, 1.1.3; Exif 2.32, 4.6 (IFDs).
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ratings.photos import xmp

XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_EXIF_START = b"Exif\0\0"
_APP0, _APP1, _APP13, _SOS, _EOI = 0xE0, 0xE1, 0xED, 0xDA, 0xD9
_LONGEST = 65533  # bytes that a segment may hold
_GPS_TAG = 0x8825
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # bytes of a value, by EXIF type


class UnusableJpeg(ValueError):
    """The file's segments cannot be read, or a packet would not fit into one."""


@dataclass(frozen=True)
class _Segment:
    marker: int
    body: bytes


def with_packet(data: bytes, make: Callable[[bytes | None], bytes]) -> bytes:
    """The JPEG with the XMP packet that `make` makes from the one in it (None without one).

    Raises:
        UnusableJpeg: the file is no JPEG or damaged, or the packet is longer than a segment.
    """
    segments, rest = _split(data)
    packet = next((one.body[len(XMP_START) :] for one in segments if _is_xmp(one)), None)
    body = XMP_START + make(packet)
    if len(body) > _LONGEST:
        raise UnusableJpeg("the XMP packet is longer than a segment")
    kept = [one for one in segments if not _is_xmp(one)]
    place = 0
    while place < len(kept) and (kept[place].marker == _APP0 or kept[place].body.startswith(_EXIF_START)):
        place += 1
    kept.insert(place, _Segment(_APP1, body))
    return _joined(kept, rest)


def without_place(data: bytes) -> bytes:
    """The JPEG without where it was taken: in EXIF, XMP and IPTC, and in what follows the photo, such as a preview or a film.

    Raises:
        UnusableJpeg: the file is no JPEG, or damaged, so that nobody can tell where a place may be.
    """
    segments, rest = _split(data)
    try:
        picture = _first_picture(rest)
    except (struct.error, IndexError) as error:
        raise UnusableJpeg("the file ends within a segment") from error
    return _joined([safe for one in segments if (safe := _safe(one)) is not None], picture)


def _safe(segment: _Segment) -> _Segment | None:
    """A segment without a place; None where the whole segment has to go."""
    body = segment.body
    if segment.marker == _APP13 or body.startswith((_EXTENDED_XMP, b"MPF\0")):  # IPTC, more XMP, the list of further pictures
        return None
    if _is_xmp(segment):
        packet = xmp.without_place(body[len(XMP_START) :])
        return _Segment(_APP1, XMP_START + packet) if packet and len(packet) < _LONGEST - len(XMP_START) else None
    if segment.marker == _APP1 and body.startswith(_EXIF_START):
        return _Segment(_APP1, _EXIF_START + _tiff_without_place(body[len(_EXIF_START) :]))
    return segment


def _joined(segments: list[_Segment], rest: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(_written(one) for one in segments) + rest


def _is_xmp(segment: _Segment) -> bool:
    return segment.marker == _APP1 and segment.body.startswith(XMP_START)


def _written(segment: _Segment) -> bytes:
    return struct.pack(">BBH", 0xFF, segment.marker, len(segment.body) + 2) + segment.body


def _split(data: bytes) -> tuple[list[_Segment], bytes]:
    """The segments before the pixels, and everything from the first scan on."""
    if not data.startswith(b"\xff\xd8"):
        raise UnusableJpeg("not a JPEG")
    found: list[_Segment] = []
    at = 2
    for marker, start, end in _markers(data, at):
        if marker == _SOS:
            return found, data[at:]
        found.append(_Segment(marker, data[start:end]))
        at = end
    raise UnusableJpeg("no scan")


def _markers(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Marker, and start and end of the body, of each segment from a place on."""
    while at + 4 <= len(data):
        while data[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        if at + 4 > len(data) or data[at] != 0xFF:
            raise UnusableJpeg("a segment does not begin with a marker")
        marker, length = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if length < 2 or at + 2 + length > len(data):
            raise UnusableJpeg("a segment is longer than the file")
        yield marker, at + 4, at + 2 + length
        at += 2 + length


def _first_picture(rest: bytes) -> bytes:
    """From the first scan to the end of the picture; what follows may be a preview with a place of its own, or a film."""
    at = 0
    while True:
        length = struct.unpack_from(">H", rest, at + 2)[0]
        at += 2 + length
        while True:  # pixels: FF is followed by 00 or a restart marker
            at = rest.find(b"\xff", at)
            if at < 0 or at + 1 >= len(rest):
                return rest + b"\xff\xd9"
            if rest[at + 1] == _EOI:
                return rest[: at + 2]
            if rest[at + 1] in (0x00, 0xFF, 0x01) or 0xD0 <= rest[at + 1] <= 0xD7:
                at += 1 if rest[at + 1] == 0xFF else 2
                continue
            break
        while rest[at + 1] != _SOS:  # tables between two scans
            if at + 4 > len(rest):
                raise UnusableJpeg("the file ends between two scans")
            at += 2 + struct.unpack_from(">H", rest, at + 2)[0]
            if at + 4 > len(rest) or rest[at] != 0xFF:
                raise UnusableJpeg("a segment does not begin with a marker")
            if rest[at + 1] == _EOI:
                return rest[: at + 2]


def _tiff_without_place(tiff: bytes) -> bytes:
    """EXIF with the directory of the place, and all its values, overwritten by zeros; the entry that leads to it stays, and is empty.

    Raises:
        UnusableJpeg: the directories cannot be read.
    """
    data = bytearray(tiff)
    try:
        order = {b"II": "<", b"MM": ">"}[bytes(data[:2])]
        first = struct.unpack_from(f"{order}I", data, 4)[0]
        for entry in range(struct.unpack_from(f"{order}H", data, first)[0]):
            at = first + 2 + 12 * entry
            if struct.unpack_from(f"{order}H", data, at)[0] == _GPS_TAG:
                _empty_directory(data, order, struct.unpack_from(f"{order}I", data, at + 8)[0])
    except (KeyError, struct.error, IndexError) as error:
        raise UnusableJpeg("EXIF is damaged") from error
    return bytes(data)


def _empty_directory(data: bytearray, order: str, start: int) -> None:
    count = struct.unpack_from(f"{order}H", data, start)[0]
    for entry in range(count):
        at = start + 2 + 12 * entry
        kind, number = struct.unpack_from(f"{order}HI", data, at + 2)
        size = _SIZES.get(kind, 1) * number
        if size > 4:
            value = struct.unpack_from(f"{order}I", data, at + 8)[0]
            if value + size > len(data):
                raise UnusableJpeg("EXIF is damaged")
            data[value : value + size] = bytes(size)
        data[at : at + 12] = bytes(12)
    data[start : start + 2] = bytes(2)
