"""Queueing work, by task name and with ids only: web processes never import the code that does it."""

import logging
from uuid import UUID

from celery import current_app
from django.db import models
from django.utils.translation import gettext_lazy as _
from kombu import Queue
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


class JobState(models.TextChoices):
    """How far work is that an administrator has asked for."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


def request_refit(rater_id: UUID) -> None:
    """Queue a new instant fit of one rater."""
    _send("personalize.tasks.refit_rater", str(rater_id), queue="refit")


def request_features(photo_id: int) -> None:
    """Queue the extraction of one photo's features."""
    _send("personalize.tasks.extract_features", photo_id, queue="gpu")


def request_exact_refit(rater_id: UUID) -> None:
    """Queue the next step of one rater's exact refit, for a worker that has torch."""
    _send("personalize.tasks.exact_refit", str(rater_id), queue="exact")


def request_learning(projection_id: int) -> None:
    """Queue the learning of a projection that follows this one."""
    _send("personalize.tasks.learn_projection", projection_id, queue="gpu")


def request_fill(projection_id: int) -> None:
    """Queue the next step of filling a projection."""
    _send("personalize.tasks.fill_projection", projection_id, queue="gpu")


def request_export(export_id: UUID) -> None:
    """Queue the next step of a model export."""
    _send("personalize.tasks.export_models", str(export_id), queue="gpu")


def request_exact_export(export_id: UUID) -> None:
    """Queue the next step of a model export, whose rater has an exact fit, for a worker that has torch."""
    _send("personalize.tasks.export_models", str(export_id), queue="exact")


def request_agreement(analysis_id: UUID) -> None:
    """Queue an analysis of agreement."""
    _send("personalize.tasks.analyse_agreement", str(analysis_id), queue="gpu")


def request_study_agreement(analysis_id: UUID) -> None:
    """Queue an analysis of a study's agreement."""
    _send("personalize.tasks.analyse_study_agreement", str(analysis_id), queue="gpu")


def request_intake() -> None:
    """Queue the taking in of all raters' waiting uploads."""
    _send("personalize.tasks.take_in_uploads", queue="intake")


def request_download(download_id: UUID) -> None:
    """Queue the packing of photos that a rater takes home."""
    _send("personalize.tasks.pack_download", str(download_id), queue="intake")


def request_purge() -> None:
    """Queue the deletion of photos whose time in the bin is over, whoever's they are."""
    _send("personalize.tasks.purge_bin", queue="intake")


def gpu_waiting() -> int:
    """How many tasks wait in the slow queue; the sweeper adds none while there are some."""
    return _waiting("gpu")


def intake_waiting() -> int:
    """How many tasks wait in the queue of uploads; the sweeper adds none while there are some."""
    return _waiting("intake")


def _waiting(queue: str) -> int:
    with current_app.connection_for_read() as connection:
        return int(Queue(queue, channel=connection.default_channel).queue_declare().message_count)


def _send(task: str, *arguments: str | int, queue: str) -> None:
    try:
        current_app.send_task(task, args=list(arguments), queue=queue, ignore_result=True)
    except OperationalError as error:
        # The request is in the tables too: the sweeper queues it again.
        logger.warning("%s%s could not be queued: %s", task, arguments, error)
