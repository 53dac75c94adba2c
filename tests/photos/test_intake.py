"""Photo intake: formats, sizes, metadata, orientation, colour profiles, bit depths and animations."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageCms

from ratings.photos import intake
from tests.photos import making

METADATA_MARKS = [b"Exif", b"EXIF", b"GPS", b"xmp", b"XMP", b"adobe", b"ICC", b"http://ns.", b"SECRET", b"Photoshop", b"2026:01"]


def derivatives(photo: intake.NormalisedPhoto) -> dict[str, bytes]:
    return {"master": photo.master, **{str(width): page for width, page in photo.pages.items()}}


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("kind", making.ACCEPTED)
def test_every_accepted_format_becomes_a_photo(kind):
    photo = intake.normalise(making.encoded(making.scene(900, 600), kind), "holiday")

    assert (photo.width, photo.height) == (900, 600)
    assert list(photo.pages) == [320, 640, 900]
    assert opened(photo.master).format == "JPEG"
    assert [opened(page).size for page in photo.pages.values()] == [(320, 213), (640, 427), (900, 600)]
    assert {opened(page).format for page in photo.pages.values()} == {"WEBP"}
    corners = making.corner_colours(photo.master)
    assert corners["top left"][0] > 200
    assert corners["top right"][1] > 200
    assert corners["bottom left"][2] > 200


@pytest.mark.parametrize("kind", making.ACCEPTED)
def test_the_format_does_not_depend_on_the_file_name(kind):
    assert intake.normalise(making.encoded(making.scene(), kind), "innocent.txt").width == 640


def test_a_large_photo_is_scaled_down_to_2048_pixels():
    photo = intake.normalise(making.encoded(making.scene(3000, 1500)), "big.jpg")

    assert (photo.width, photo.height) == (2048, 1024)
    assert list(photo.pages) == [320, 640, 960, 1280]


def test_a_small_photo_is_not_enlarged():
    photo = intake.normalise(making.encoded(making.scene(200, 150)), "small.jpg")

    assert [opened(data).size for data in derivatives(photo).values()] == [(200, 150), (200, 150)]


def test_the_same_pixels_with_other_metadata_have_the_same_hash():
    plain = making.encoded(making.scene(), "PNG")
    wrapped = making.full_of_metadata("PNG")

    assert intake.normalise(plain, "a.png").sha256 == intake.normalise(wrapped, "b.png").sha256


def test_another_photo_has_another_hash():
    one, other = (intake.normalise(making.encoded(making.scene(seed=seed), "PNG"), "a.png") for seed in (1, 2))

    assert one.sha256 != other.sha256


@pytest.mark.parametrize("kind", making.ACCEPTED)
def test_no_derivative_contains_metadata(kind):
    data = making.full_of_metadata(kind)
    assert b"SECRET" in data, "the test photo must carry what is looked for"

    photo = intake.normalise(data, "holiday")

    for name, written in derivatives(photo).items():
        found = [mark for mark in METADATA_MARKS if mark in written]
        assert not found, f"{name} of {kind} holds {found}"
        image = opened(written)
        assert not dict(image.getexif())
        assert not {"exif", "xmp", "icc_profile", "comment", "photoshop"} & image.info.keys()


def test_an_embedded_thumbnail_is_removed():
    thumbnail = making.encoded(making.scene(160, 120, seed=9))
    body = b"Exif\0\0" + b"MM\0*\0\0\0\x08\0\0\0\0\0\0" + thumbnail
    data = making.encoded(making.scene())
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]

    photo = intake.normalise(data, "holiday.jpg")

    assert data.count(b"\xff\xd8\xff") == 2
    assert photo.master.count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(kind, orientation):
    upright = making.scene(640, 480)
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # places in Image.Transpose
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))

    photo = intake.normalise(making.encoded(stored, kind, exif=making.exif(orientation).tobytes()), "turned")

    assert (photo.width, photo.height) == (640, 480)
    corners = making.corner_colours(photo.master)
    assert corners["top left"][0] > 200 > 100 > corners["top left"][2]
    assert corners["top right"][1] > 200
    assert corners["bottom left"][2] > 200


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_photo_with_damaged_exif_is_accepted():
    photo = intake.normalise(making.encoded(making.scene(), exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken"), "a.jpg")

    assert (photo.width, photo.height) == (640, 480)


def test_cmyk_becomes_srgb():
    photo = intake.normalise(making.encoded(making.scene().convert("CMYK"), "JPEG"), "print.jpg")

    assert opened(photo.master).mode == "RGB"
    corners = making.corner_colours(photo.master)
    assert corners["top left"][0] > 180 > corners["top left"][2]
    assert min(corners["bottom right"]) > 180


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_colour_profile_of_a_photo_is_applied(kind):
    red = Image.new("RGB", (200, 200), (230, 20, 20))

    photo = intake.normalise(making.encoded(red, kind, icc_profile=making.swapped_profile()), "swapped")

    r, g, _ = making.corner_colours(photo.master)["top left"]
    assert g > 150 > 100 > r


def test_the_cmyk_profile_of_a_photo_is_applied():
    cyan = Image.new("CMYK", (200, 200), (255, 0, 0, 0))

    plain = intake.normalise(making.encoded(cyan, "JPEG"), "a.jpg")
    printed = intake.normalise(making.encoded(cyan, "JPEG", icc_profile=making.press_profile()), "b.jpg")

    red, green, blue = making.corner_colours(plain.master)["top left"]
    assert green > 180 < blue
    red, green, blue = making.corner_colours(printed.master)["top left"]
    assert green > 100 > 90 > max(red, blue)


def test_an_rgb_profile_in_a_cmyk_photo_is_ignored():
    """Some programs write an RGB profile to a CMYK photo by mistake."""
    data = making.encoded(making.scene().convert("CMYK"), "JPEG", icc_profile=making.swapped_profile())

    assert making.corner_colours(intake.normalise(data, "a.jpg").master)["top left"][0] > 180


def test_a_damaged_profile_is_ignored():
    photo = intake.normalise(making.encoded(making.scene(), icc_profile=b"no profile at all" * 20), "a.jpg")

    assert making.corner_colours(photo.master)["top left"][0] > 200


def test_a_grey_photo_with_a_lab_profile_stays_grey():
    grey = making.scene().convert("L")
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()

    photo = intake.normalise(making.encoded(grey, "JPEG", icc_profile=lab), "grey.jpg")

    red, green, blue = (np.asarray(band).astype(int) for band in opened(photo.master).split())
    assert abs(red - green).max() <= 2
    assert abs(red - blue).max() <= 2


def test_sixteen_bit_grey_is_scaled_and_not_clipped():
    ramp = np.tile(np.linspace(0, 65535, 512), (256, 1)).astype(np.uint16)

    photo = intake.normalise(making.encoded(Image.fromarray(ramp), "PNG"), "deep.png")

    written = np.asarray(opened(photo.master).convert("L")).astype(int)
    assert abs(written[128] - np.linspace(0, 255, 512)).max() <= 3


def test_sixteen_bit_colour_is_scaled_and_not_clipped():
    ramp = np.tile(np.linspace(0, 65535, 128)[:, None], (128, 1, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in ramp)
    data = making.png_of(128, 128, depth=16, colours=2, rows=rows)

    photo = intake.normalise(data, "deep.png")

    assert abs(np.asarray(opened(photo.master))[64, :, 0].astype(int) - np.linspace(0, 255, 128)).max() <= 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_become_white(mode):
    clear = Image.new("RGBA", (200, 200), (10, 10, 10, 0))
    clear.paste((10, 10, 10, 255), (100, 0, 200, 200))
    image = clear.convert("LA") if mode == "LA" else clear.quantize(8) if mode == "P" else clear

    photo = intake.normalise(making.encoded(image, "PNG"), "clear.png")

    corners = making.corner_colours(photo.master)
    assert min(corners["top left"]) > 245
    assert max(corners["top right"]) < 25


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "RGB", "RGBA", "LA"])
def test_every_pixel_mode_is_read(mode):
    grey = making.scene(200, 100).convert("L")
    image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)

    assert opened(intake.normalise(making.encoded(image, "PNG"), "a.png").master).mode == "RGB"


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "AVIF"])
def test_an_animation_becomes_its_first_frame(kind):
    first = Image.new("RGB", (200, 200), (220, 30, 30))
    later = [Image.new("RGB", (200, 200), colour) for colour in ((30, 30, 220), (30, 220, 30))]
    data = making.encoded(first, kind, save_all=True, append_images=later, duration=100)
    assert opened(data).n_frames == 3

    red, _, blue = making.corner_colours(intake.normalise(data, "moving").master)["top left"]

    assert red > 180 > 80 > blue


def test_a_jpeg_with_several_pictures_becomes_its_first():
    first, second = Image.new("RGB", (200, 200), (220, 30, 30)), Image.new("RGB", (200, 200), (30, 30, 220))
    data = making.encoded(first, "MPO", save_all=True, append_images=[second])

    assert making.corner_colours(intake.normalise(data, "phone.jpg").master)["top left"][0] > 180


def test_a_progressive_jpeg_is_read():
    assert intake.normalise(making.encoded(making.scene(), progressive=True), "a.jpg").width == 640


def test_a_panorama_of_20000_pixels_is_scaled_down():
    photo = intake.normalise(making.encoded(making.scene(1000, 500).resize((20000, 1250)), quality=60), "panorama.jpg")

    assert (photo.width, photo.height) == (2048, 128)


def test_intake_does_not_change_the_colours_of_an_srgb_photo():
    """The master of a PNG in sRGB shows no colour shift."""
    source = making.scene(800, 600)

    master = opened(intake.normalise(making.encoded(source, "PNG"), "a.png").master)

    assert np.asarray(ImageChops.difference(source, master)).mean() < 3
