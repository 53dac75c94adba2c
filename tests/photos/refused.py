"""Files that are no photos, and decompression bombs, each with the code of its refusal."""

from tests.photos import making

NO_PHOTOS = [
    ("empty", b""),
    ("not_a_photo", b"\0" * 5000),
    ("not_a_photo", b"Dear diary, today I took a photo."),
    ("svg", b"<?xml version='1.0'?>\n<!-- drawn --><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
    ("svg", "\ufeff<svg xmlns='http://www.w3.org/2000/svg'/>".encode()),
    ("svg", "<svg xmlns='http://www.w3.org/2000/svg'/>".encode("utf-16")),
    ("web_page", b"<!DOCTYPE html><html><img src=x onerror=alert(1)></html>"),
    ("web_page", b"GIF no, but <script>alert(1)</script>"),
    ("gif", b"GIF89a\x01\0\x01\0\0\0\0;"),
    ("gif", b"GIF89a/*<svg><script>*/=1;alert(1)"),
    ("program", b"MZ\x90\0\x03\0\0\0" + b"\0" * 500),
    ("program", b"\x7fELF\x02\x01\x01" + b"\0" * 500),
    ("program", b"\xcf\xfa\xed\xfe" + b"\0" * 500),
    ("program", b"#!/bin/sh\necho hello\n"),
    ("archive", b"PK\x03\x04" + b"\0" * 100),
    ("document", b"%PDF-1.7\n"),
    ("video", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
    ("video", b"RIFF\x24\0\0\0AVI LIST"),
    ("other_picture", b"BM" + b"\0" * 100),
    ("other_picture", b"II*\0" + b"\0" * 100),
    ("other_picture", b"\0\0\0\x18ftypcrx \0\0\0\x01"),
]

BOMBS = [
    ("too_many_pixels", making.png_header(19_000, 19_000)),
    ("too_many_pixels", making.png_header(8192, 6145)),
    ("too_many_pixels", making.jpeg_header(19_999, 19_999)),
    ("too_many_pixels", making.webp_header(16_000, 16_000)),
    ("too_many_pixels", making.webp_header(12_000, 8_000)),
    ("side_too_long", making.png_header(20_001, 1_500)),
    ("side_too_long", making.jpeg_header(65_000, 700)),
]
