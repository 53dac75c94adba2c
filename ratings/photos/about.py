"""Facts about a photo besides its pixels: alternative text, credit, licence, source."""

from dataclasses import dataclass

CC0 = ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/")
"""Licence and its address, as `About` takes them."""


@dataclass(frozen=True)
class About:
    """Metadata of a photo; everything may be empty."""

    alt: str = ""  # what the photo shows
    credit: str = ""
    licence: str = ""
    licence_url: str = ""
    source: str = ""  # where the photo comes from


NOTHING_KNOWN = About()
