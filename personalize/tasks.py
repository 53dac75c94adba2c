"""What workers do: each task fetches by id, calls, stores. All may run twice, or late, and harm nothing."""

import logging
from dataclasses import asdict
from uuid import UUID

import numpy as np
from celery import shared_task

from personalize import choosing, metrics, nightly, serving, taste
from ratings import fits, health, jobs, media, selectors, services, sharing

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
    fits.begin_refit(person_id=person)
    history = selectors.rating_history(person)
    if history is None:
        return
    fit = instant_fit(history)
    accuracy = metrics.accuracy(fit.leave_one_out[len(ANCHORS) :], history.values)
    stored = fits.store_fit(
        person_id=person,
        bank=history.bank,
        ratings_seq=history.ratings_seq,
        weights=fit.weights.tolist(),
        covariance=fit.covariance.to_bytes(),
        accuracy=asdict(accuracy) if accuracy else None,
        population=history.population,
        shared=fit.shared.tolist() if len(history.values) else (),
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
    fits.store_next_cards(person_id=person, ratings_seq=history.ratings_seq, cards=cards)


def instant_fit(history: selectors.History, which: slice | np.ndarray = slice(None)) -> taste.Taste:
    """The instant fit to a history, or to some of its answers.

    Two ratings of an average photo come first, which pin what "like" means. Ratings count relative to each other: alone, the first one,
    or five likes in a row, would say nothing and move nothing on screen.
    """
    features, values, shared = history.features[which], history.values[which], history.shared[which]
    if len(values):
        features = np.concatenate([np.zeros((len(ANCHORS), features.shape[1]), dtype=features.dtype), features])
        values = np.concatenate([ANCHORS, values])
        shared = np.concatenate([np.zeros((len(ANCHORS), shared.shape[1]), dtype=shared.dtype), shared])
    told = shared if history.population is not None else taste.NOTHING_SHARED
    return taste.fit(features, values, serving.hyperprior(), told)


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
    bank, population = serving.bank_hash(), sharing.current_population()
    for (described, _), (score, features) in zip(opened, serving.describe([image for _, image in opened]), strict=True):
        told = sharing.of_unrated(features[None], population[1])[0].tolist() if population and population[0] == bank else None
        services.store_description(photo_id=described, bank=bank, score=score, features=features.tolist(), shared=told)


@shared_task
def learn_population() -> None:
    """Learn anew from the answers that people share; nightly."""
    nightly.learn()


@shared_task
def sweep() -> None:
    """Find what was lost on the way: fits behind their ratings, photos without a description. Also the sign of life of the workers."""
    health.beat()
    for person in fits.claim_lost_refits(waiting_seconds=LOST_SECONDS):
        jobs.request_refit(person)
    if not jobs.descriptions_waiting():
        for photo in selectors.undescribed_photos(UNDESCRIBED_AT_ONCE):
            jobs.request_description(photo)
