"""Photographic treatments of the sample photos, as in a darkroom or an editor. Deterministic: the same input gives the same pixels.

The strengths make each treatment visible at a glance next to the untreated photo, but still look like a photograph.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from PIL import Image, ImageFilter

Pixels = Float[ndarray, "height width 3"]
"""sRGB between 0 and 1."""

# Key -> words appended to a photo's alternative text.
COLOUR_TREATMENTS: dict[str, str] = {
    "close-up": "cropped closer",
    "brighter": "brighter",
    "darker": "darker",
    "contrast": "with strong contrast",
    "faded": "faded",
    "warm": "warm",
    "cool": "cool",
    "vivid": "in vivid colours",
    "muted": "in muted colours",
    "black-and-white": "in black and white",
    "soft": "blurred",
    "vignette": "with dark corners",
}
GREY_TREATMENTS: dict[str, str] = {
    "close-up": "cropped closer",
    "wide": "cropped to a wide strip",
    "brighter": "brighter",
    "darker": "darker",
    "contrast": "with strong contrast",
    "faded": "faded",
    "sepia": "in sepia",
    "cyanotype": "in blue tones",
    "split-tone": "with blue shadows and golden lights",
    "soft": "blurred",
    "vignette": "with dark corners",
    "grain": "with coarse film grain",
}

_LUMA = (0.2126, 0.7152, 0.0722)


def treated(image: Image.Image, treatment: str, close_up: tuple[float, float, float, float]) -> Image.Image:
    """Apply a treatment of the tables above to an RGB image; an empty treatment returns it unchanged.

    `close_up` is the crop of that treatment: left, top, right, bottom as fractions of the image.
    """
    if not treatment:
        return image
    if treatment == "close-up":
        return _cropped(image, close_up)
    if treatment == "wide":
        return _cropped(image, (0.0, 0.02, 1.0, 0.54))
    if treatment == "soft":
        return image.filter(ImageFilter.GaussianBlur(max(image.size) / 130))
    pixels = _TONES[treatment](np.asarray(image, dtype=np.float64) / 255)
    return Image.fromarray((pixels.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def _cropped(image: Image.Image, part: tuple[float, float, float, float]) -> Image.Image:
    left, top, right, bottom = part
    width, height = image.size
    return image.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))


def _weighted(pixels: Pixels, weights: tuple[float, float, float] = _LUMA) -> Float[ndarray, "height width"]:
    """Weighted sum of the channels in a fixed order: the last bit of a matrix product depends on the processor and could change pixels."""
    return pixels[..., 0] * weights[0] + pixels[..., 1] * weights[1] + pixels[..., 2] * weights[2]


def _exposed(pixels: Pixels, stops: float) -> Pixels:
    """Exposure changed by `stops`; highlights roll off as on film instead of clipping."""
    light = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4) * 2**stops
    light = np.where(light > 0.6, 0.6 + 0.4 * np.tanh((light - 0.6) / 0.4), light)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def _contrasted(pixels: Pixels) -> Pixels:
    """An S curve through black, the middle and white: steep in the middle, flat at both ends."""
    return 0.5 + np.tanh(3.2 * (pixels - 0.5)) / (2 * np.tanh(1.6))


def _faded(pixels: Pixels) -> Pixels:
    """Lifted blacks, lowered whites and slightly lower saturation, as in an old print."""
    return 0.2 + 0.62 * _saturated(pixels, 0.75)


def _balanced(pixels: Pixels, red: float, green: float, blue: float) -> Pixels:
    """White balance shifted at constant luminance."""
    moved = pixels * np.array([red, green, blue])
    before, after = _weighted(pixels), _weighted(moved)
    return moved * (before / np.maximum(after, 1e-6))[..., None]


def _saturated(pixels: Pixels, amount: float) -> Pixels:
    """Saturation scaled by `amount`: 0 is grey, 1 leaves the photo unchanged."""
    grey = _weighted(pixels)[..., None]
    return grey + amount * (pixels - grey)


def _vivid(pixels: Pixels) -> Pixels:
    """Saturation raised most where it is low, so that colourful areas do not become flat patches."""
    strength = pixels.max(axis=-1) - pixels.min(axis=-1)
    grey = _weighted(pixels)[..., None]
    return grey + (1 + 1.1 * (1 - 0.6 * strength))[..., None] * (pixels - grey)


def _monochrome(pixels: Pixels) -> Pixels:
    """Black and white through a yellow filter: slightly darker skies and lighter skin."""
    grey = _weighted(pixels, (0.38, 0.54, 0.08))
    return np.repeat((0.5 + 1.12 * (grey - 0.5))[..., None], 3, axis=-1)


def _toned(pixels: Pixels, shadows: tuple[float, float, float], lights: tuple[float, float, float]) -> Pixels:
    """Greys mapped between two colours, with black and white nearly unchanged."""
    grey = _weighted(pixels)[..., None]
    tint = (1 - grey) * np.array(shadows) + grey * np.array(lights)
    return grey + 3.2 * grey * (1 - grey) * (tint - 0.5) + 0.25 * grey * (np.array(lights) - 0.5)


def _vignetted(pixels: Pixels) -> Pixels:
    """Darkened corners, by the cosine-fourth falloff of wide lenses."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    fall_off = 1 / (1 + 0.85**2 * (x * x + y * y)) ** 2  # the tangent of the angle is 0.85 at the middle of each side
    return pixels * (0.08 + 0.92 * fall_off)[..., None]


def _grained(pixels: Pixels) -> Pixels:
    """Film grain, strongest in the mid-tones; identical for all photos of the same size."""
    height, width = pixels.shape[:2]
    noise = np.random.default_rng(1839).normal(128, 60, (height, width)).clip(0, 255).astype(np.uint8)
    clumps = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(0.7)), dtype=np.float64) / 255 - 0.5
    grey = _weighted(pixels)[..., None]
    return pixels + 3.2 * grey * (1 - grey) * clumps[..., None]


_TONES: dict[str, Callable[[Pixels], Pixels]] = {
    "brighter": lambda pixels: _exposed(pixels, 1.1),
    "darker": lambda pixels: _exposed(pixels, -1.4),
    "contrast": _contrasted,
    "faded": _faded,
    "warm": lambda pixels: _balanced(pixels, 1.16, 1.0, 0.68),
    "cool": lambda pixels: _balanced(pixels, 0.78, 0.98, 1.3),
    "vivid": _vivid,
    "muted": lambda pixels: _saturated(pixels, 0.42),
    "black-and-white": _monochrome,
    "vignette": _vignetted,
    "grain": _grained,
    "sepia": lambda pixels: _toned(pixels, (0.62, 0.5, 0.36), (0.6, 0.5, 0.34)),
    "cyanotype": lambda pixels: _toned(pixels, (0.3, 0.46, 0.68), (0.38, 0.52, 0.64)),
    "split-tone": lambda pixels: _toned(pixels, (0.36, 0.48, 0.68), (0.66, 0.52, 0.28)),
}
