"""Celery tasks: each fetches by id, makes one call, stores. Every task may run twice, or late, without harm."""

import logging
from uuid import UUID

from celery import shared_task
from django.conf import settings

from personalize.numerics import model_comparison
from personalize.worker import capabilities, feature_extraction, generic_score, instant_fit, model_export, population_prior, projections
from ratings import health, jobs
from ratings.agreement import services as agreement
from ratings.albums import services as albums
from ratings.downloads import packing
from ratings.downloads import services as downloads
from ratings.exports import services as exports
from ratings.ranking import exact_refits, services
from ratings.ranking import projections as versions
from ratings.raters import services as raters
from ratings.studies import analysis_services as study_analyses
from ratings.studies import services as studies
from ratings.uploads import services as uploads
from ratings.uploads import sweeping, taking_in

logger = logging.getLogger(__name__)

QUEUED_AT_ONCE = 200  # photos without features
LOST_SECONDS = 5  # a queued refit that has not begun after so long was lost with its broker
LOST_STEP_SECONDS = 600  # the same for a step of an exact refit or an export, which may wait for feature extraction


@shared_task
def refit_rater(rater_id: str) -> None:
    """Make a rater's instant fit, push the ranking, then choose the next photos to present."""
    instant_fit.refit(UUID(rater_id))


@shared_task
def extract_features(photo_id: int) -> None:
    """Extract the features of a photo, and of others that wait."""
    feature_extraction.extract(photo_id)


@shared_task
def exact_refit(rater_id: str) -> None:
    """Do one step of a rater's exact refit, and queue the next one."""
    if not capabilities.exact_fits():  # an older version queued the step in `gpu`, which every slow worker reads
        logger.warning("A step of an exact refit is not for this worker: PyTorch is not installed here (./pav install research).")
        exact_refits.hand_on(UUID(rater_id))
        return
    from personalize.worker import exact_refit  # needs torch, which no other task loads

    if exact_refit.advance(UUID(rater_id)):
        jobs.request_exact_refit(UUID(rater_id))


@shared_task
def export_models(export_id: str) -> None:
    """Make one rater's model for an export, and queue the next one."""
    if model_export.advance(UUID(export_id)):
        jobs.request_export(UUID(export_id))


@shared_task
def analyse_agreement(analysis_id: str) -> None:
    """Analyse the agreement of raters for an administrator."""
    from personalize.worker import agreement_analysis  # SciPy, which few tasks load

    agreement_analysis.make(UUID(analysis_id))


@shared_task
def analyse_study_agreement(analysis_id: str) -> None:
    """Analyse the agreement of a study's participants for its researcher."""
    from personalize.worker import study_agreement  # SciPy, which few tasks load

    study_agreement.make(UUID(analysis_id))


@shared_task
def take_in_uploads() -> None:
    """Make photos of uploads that wait, each owner in turn, and queue the next task where more wait."""
    if taking_in.work(taking_in.LINES):
        jobs.request_intake()


@shared_task
def pack_download(download_id: str) -> None:
    """Pack the ZIP of photos that a rater takes home."""
    packing.pack(UUID(download_id))


@shared_task
def sweep_photo_files() -> None:
    """Delete files of own photos, uploads and downloads without rows, and report rows without files; nightly."""
    sweeping.sweep()
    downloads.remove_strays()


@shared_task
def learn_population_prior() -> None:
    """Learn from raters who share their ratings; nightly: the population prior, and the generic score of these photos."""
    population_prior.learn()
    begun = generic_score.learn()
    if begun is not None:
        jobs.request_fill(begun.pk)


@shared_task
def learn_projection(after: int) -> None:
    """Learn a projection to follow projection `after`, where that is due."""
    learned = projections.learn_when_due(after)
    if learned is not None:
        jobs.request_fill(learned.pk)


@shared_task
def fill_projection(projection: int) -> None:
    """Give some photos their features of a projection, and queue the next step; activate it where it is whole."""
    if projections.fill_step(projection):
        jobs.request_fill(projection)


@shared_task
def delete_old_guests() -> None:
    """Delete guests who never rated, and those past their retention; hourly."""
    raters.delete_old_guests(keep_days=settings.PAV["KEEP_GUESTS_DAYS"])


@shared_task
def purge_bin() -> None:
    """Delete photos that have been in their owner's bin for thirty days; nightly."""
    albums.purge_bin()


@shared_task
def tidy_studies() -> None:
    """Erase ids of participants whose retention is over, close studies past their last day, release places of those who left; hourly."""
    studies.tidy()


@shared_task
def sweep() -> None:
    """Queue again what was lost (refits, feature extraction, uploads, downloads, analyses, steps of exports and of projections), abandon
    lost exact refits, and begin to learn a projection, or an exact refit, when the slow queue is empty. Also the worker heartbeat."""
    health.beat()
    for rater in services.claim_lost_refits(waiting_seconds=LOST_SECONDS):
        jobs.request_refit(rater)
    exports.requeue_lost(waiting_seconds=LOST_STEP_SECONDS)
    exports.delete_old()
    downloads.requeue_lost(waiting_seconds=LOST_STEP_SECONDS)
    downloads.delete_old()
    uploads.delete_old()
    if uploads.requeue_lost() and not jobs.intake_waiting():
        jobs.request_intake()
    agreement.requeue_lost(waiting_seconds=LOST_STEP_SECONDS)
    study_analyses.requeue_lost(waiting_seconds=LOST_STEP_SECONDS)
    exact_refits.abandon_lost(waiting_seconds=LOST_STEP_SECONDS)
    versions.delete_retired()
    if not jobs.gpu_waiting():
        _request_slow_work()


def _request_slow_work() -> None:
    """Request what waits for the slow queue: photos, or else a projection and an exact refit."""
    waiting = feature_extraction.waiting(QUEUED_AT_ONCE)
    for photo in waiting:
        jobs.request_features(photo.id)
    if waiting:
        return
    if (filling := versions.to_fill()) is not None:
        jobs.request_fill(filling)
    elif (due := versions.learning_is_due()) is not None:
        jobs.request_learning(due.id)
    if pause := settings.PAV["EXACT_REFIT_AFTER"]:
        paused = exact_refits.begin_one(pause_seconds=pause, least=model_comparison.LEAST)
        if paused is not None:
            jobs.request_exact_refit(paused)


# Tasks that a version before 0.1 queued keep their names until they have run.
shared_task(name="personalize.tasks.refit_person")(refit_rater.run)
shared_task(name="personalize.tasks.describe_photo")(extract_features.run)
shared_task(name="personalize.tasks.refine_person")(exact_refit.run)
shared_task(name="personalize.tasks.learn_population")(learn_population_prior.run)
