"""What workers do: each task fetches by id, calls, stores. All may run twice, or late, and harm nothing."""

import logging
from dataclasses import asdict
from itertools import islice
from uuid import UUID

import numpy as np
from celery import shared_task
from django.conf import settings

from personalize.app import instant, serving
from personalize.numerics import acquisition, metrics, model_comparison
from ratings import fits, health, jobs, media, model_exports, refinements, selectors, services

logger = logging.getLogger(__name__)

NEXT_CARDS = 10  # chosen after every fit; more than a deck, so that it outlasts a few lost fits
CANDIDATES = 128  # photos that the next cards are chosen from, and that stand for the catalogue
UNDESCRIBED_AT_ONCE = 200
DESCRIBED_AT_ONCE = 8
LOST_SECONDS = 5  # a queued refit that has not begun after so long was lost with its broker
LOST_STEP_SECONDS = 600  # the same of a step of a refinement, which waits for photos to be described


@shared_task
def refit_person(person_id: str) -> None:
    """Fit one person anew, push the ranking, then choose their next cards."""
    person = UUID(person_id)
    fits.begin_refit(person_id=person)
    history = selectors.rating_history(person)
    if history is None:
        return
    fit = instant.fit(history)
    accuracy = metrics.accuracy(fit.leave_one_out[len(instant.ANCHORS) :], history.values)
    stored = fits.store_fit(
        person_id=person,
        bank=history.bank,
        ratings_seq=history.ratings_seq,
        weights=fit.weights.tolist(),
        covariance=fit.covariance.to_bytes(),
        accuracy=asdict(accuracy) if accuracy else None,
        population=history.population,
        shared=fit.population_weights.tolist() if len(history.values) else (),
    )
    if stored is None:
        return
    # The ranking is on its way by now; nobody waits for what follows.
    photos, features = selectors.candidates(person, CANDIDATES)
    rng = np.random.default_rng([person.int & 0xFFFFFFFF, history.ratings_seq])
    cards = [
        {
            "photo": int(photos[choice.index]),
            "algorithm": choice.algorithm,
            "reason": {"gain": round(choice.gain, 6), "propensity": round(choice.propensity, 6), "version": stored.version},
        }
        for choice in acquisition.next_photos(fit.covariance, features, NEXT_CARDS, rng)
    ]
    fits.store_next_cards(person_id=person, ratings_seq=history.ratings_seq, cards=cards)


@shared_task
def describe_photo(photo_id: int) -> None:
    """Describe one photo with the current bank, and others that wait: together they take less than half the time each."""
    opened = []
    for photo in selectors.photos_to_describe(photo_id, DESCRIBED_AT_ONCE):
        try:
            opened.append((photo.id, media.opened(photo)))
        except OSError as error:
            logger.warning("Photo %s cannot be described: %s", photo.id, error)
            if error.errno is None:  # it was read, and is no picture any more
                media.set_aside(photo)
            if photo.id == photo_id:
                raise
    for (described, _), (score, features) in zip(opened, serving.describe([image for _, image in opened]), strict=True):
        services.store_description(photo_id=described, bank=serving.bank_hash(), score=score, features=features.tolist())


@shared_task
def refine_person(person_id: str) -> None:
    """One step of the exact fit of a person who rests, and the request for the next one."""
    from personalize.app import refinement  # needs torch, which workers that only fit people do not load

    if refinement.advance(UUID(person_id)):
        jobs.request_refinement(UUID(person_id))


@shared_task
def export_models(export_id: str) -> None:
    """One person of an export, and the request for the next one."""
    from personalize.app import exporting  # the same

    if exporting.advance(UUID(export_id)):
        jobs.request_export(UUID(export_id))


@shared_task
def learn_population() -> None:
    """Learn anew from the answers that people share; nightly."""
    from personalize.app import nightly  # the same

    nightly.learn()


@shared_task
def sweep() -> None:
    """Find what was lost on the way: fits behind their ratings, photos without a description, steps of refinements; and begin a refinement
    where the slow queue has nothing else to do. Also the sign of life of the workers."""
    health.beat()
    for behind in fits.claim_lost_refits(waiting_seconds=LOST_SECONDS):
        jobs.request_refit(behind)
    model_exports.ask_again(waiting_seconds=LOST_STEP_SECONDS)
    model_exports.forget_old()
    refinements.give_up_lost(waiting_seconds=LOST_STEP_SECONDS)
    if jobs.gpu_waiting():
        return
    # A photo whose file is lost waits for its next import, and keeps nothing else waiting.
    undescribed = list(islice(filter(media.is_readable, selectors.undescribed_photos()), UNDESCRIBED_AT_ONCE))
    for photo in undescribed:
        jobs.request_description(photo.id)
    rest = settings.PAV["REFINE_AFTER"]
    if rest and not undescribed:
        person = refinements.begin_one(resting_seconds=rest, least=model_comparison.LEAST)
        if person is not None:
            jobs.request_refinement(person)
