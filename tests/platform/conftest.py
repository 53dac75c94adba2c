"""Fixtures of platform tests: a temporary folder for services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform import machine


@pytest.fixture
def service_folder() -> Iterator[Path]:
    """A separate folder for the services that a test starts."""
    with machine.service_folder() as folder:
        yield folder
