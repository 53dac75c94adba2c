"""A real server, and the senders Alice and Bob."""

from collections.abc import Iterator

import pytest

from ratings import jobs
from ratings.raters.services import make_guest
from ratings.uploads import sweeping
from tests.uploads.sending import Sender, serving


@pytest.fixture(autouse=True)
def consistent(db: None) -> Iterator[None]:
    """After each test files have rows, and rows have files."""
    yield
    assert sweeping.difference(safe_seconds=0) == sweeping.Difference([], [], [])


@pytest.fixture
def address(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings) -> Iterator[str]:
    monkeypatch.setattr(jobs, "request_features", lambda _photo: None)
    settings.PAV = settings.PAV | {"FREE_DISK_GB": 0}
    with serving() as address:
        yield address


@pytest.fixture
def alice(address: str) -> Sender:
    return Sender(address, make_guest())


@pytest.fixture
def bob(address: str) -> Sender:
    return Sender(address, make_guest())
