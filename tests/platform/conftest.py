"""A folder for services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platform import machine


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of its own for what a test starts."""
    with machine.place() as folder:
        yield folder
