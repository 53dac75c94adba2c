"""Writes that all queued work has in common."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone


def queue_lost_again(waiting: models.QuerySet[Any], request: Callable[[UUID], None], *, column: str, waiting_seconds: float) -> None:
    """Queue the tasks of rows again that were queued so long ago, by the time in `column`, that they must be lost; each by one process."""
    for row in waiting.filter(**{f"{column}__lt": timezone.now() - timedelta(seconds=waiting_seconds)}):
        same = waiting.model._default_manager.filter(pk=row.pk, **{column: getattr(row, column)})
        if same.update(**{column: timezone.now()}):
            request(row.pk)
