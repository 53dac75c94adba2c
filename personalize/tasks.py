"""Celery tasks: each fetches by id, makes one call, stores. Every task may run twice, or late, without harm."""

import logging
from dataclasses import asdict
from itertools import islice
from uuid import UUID

import numpy as np
from celery import shared_task
from django.conf import settings

from personalize.numerics import acquisition, metrics, model_comparison
from personalize.worker import instant_fit, loaded_bank, population_prior
from ratings import health, jobs
from ratings.deck.selectors import candidates
from ratings.exports import services as exports
from ratings.photos import files
from ratings.ranking import exact_refits, features, services
from ratings.ranking.histories import rating_history
from ratings.ranking.services import NextPhoto

logger = logging.getLogger(__name__)

NEXT_PHOTOS = 10  # chosen after every fit; more than a deck, so that they outlast a few lost fits
CANDIDATES = 128  # photos that the next ones are chosen from, and that represent the catalogue
QUEUED_AT_ONCE = 200  # photos without features
EXTRACTED_AT_ONCE = 8
LOST_SECONDS = 5  # a queued refit that has not begun after so long was lost with its broker
LOST_STEP_SECONDS = 600  # the same for a step of an exact refit or an export, which may wait for feature extraction


@shared_task
def refit_rater(rater_id: str) -> None:
    """Make a rater's instant fit, push the ranking, then choose the next photos to present."""
    rater = UUID(rater_id)
    services.begin_refit(rater_id=rater)
    history = rating_history(rater)
    if history is None:
        return
    fit = instant_fit.fit(history)
    accuracy = metrics.accuracy(fit.leave_one_out[len(instant_fit.ANCHORS) :], history.values)
    stored = services.store_fit(
        rater_id=rater,
        bank=history.bank,
        ratings_seq=history.ratings_seq,
        weights=fit.weights.tolist(),
        covariance=fit.covariance.to_bytes(),
        accuracy=asdict(accuracy) if accuracy else None,
        population_prior_id=history.population_prior_id,
        population_weights=fit.population_weights.tolist() if len(history.values) else (),
    )
    if stored is None:
        return
    # The ranking has been pushed; no page waits for the rest.
    photos, photo_features = candidates(rater, CANDIDATES)
    rng = np.random.default_rng([rater.int & 0xFFFFFFFF, history.ratings_seq])
    next_photos = [
        NextPhoto(
            photo=int(photos[choice.index]),
            algorithm=choice.algorithm,
            reason={"gain": round(choice.gain, 6), "propensity": round(choice.propensity, 6), "version": stored.version},
        )
        for choice in acquisition.next_photos(fit.covariance, photo_features, NEXT_PHOTOS, rng)
    ]
    services.store_next_photos(rater_id=rater, ratings_seq=history.ratings_seq, next_photos=next_photos)


@shared_task
def extract_features(photo_id: int) -> None:
    """Extract the features of a photo, and of others that wait: together they take less than half the time each."""
    opened = []
    for photo in features.photos_to_extract(photo_id, EXTRACTED_AT_ONCE):
        try:
            opened.append((photo.id, files.open_master(photo)))
        except OSError as error:
            logger.warning("Photo %s cannot be opened: %s", photo.id, error)
            if error.errno is None:  # the file could be read, but is damaged
                files.set_aside(photo)
            if photo.id == photo_id:
                raise
    extracted = loaded_bank.extract_features([image for _, image in opened])
    for (photo_id, _), (score, vector) in zip(opened, extracted, strict=True):
        features.store_features(photo_id=photo_id, bank=loaded_bank.bank_hash(), generic_score=score, features=vector.tolist())


@shared_task
def exact_refit(rater_id: str) -> None:
    """Do one step of a rater's exact refit, and queue the next one."""
    from personalize.worker import exact_refit  # needs torch, which workers of the queue `refit` do not load

    if exact_refit.advance(UUID(rater_id)):
        jobs.request_exact_refit(UUID(rater_id))


@shared_task
def export_models(export_id: str) -> None:
    """Make one rater's model for an export, and queue the next one."""
    from personalize.worker import model_export  # needs torch

    if model_export.advance(UUID(export_id)):
        jobs.request_export(UUID(export_id))


@shared_task
def learn_population_prior() -> None:
    """Learn a new version of the population prior; nightly."""
    population_prior.learn()


@shared_task
def sweep() -> None:
    """Queue again what was lost (refits, feature extraction, steps of exports), abandon lost exact refits, and begin an exact refit when
    the slow queue is empty. Also the worker heartbeat."""
    health.beat()
    for rater in services.claim_lost_refits(waiting_seconds=LOST_SECONDS):
        jobs.request_refit(rater)
    exports.requeue_lost(waiting_seconds=LOST_STEP_SECONDS)
    exports.delete_old()
    exact_refits.abandon_lost(waiting_seconds=LOST_STEP_SECONDS)
    if jobs.gpu_waiting():
        return
    # A photo whose file is missing waits for its next import, and must not hold up exact refits.
    waiting = list(islice(filter(files.is_readable, features.photos_without_features()), QUEUED_AT_ONCE))
    for photo in waiting:
        jobs.request_features(photo.id)
    pause = settings.PAV["EXACT_REFIT_AFTER"]
    if pause and not waiting:
        paused = exact_refits.begin_one(pause_seconds=pause, least=model_comparison.LEAST)
        if paused is not None:
            jobs.request_exact_refit(paused)


# Tasks that a version before 0.1 queued keep their names until they have run.
shared_task(name="personalize.tasks.refit_person")(refit_rater.run)
shared_task(name="personalize.tasks.describe_photo")(extract_features.run)
shared_task(name="personalize.tasks.refine_person")(exact_refit.run)
shared_task(name="personalize.tasks.learn_population")(learn_population_prior.run)
