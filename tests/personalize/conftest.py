"""Fixtures for tests of the machine learning: the shipped bank."""

import pytest

from personalize.files import open_banks
from personalize.scorers.tangent_extraction import TangentExtractor


@pytest.fixture(scope="module")
def bank():
    return open_banks.open_bank()


@pytest.fixture(scope="module")
def extractor(bank):
    return TangentExtractor(bank)
