"""What a worker lets go of when it has nothing to do."""

import time
from collections.abc import Iterator

import pytest
from celery.signals import task_postrun, task_prerun

from pav_site import idle_memory
from personalize.worker import loaded_bank

PATIENCE_SECONDS = 60


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Every extractor that was opened, in this order."""
    extractors: list[object] = []

    def open_new(_bank: object) -> object:
        extractors.append(object())
        return extractors[-1]

    monkeypatch.setattr(loaded_bank, "FeatureExtractor", open_new)
    loaded_bank.close_extractor()
    idle_memory.return_when_idle()
    yield extractors
    idle_memory._stop_waiting()
    task_prerun.disconnect(idle_memory._stop_waiting)
    task_postrun.disconnect(idle_memory._wait)
    loaded_bank.close_extractor()


def test_networks_are_closed_after_a_while_without_tasks(opened: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_memory, "IDLE_SECONDS", 0.01)
    first = loaded_bank._extractor()
    task_postrun.send(sender=None)
    until = time.monotonic() + PATIENCE_SECONDS
    while loaded_bank._extractor.cache_info().currsize:
        assert time.monotonic() < until
        time.sleep(0.01)

    assert loaded_bank._extractor() is not first
    assert len(opened) == 2


def test_between_tasks_networks_stay_open(opened: list[object]) -> None:
    first = loaded_bank._extractor()
    task_postrun.send(sender=None)
    waiting = idle_memory._timer
    task_prerun.send(sender=None)

    assert waiting is not None
    waiting.join(PATIENCE_SECONDS)
    assert loaded_bank._extractor() is first
    assert len(opened) == 1
