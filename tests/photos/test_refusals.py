"""Refusals of photo intake: invalid, oversized and malicious files, each with its reason."""

import contextlib
import re
import struct

import numpy as np
import pytest
from PIL import Image

from ratings.photos import intake
from ratings.photos.refusals import SENTENCES, PhotoRefused
from tests.photos import making
from tests.photos.refused import BOMBS, NO_PHOTOS


def refusal_of(data: bytes, name: str = "holiday.jpg") -> PhotoRefused:
    with pytest.raises(PhotoRefused) as caught:
        intake.normalise(data, name)
    return caught.value


@pytest.mark.parametrize(("code", "data"), NO_PHOTOS)
def test_a_file_that_is_not_a_photo_is_refused_with_its_reason(code, data):
    assert refusal_of(data).code == code


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "JPEG2000"])
def test_pictures_of_other_formats_are_refused(kind):
    assert refusal_of(making.encoded(making.scene(), kind)).code in {"gif", "other_picture"}


@pytest.mark.parametrize("kind", making.ACCEPTED)
def test_a_photo_that_contains_a_web_page_is_refused(kind):
    data = making.encoded(making.scene(), kind) + b"<ScRiPt>alert(1)</sCrIpT>"

    assert refusal_of(data).code == "hidden_web_page"


def test_a_web_page_in_the_comment_of_a_jpeg_is_refused():
    data = making.encoded(making.scene(), comment=b"*/</title><html><body>hello")

    assert refusal_of(data).code == "hidden_web_page"


@pytest.mark.parametrize("kind", making.ACCEPTED)
@pytest.mark.parametrize("kept", [0.002, 0.03, 0.1, 0.5, 0.9])
def test_a_truncated_photo_is_refused(kind, kept):
    data = making.whole(kind)

    assert refusal_of(data[: max(30, int(len(data) * kept))]).code == "broken"


@pytest.mark.parametrize("kind", making.ACCEPTED)
def test_random_damage_never_raises_anything_but_a_refusal(kind):
    """Wherever bytes change, the photo is read or refused with a reason."""
    data = making.encoded(making.scene(160, 120), kind)
    rng = np.random.default_rng(7)
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), rng.integers(1, 12)):
            damaged[place] = rng.integers(256)
        with contextlib.suppress(PhotoRefused):
            assert intake.normalise(bytes(damaged), "damaged").width >= intake.SHORTEST_SIDE


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("code", "data"), BOMBS)
def test_a_decompression_bomb_is_refused_before_it_is_decoded(code, data, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))

    assert refusal_of(data).code == code


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_heif_or_avif_bomb_is_refused_before_it_is_decoded(kind, monkeypatch):
    data = making.encoded(making.scene(), kind)
    place = data.index(b"ispe") + 8
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))

    for width, height in ((19_000, 19_000), (9_000, 9_000)):
        bomb = data[:place] + struct.pack(">II", width, height) + data[place + 8 :]
        assert refusal_of(bomb).code in {"too_many_pixels", "broken"}


def test_a_photo_too_large_for_memory_is_refused(monkeypatch):
    def out_of_memory(*_):
        raise MemoryError

    monkeypatch.setattr(intake, "_upright_pixels", out_of_memory)

    assert refusal_of(making.encoded(making.scene())).code == "too_many_pixels"


def test_a_png_with_a_compressed_text_bomb_is_refused():
    bomb = making.png_with(b"zTXt", b"note\0\0" + making.squeezed(b"\0" * 200_000_000), scene=making.scene())

    assert refusal_of(bomb).code == "broken"


def test_a_jpeg_with_thousands_of_scans_is_refused():
    data = making.encoded(making.scene(80, 80), progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]

    assert refusal_of(data[:-2] + scan * 2000 + b"\xff\xd9").code == "too_many_scans"


def test_a_file_over_the_limit_is_refused_unread(monkeypatch):
    monkeypatch.setattr(intake, "photo_format", lambda _: pytest.fail("looked into"))

    refusal = refusal_of(b"\0" * (intake.LARGEST_FILE + 1))

    assert refusal.code == "file_too_large"
    assert "25 MB" in refusal.sentence()


@pytest.mark.parametrize("size", [(1, 1), (63, 500), (500, 63)])
def test_a_photo_that_is_too_small_is_refused_with_its_size(size):
    refusal = refusal_of(making.encoded(making.scene(*size), "PNG"))

    assert refusal.code == "too_small"
    assert f"{size[0]} × {size[1]}" in refusal.sentence()


def test_a_photo_that_is_too_narrow_is_refused():
    assert refusal_of(making.encoded(making.scene(1000, 100).resize((20000, 100)))).code == "too_narrow"


def test_every_refusal_states_the_problem_and_then_the_remedy_briefly():
    advice = r"(Copy|Save|Choose|Open|Unpack|Make|Crop|See that) .*\.|JPEG, PNG, WebP, HEIC, AVIF and raw files are\.|Export it as .*\."
    for code, sentence in SENTENCES.items():
        shown = sentence % dict.fromkeys(["megabytes", "limit", "kind", "width", "height", "megapixels", "scans"], "9")
        assert len(shown) < 160, code
        problem, _, remedy = shown.rpartition(". ") if code != "not_a_file" else (shown[:-1], "", "")
        assert len(problem) > 15, code
        assert code == "not_a_file" or re.fullmatch(advice, remedy), code  # a pipe or a device has no remedy


def test_a_refusal_can_be_translated():
    assert PhotoRefused("empty").sentence(lambda _: "Die Datei ist leer.") == "Die Datei ist leer."
