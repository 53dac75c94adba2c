"""Synthetic photos and invalid files for tests."""

import functools
import io
import itertools
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, PngImagePlugin

pillow_heif.register_heif_opener()

ACCEPTED = ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"]  # formats of photos that are accepted


def scene(width: int = 640, height: int = 480, seed: int = 0) -> Image.Image:
    """A smooth gradient with some texture: red top left, green top right, blue bottom left, white bottom right."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    red, green, blue = (1 - y) * (1 - x) + y * x, x, y
    texture = np.random.default_rng(seed).normal(0, 0.02, (height, width, 1))
    pixels = np.stack([red, green, blue], axis=-1) + texture
    return Image.fromarray((pixels.clip(0, 1) * 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"quality": 90} if kind != "PNG" else {}) | settings)
    return buffer.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    """EXIF as a phone writes it: camera, time, orientation and location."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "SECRETCAMERA"
    tags[0x0132] = "2026:01:02 03:04:05"
    place = tags.get_ifd(0x8825)
    place[1], place[2] = "N", (52.0, 31.0, 12.3)
    place[3], place[4] = "E", (13.0, 24.0, 17.8)
    place[29] = "2026:01:02"
    return tags


@functools.cache
def whole(kind: str) -> bytes:
    """A complete file, for tests of truncated ones."""
    return encoded(scene(1200, 900), kind)


XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><exif:GPSLatitude>SECRETPLACE</exif:GPSLatitude></rdf:RDF></x:xmpmeta>"


def full_of_metadata(kind: str, orientation: int = 1) -> bytes:
    """A photo with EXIF, location, XMP, a colour profile and, where the format allows, a comment."""
    settings: dict[str, Any] = {"exif": exif(orientation).tobytes(), "icc_profile": srgb_profile()}
    if kind != "PNG":
        settings["xmp"] = XMP
    if kind == "JPEG":
        settings["comment"] = b"SECRETCOMMENT"
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "SECRETCOMMENT")
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        settings["pnginfo"] = text
    return encoded(scene(), kind, **settings)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """A valid RGB profile with red and green swapped, so that a test sees whether it is applied."""
    profile = bytearray(srgb_profile())
    count = struct.unpack(">I", profile[128:132])[0]
    places = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 136 + 12 * i for i in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
    description = places[b"desc"]
    offset, length = struct.unpack(">II", profile[description : description + 8])
    text = bytes(profile[offset : offset + length]).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    profile[offset : offset + length] = text.replace(b"sRGB", b"swap")
    return bytes(profile)


def press_profile() -> bytes:
    """A CMYK profile whose cyan prints green, so that a test sees whether it is applied."""
    inks = [(1 - c, 1 - m, 1 - y, 1 - k) for c, m, y, k in itertools.product((0, 1), repeat=4)]
    table = b"".join(
        bytes([int(255 * k * (0.3 + 0.7 * (c + m + y) / 3)), 128 - (0 if c else 70), 128 + (0 if c else 60)]) for c, m, y, k in inks
    )
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 if place in {0, 4, 8} else 0 for place in range(9)))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + table + ramp * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    words = b"text\0\0\0\0none\0"
    place, index, body = 128 + 4 + 3 * 12, b"", b""
    for name, tag in ((b"A2B0", lut), (b"wtpt", white), (b"cprt", words)):
        index += name + struct.pack(">II", place + len(body), len(tag))
        body += tag + b"\0" * (-len(tag) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", place + len(body), b"", 0x02100000, b"prtr", b"CMYK", b"Lab ", b"", b"acsp")
    head = head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", 3) + index + body


def squeezed(data: bytes) -> bytes:
    return zlib.compress(data, 9)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width: int, height: int, depth: int, colours: int, rows: bytes) -> bytes:
    """A PNG from raw rows, each preceded by its filter byte."""
    head = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header declares a size and that contains almost no data, like a decompression bomb."""
    return png_of(width, height, depth=8, colours=2, rows=b"\0" * 1000)


def png_with(name: bytes, body: bytes, scene: Image.Image) -> bytes:
    """The PNG of a scene with an additional chunk right after its header."""
    data = encoded(scene, "PNG")
    return data[:33] + _chunk(name, body) + data[33:]


def jpeg_header(width: int, height: int) -> bytes:
    """The JPEG of a small scene whose header declares another size."""
    data = bytearray(encoded(scene(64, 64)))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_header(width: int, height: int) -> bytes:
    """An animated WebP whose canvas declares another size than its frames have."""
    data = bytearray(encoded(scene(64, 64), "WEBP", save_all=True, append_images=[scene(64, 64, seed=1)]))
    place = data.index(b"VP8X") + 12
    data[place : place + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def corner_colours(data: bytes) -> dict[str, tuple[int, int, int]]:
    """The mean colour of a small square in each corner."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(float)
    squares = {
        "top left": pixels[:12, :12],
        "top right": pixels[:12, -12:],
        "bottom left": pixels[-12:, :12],
        "bottom right": pixels[-12:, -12:],
    }
    return {name: tuple(int(v) for v in square.mean(axis=(0, 1))) for name, square in squares.items()}


def dng(preview: Image.Image, orientation: int = 1, taken: bytes = b"2026:01:02 03:04:05\0") -> bytes:
    """A raw file as a camera writes it, in the format DNG: a JPEG preview, its orientation and time, and 64 x 64 pixels of the sensor."""
    jpeg, side = encoded(preview), 64
    sensor = np.random.default_rng(0).integers(0, 4000, (side, side)).astype("<u2").tobytes()

    def shorts(*values: int) -> bytes:
        return struct.pack(f"<{len(values)}H", *values)

    def longs(*values: int) -> bytes:
        return struct.pack(f"<{len(values)}I", *values)

    def directory(entries: list[tuple[int, int, int, bytes]], at: int) -> bytes:
        """An IFD: tag, type, count and value of each entry."""
        table, values, place = shorts(len(entries)), b"", at + 6 + 12 * len(entries)
        for tag, kind, count, value in entries:
            table += shorts(tag, kind) + longs(count) + (value.ljust(4, b"\0") if len(value) <= 4 else longs(place + len(values)))
            values += value + b"\0" * (len(value) % 2) if len(value) > 4 else b""
        return table + longs(0) + values

    def body(at_jpeg: int, at_sensor: int, at_pixels: int, at_exif: int) -> tuple[bytes, int, int, int]:
        main = [(254, 4, 1, longs(1)), (256, 4, 1, longs(preview.width)), (257, 4, 1, longs(preview.height)), (258, 3, 3, shorts(8, 8, 8))]
        main += [
            (259, 3, 1, shorts(7)),
            (262, 3, 1, shorts(6)),
            (271, 2, 5, b"Test\0"),
            (272, 2, 5, b"Test\0"),
            (273, 4, 1, longs(at_jpeg)),
        ]
        main += [
            (274, 3, 1, shorts(orientation)),
            (277, 3, 1, shorts(3)),
            (278, 4, 1, longs(preview.height)),
            (279, 4, 1, longs(len(jpeg))),
        ]
        main += [(306, 2, 20, taken), (330, 4, 1, longs(at_pixels)), (34665, 4, 1, longs(at_exif)), (50706, 1, 4, bytes([1, 4, 0, 0]))]
        main += [(50708, 2, 10, b"Test Test\0"), (50778, 3, 1, shorts(21))]
        pixels = [
            (254, 4, 1, longs(0)),
            (256, 4, 1, longs(side)),
            (257, 4, 1, longs(side)),
            (258, 3, 1, shorts(16)),
            (259, 3, 1, shorts(1)),
        ]
        pixels += [(262, 3, 1, shorts(32803)), (273, 4, 1, longs(at_sensor)), (277, 3, 1, shorts(1)), (278, 4, 1, longs(side))]
        pixels += [
            (279, 4, 1, longs(len(sensor))),
            (33421, 3, 2, shorts(2, 2)),
            (33422, 1, 4, bytes([0, 1, 1, 2])),
            (50717, 4, 1, longs(4095)),
        ]
        first = directory(main, 8)
        second = directory(pixels, 8 + len(first))
        third = directory([(36867, 2, 20, taken)], 8 + len(first) + len(second))
        return first + second + third, 8 + len(first), 8 + len(first) + len(second), 8 + len(first) + len(second) + len(third)

    _draft, at_pixels, at_exif, at_jpeg = body(0, 0, 0, 0)
    padded = jpeg + b"\0" * (len(jpeg) % 2)
    return b"II*\0" + longs(8) + body(at_jpeg, at_jpeg + len(padded), at_pixels, at_exif)[0] + padded + sensor
