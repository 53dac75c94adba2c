"""Colour conversion to opaque 8-bit sRGB."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

BACKGROUND = (255, 255, 255)
"""Colour behind transparent pixels: white, as on most pages and prints."""

_PROFILE_MODES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}
_SIXTEEN_BIT_MODES = {"I", "I;16", "I;16L", "I;16B", "I;16N"}


def eight_bit(image: Image.Image) -> Image.Image:
    """The image converted to L, LA, RGB, RGBA or CMYK, the modes that Pillow resizes correctly.

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


def flattened(image: Image.Image) -> Image.Image:
    """Composite a transparent image onto white; return any other image unchanged."""
    if image.mode not in {"LA", "RGBA"}:
        return image
    rgba = image.convert("RGBA")
    background = Image.new("RGBA", rgba.size, (*BACKGROUND, 255))
    return Image.alpha_composite(background, rgba).convert("RGB")


def to_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """RGB in the sRGB colour space, from mode L, RGB or CMYK.

    The photo's ICC profile is applied where it fits the mode, so a Display P3 or Adobe RGB photo keeps its appearance.
    A profile that is damaged or made for another mode is ignored, as in browsers.
    """
    if icc_profile:
        try:
            profile_mode, transform = _transform(icc_profile)
            fitting = image.convert("RGB") if (image.mode, profile_mode) == ("L", "RGB") else image
            if transform is not None and fitting.mode == profile_mode:
                return ImageCms.applyTransform(fitting, transform) or fitting
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
            pass  # no reason to refuse the photo: without a profile, screens show the plain values
    return image.convert("RGB")


@functools.lru_cache(maxsize=32)
def _transform(icc_profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """The mode that a profile applies to, and its transform to sRGB (None where the profile is sRGB itself)."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
    mode = _PROFILE_MODES[source.profile.xcolor_space]
    description = (source.profile.profile_description or "").lower()
    if mode == "RGB" and description.startswith(("srgb", "c2")):
        return mode, None
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    target = ImageCms.createProfile("sRGB")
    return mode, ImageCms.buildTransform(source, target, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, flags)
