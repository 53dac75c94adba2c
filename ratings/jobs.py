"""Enqueue work, by name and with ids only: web processes never import the code that does it."""

import logging
from uuid import UUID

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def request_refit(person_id: UUID) -> None:
    """Ask for a new fit of one person."""
    _send("personalize.tasks.refit_person", str(person_id), queue="refit")


def request_description(photo_id: int) -> None:
    """Ask for the description of one photo."""
    _send("personalize.tasks.describe_photo", photo_id, queue="gpu")


def request_refinement(person_id: UUID) -> None:
    """Ask for the next step of one person's exact fit."""
    _send("personalize.tasks.refine_person", str(person_id), queue="gpu")


def request_export(export_id: UUID) -> None:
    """Ask for the next step of an export of models."""
    _send("personalize.tasks.export_models", str(export_id), queue="gpu")


def gpu_waiting() -> int:
    """How many tasks wait in the slow queue; the sweeper adds none while some do."""
    with current_app.connection_for_read() as connection:
        return int(connection.default_channel._size("gpu"))


def _send(task: str, argument: str | int, queue: str) -> None:
    try:
        current_app.send_task(task, args=[argument], queue=queue, ignore_result=True)
    except OperationalError as error:
        # What was asked for is in the tables; the sweeper asks again.
        logger.warning("%s(%s) could not be queued: %s", task, argument, error)
