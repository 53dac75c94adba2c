"""Writes that all queued work has in common."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_noop

from ratings.jobs import JobState

UNFINISHED = (JobState.WAITING, JobState.RUNNING)
ANALYSIS_HOURS = 2  # after which an analysis was lost with its worker
STOPPED = gettext_noop("It was not finished within two hours, so it was stopped. Request a new one.")


def recover_analyses(analyses: models.QuerySet[Any], request: Callable[[UUID], None], *, waiting_seconds: float, **stopped: object) -> None:
    """Fail analyses lost with their worker, setting the columns of `stopped` too; queue those again whose task must be lost."""
    long_ago = timezone.now() - timedelta(hours=ANALYSIS_HOURS)
    lost = analyses.filter(state__in=UNFINISHED, created_at__lt=long_ago)
    lost.update(state=JobState.FAILED, problem=STOPPED, **stopped)
    queue_lost_again(analyses.filter(state=JobState.WAITING), request, column="queued_at", waiting_seconds=waiting_seconds)


def queue_lost_again(waiting: models.QuerySet[Any], request: Callable[[UUID], None], *, column: str, waiting_seconds: float) -> None:
    """Queue the tasks of rows again that were queued so long ago, by the time in `column`, that they must be lost; each by one process."""
    for row in waiting.filter(**{f"{column}__lt": timezone.now() - timedelta(seconds=waiting_seconds)}):
        same = waiting.model._default_manager.filter(pk=row.pk, **{column: getattr(row, column)})
        if same.update(**{column: timezone.now()}):
            request(row.pk)
