"""The bank of the setting PAV_BANK, loaded once per worker process."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from jaxtyping import Float
from PIL import Image

from personalize.files import banks, taste_parts
from personalize.files import extractors as bank_extractors
from personalize.files.taste_parts import TastePart
from personalize.numerics.hyperparameter_grid import Hyperprior
from personalize.numerics.projection import Heads
from personalize.numerics.raw_features import RawLayout
from personalize.scorers.feature_extraction import FeatureExtractor

if TYPE_CHECKING:
    from personalize.files.open_banks import Bank
    from personalize.scorers.rater_fitting import RaterFitter


@cache
def bank_hash() -> str:
    """Hash of the bank that this process uses."""
    return banks.read_metadata(settings.PAV["BANK"]).hash


@cache
def taste() -> TastePart:
    """What instant fits need of the bank; without its projection, several megabytes, which photos do not get from here."""
    return replace(taste_parts.read(settings.PAV["BANK"]), projection=None)


def hyperprior(heads: int) -> Hyperprior:
    """The bank's hyperprior, learned from other raters, for features with this many task heads."""
    return replace(taste().hyperprior, heads=heads)


@cache
def extractors() -> str:
    """Hash of the bank's extractors, the key of the raw vectors that they compute."""
    return bank_extractors.read(settings.PAV["BANK"]).hash


@cache
def raw_layout() -> RawLayout:
    """The layout of the raw vectors that the bank's extractors compute."""
    return bank_extractors.read(settings.PAV["BANK"]).layout


def heads() -> Heads:
    """The directions in raw vectors that a projection begins with: the generic score, then the task heads."""
    return taste().heads


def extract_raw_features(photos: Sequence[Image.Image]) -> Float[np.ndarray, "photos raw"]:
    """The raw vector of each photo."""
    return _extractor().raw(photos)


def close_extractor() -> None:
    """Let go of the networks; the next extraction opens them again."""
    _extractor.cache_clear()


@cache
def bank() -> "Bank":
    """The bank, with its task vectors."""
    from personalize.files.open_banks import open_bank

    return open_bank(settings.PAV["BANK"])


@cache
def fitting() -> "RaterFitter":
    """The bank's network, for exact fits."""
    from personalize.scorers.rater_fitting import RaterFitter

    return RaterFitter(bank())


@cache
def _extractor() -> FeatureExtractor:
    return FeatureExtractor(settings.PAV["BANK"])
