"""Any colours that a photo may come in, made 8-bit sRGB without transparency."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

PAPER = (255, 255, 255)
"""What shows through where a photo is transparent: white, as on most pages and prints."""

_PROFILE_MODES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}
_SIXTEEN_BIT_MODES = {"I", "I;16", "I;16L", "I;16B", "I;16N"}


def eight_bit(image: Image.Image) -> Image.Image:
    """The same picture in one of the modes L, LA, RGB, RGBA, CMYK, which can be resized without loss.

    16-bit grey is scaled by 257, so that 65535 becomes 255 (Pillow's own conversion would clip everything above 255 to white).
    """
    if image.mode in _SIXTEEN_BIT_MODES:
        deep = np.asarray(image).astype(np.uint32).clip(0, 65535)
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    if "transparency" in image.info:
        return image.convert("RGBA")
    simple = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}.get(image.mode)
    if simple is None:
        simple = image.mode if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"} else "RGB"
    return image if image.mode == simple else image.convert(simple)


def on_paper(image: Image.Image) -> Image.Image:
    """Transparent pixels laid on white; other pictures as they are."""
    if image.mode not in {"LA", "RGBA"}:
        return image
    whole = image.convert("RGBA")
    paper = Image.new("RGBA", whole.size, (*PAPER, 255))
    return Image.alpha_composite(paper, whole).convert("RGB")


def to_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """RGB in the sRGB colour space, from mode L, RGB or CMYK.

    Colours go through the photo's own profile where it has one that fits (a Display P3 or Adobe RGB photo keeps its looks).
    A profile that is damaged or meant for another kind of colours is left out, as browsers do.
    """
    if icc_profile:
        try:
            described, transform = _transform(icc_profile)
            fitting = image.convert("RGB") if (image.mode, described) == ("L", "RGB") else image
            if transform is not None and fitting.mode == described:
                return ImageCms.applyTransform(fitting, transform) or fitting
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
            pass  # no reason to refuse the photo: plain values are what a screen would show of it
    return image.convert("RGB")


@functools.lru_cache(maxsize=32)
def _transform(icc_profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """The mode that a profile describes and the way from it to sRGB; None where the profile is sRGB itself."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
    mode = _PROFILE_MODES[source.profile.xcolor_space]
    description = (source.profile.profile_description or "").lower()
    if mode == "RGB" and description.startswith(("srgb", "c2")):
        return mode, None
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    target = ImageCms.createProfile("sRGB")
    return mode, ImageCms.buildTransform(source, target, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, flags)
