"""Writes of analyses of agreement: requested by an administrator, made by a worker, once each."""

from collections.abc import Mapping
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ratings import job_services, jobs
from ratings.agreement.models import AgreementAnalysis
from ratings.errors import RatingError
from ratings.job_services import UNFINISHED

KEPT = 20  # analyses

State = AgreementAnalysis.State


class AlreadyRunning(RatingError):
    status = 409
    sentence = _("An analysis is under way. It will be on this page when it is ready.")


def request_analysis(*, user_id: int) -> AgreementAnalysis:
    """Request an analysis of the ratings as they are when a worker begins. The newest 20 are kept.

    Raises:
        AlreadyRunning: another one is not finished yet.
    """
    with transaction.atomic():
        # One at a time: two simultaneous requests would both find none.
        get_user_model().objects.select_for_update(no_key=True).get(pk=user_id)
        if AgreementAnalysis.objects.filter(state__in=UNFINISHED).exists():
            raise AlreadyRunning
        older = AgreementAnalysis.objects.order_by("-created_at").values_list("id", flat=True)[KEPT - 1 :]
        AgreementAnalysis.objects.filter(id__in=list(older)).delete()
        row = AgreementAnalysis.objects.create(requested_by_id=user_id, queued_at=timezone.now())
        transaction.on_commit(lambda: jobs.request_agreement(row.id))
    return row


def start(analysis_id: UUID) -> bool:
    """Whether the worker that asks makes this analysis: it is waiting, and is now running."""
    return bool(AgreementAnalysis.objects.filter(id=analysis_id, state=State.WAITING).update(state=State.RUNNING))


def finish(analysis_id: UUID, *, files: Mapping[str, str], rating_count: int, left_out_count: int) -> None:
    """Store the result."""
    counts = {"rating_count": rating_count, "left_out_count": left_out_count}
    running = AgreementAnalysis.objects.filter(id=analysis_id, state=State.RUNNING)
    running.update(state=State.DONE, files=dict(files), finished_at=timezone.now(), **counts)


def fail(analysis_id: UUID, problem: str, *, left_out_count: int = 0) -> None:
    """Store why there is no result."""
    unfinished = AgreementAnalysis.objects.filter(id=analysis_id, state__in=UNFINISHED)
    unfinished.update(state=State.FAILED, problem=problem, left_out_count=left_out_count, finished_at=timezone.now())


def requeue_lost(*, waiting_seconds: float) -> None:
    """Queue analyses again whose task must be lost; one that is running for hours was lost with its worker."""
    analyses, now = AgreementAnalysis.objects.all(), timezone.now()
    job_services.recover_analyses(analyses, jobs.request_agreement, waiting_seconds=waiting_seconds, finished_at=now)
