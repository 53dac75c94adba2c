"""Fixtures for tests of the machine learning: the shipped bank."""

import pytest

from personalize.files import open_banks


@pytest.fixture(scope="module")
def bank():
    return open_banks.open_bank()
