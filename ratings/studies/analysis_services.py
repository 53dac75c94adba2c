"""Writes of analyses of a study's agreement: requested by its researcher, made by a worker, once each."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ratings import job_services, jobs
from ratings.job_services import UNFINISHED
from ratings.studies import services
from ratings.studies.errors import BadStudy
from ratings.studies.models import Study, StudyAnalysis

State = StudyAnalysis.State


def request_analysis(study: Study) -> StudyAnalysis:
    """Request an analysis of the cleaned trials as they are when a worker begins. It takes the place of the one before.

    Raises:
        BadStudy: one is under way.
    """
    with transaction.atomic():
        services.locked(study.pk)
        if StudyAnalysis.objects.filter(study=study, state__in=UNFINISHED).exists():
            raise BadStudy(_("An analysis is under way. It will be on this page when it is ready."))
        StudyAnalysis.objects.filter(study=study).delete()
        row = StudyAnalysis.objects.create(study=study, queued_at=timezone.now())
        transaction.on_commit(lambda: jobs.request_study_agreement(row.id))
    return row


def start(analysis_id: UUID) -> Study | None:
    """The study that the worker which asks shall analyse; None where the analysis is another's, or was deleted."""
    waiting = StudyAnalysis.objects.filter(id=analysis_id, state=State.WAITING)
    if not waiting.update(state=State.RUNNING, began_at=timezone.now()):
        return None
    return Study.objects.filter(analysis=analysis_id).first()


def finish(analysis_id: UUID, *, files: Mapping[str, str], problem: str) -> None:
    """Store the result, and why a part of it is missing. Where somebody withdrew meanwhile, there is no row any more."""
    state = State.DONE if files else State.FAILED
    StudyAnalysis.objects.filter(id=analysis_id, state=State.RUNNING).update(state=state, files=dict(files), problem=problem)


def requeue_lost(*, waiting_seconds: float) -> None:
    """Queue analyses again whose task must be lost; one that is running for hours was lost with its worker."""
    job_services.recover_analyses(StudyAnalysis.objects.all(), jobs.request_study_agreement, waiting_seconds=waiting_seconds)
