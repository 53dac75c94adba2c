"""Release of an idle worker's memory: its networks and projections are dropped, and freed memory returns to the system.

After the last photo of an import the worker would otherwise keep several hundred megabytes until the next one, which may come in days.
"""

import gc
from threading import Timer

from celery.signals import task_postrun, task_prerun

from personalize.scorers.freed_memory import return_freed_memory
from personalize.worker import loaded_bank, projections

IDLE_SECONDS = 30
"""From the last task until networks are closed. Opening them again takes half a second."""

_timer: Timer | None = None


def return_when_idle() -> None:
    """From now on, return memory whenever this process has done no task for a while."""
    task_prerun.connect(_stop_waiting)
    task_postrun.connect(_wait)


def _stop_waiting(**_signal: object) -> None:
    if _timer is not None:
        _timer.cancel()


def _wait(**_signal: object) -> None:
    global _timer
    _stop_waiting()
    _timer = Timer(IDLE_SECONDS, _return)
    _timer.daemon = True
    _timer.start()


def _return() -> None:
    """A task that begins meanwhile keeps the networks that it has taken."""
    loaded_bank.close_extractor()
    projections.loaded.cache_clear()
    gc.collect()
    return_freed_memory()
