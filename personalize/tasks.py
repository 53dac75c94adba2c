"""What workers do: each task fetches by id, calls, stores. All may run twice, or late, and harm nothing."""

import logging
from dataclasses import asdict
from uuid import UUID

import numpy as np
from celery import shared_task

from personalize import choosing, metrics, serving, taste
from ratings import health, jobs, media, selectors, services

logger = logging.getLogger(__name__)

NEXT_CARDS = 10  # chosen after every fit; more than a deck, so that it outlasts a few lost fits
CANDIDATES = 128  # photos that the next cards are chosen from, and that stand for the catalogue
UNDESCRIBED_AT_ONCE = 200
DESCRIBED_AT_ONCE = 8
ANCHORS = (1.0, 2.0)  # "dislike" and "like", as if said of two average photos
LOST_SECONDS = 5  # a queued refit that has not begun after so long was lost with its broker


@shared_task
def refit_person(person_id: str) -> None:
    """Fit one person anew, push the ranking, then choose their next cards."""
    person = UUID(person_id)
    services.begin_refit(person_id=person)
    history = selectors.rating_history(person)
    if history is None:
        return
    fit = taste.fit(*_anchored(history), serving.hyperprior())
    accuracy = metrics.accuracy(fit.leave_one_out[len(ANCHORS) :], history.values)
    stored = services.store_fit(
        person_id=person,
        bank=history.bank,
        ratings_seq=history.ratings_seq,
        weights=fit.weights.tolist(),
        covariance=fit.covariance.to_bytes(),
        accuracy=asdict(accuracy) if accuracy else None,
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
        for choice in choosing.next_cards(fit.covariance, features, NEXT_CARDS, rng)
    ]
    services.store_next_cards(person_id=person, ratings_seq=history.ratings_seq, cards=cards)


def _anchored(history: selectors.History) -> tuple[np.ndarray, np.ndarray]:
    """Features and ratings with two of an average photo before them, which pin what "like" means.

    Ratings count relative to each other: alone, the first one, or five likes in a row, would say nothing and move nothing on screen.
    """
    if not len(history.values):
        return history.features, history.values
    average = np.zeros((len(ANCHORS), history.features.shape[1]), dtype=history.features.dtype)
    return np.concatenate([average, history.features]), np.concatenate([ANCHORS, history.values])


@shared_task
def describe_photo(photo_id: int) -> None:
    """Describe one photo with the current bank, and others that wait: together they take less than half the time each."""
    opened = []
    for photo in selectors.photos_to_describe(photo_id, DESCRIBED_AT_ONCE):
        try:
            opened.append((photo.id, media.opened(photo)))
        except FileNotFoundError:
            if photo.id == photo_id:
                raise
    for (described, _), (score, features) in zip(opened, serving.describe([image for _, image in opened]), strict=True):
        services.store_description(photo_id=described, bank=serving.bank_hash(), score=score, features=features.tolist())


@shared_task
def sweep() -> None:
    """Find what was lost on the way: fits behind their ratings, photos without a description. Also the sign of life of the workers."""
    health.beat()
    for person in services.claim_lost_refits(waiting_seconds=LOST_SECONDS):
        jobs.request_refit(person)
    if not jobs.descriptions_waiting():
        for photo in selectors.undescribed_photos(UNDESCRIBED_AT_ONCE):
            jobs.request_description(photo)
