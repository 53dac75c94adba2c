"""Capabilities of a worker by the installed packages; found without importing any."""

from functools import cache
from importlib.util import find_spec

OF_EXACT_FITS = ("torch", "timm", "open_clip")


@cache
def exact_fits() -> bool:
    """Whether this process can fit raters exactly, and export such fits. A package that is installed later counts after a restart."""
    return all(find_spec(name) for name in OF_EXACT_FITS)
