"""Merging a guest's ratings into an account, in one transaction that can be repeated.

The guest's rows move to the account. Its events are numbered after the account's and keep their times. Of a photo that both rated, the
later rating counts; the other one stays as superseded events. One refit follows, and its push.
"""

from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ratings import jobs
from ratings.accounts.merged_photos import move_photos
from ratings.deck.models import Presentation, RatingEvent
from ratings.errors import RatingError
from ratings.ranking import events
from ratings.ranking.models import Fit, PopulationPrior, no_population_scores
from ratings.raters.models import MergedGuest, Rater


class NotAGuest(RatingError):
    status = 409
    sentence = _("These ratings belong to another account already, or are gone.")


@dataclass(frozen=True)
class Merged:
    """What a merge did; `created` is False where the same one had been done before."""

    event_count: int
    created: bool


def merge_guest(*, guest: UUID, rater_id: UUID) -> Merged:
    """Add the ratings of a guest to those of an account's rater, and delete the guest.

    Raises:
        NotAGuest: the guest is an account, has been merged into another one, or does not exist; or the rater is no account.
    """
    with transaction.atomic():
        # Locked in one order, so that two merges never wait for each other. Ratings and refits of both wait, or come too late.
        raters = {rater.id: rater for rater in Rater.objects.select_for_update().filter(id__in=[guest, rater_id]).order_by("id")}
        done = MergedGuest.objects.filter(guest=guest, rater=rater_id).first()
        if done:
            return Merged(done.event_count, created=False)
        giver, taker = raters.get(guest), raters.get(rater_id)
        if giver is None or taker is None or giver.user_id is not None or taker.user_id is None:
            raise NotAGuest
        move_photos(giver, taker)
        _move_presentations(giver, taker)
        _move_events(giver, taker)
        _raise_fit(giver, taker)
        MergedGuest.objects.create(guest=giver.id, rater=taker, first_seq=taker.ratings_seq + 1, event_count=giver.ratings_seq)
        consents = [moment for moment in (taker.shares_ratings_since, giver.shares_ratings_since) if moment]
        Rater.objects.filter(id=taker.id).update(
            ratings_seq=taker.ratings_seq + giver.ratings_seq,
            refit_queued_at=timezone.now(),
            shares_ratings_since=max(consents) if len(consents) == 2 else None,
            withheld_prior=PopulationPrior.objects.filter(is_current=True).values_list("id", flat=True).first(),
        )
        giver.delete()
        transaction.on_commit(lambda: jobs.request_refit(taker.id))
        transaction.on_commit(lambda: events.close_sockets(rater_id))
    return Merged(giver.ratings_seq, created=True)


def _move_presentations(giver: Rater, taker: Rater) -> None:
    """Move the guest's presentations behind the account's. Of a photo that both have, the account's stays, with the rating that counts."""
    theirs = {one.photo_id: one for one in Presentation.objects.filter(rater=giver)}
    for own in Presentation.objects.filter(rater=taker, photo__in=theirs):
        other = theirs[own.photo_id]
        other_counts = other.rated_at is not None and (own.rated_at is None or other.rated_at > own.rated_at)
        RatingEvent.objects.filter(presentation=own if other_counts else other).update(superseded=True)
        RatingEvent.objects.filter(presentation=other).update(presentation=own)
        if other_counts:
            for name in ("value", "rated_at", "algorithm", "reason", "dealt_at"):
                setattr(own, name, getattr(other, name))
            own.save(update_fields=["value", "rated_at", "algorithm", "reason", "dealt_at"])
        other.delete()
    last = Presentation.objects.filter(rater=taker).aggregate(place=Max("position"))["place"] or 0
    first = Presentation.objects.filter(rater=giver).order_by("position").values_list("position", flat=True).first() or 0
    Presentation.objects.filter(rater=giver).update(rater=taker, position=F("position") - first + last + 1)


def _move_events(giver: Rater, taker: Rater) -> None:
    """Number the guest's events after the account's. A client id that both have used is replaced."""
    used = RatingEvent.objects.filter(rater=taker).values("client_id")
    for event in RatingEvent.objects.filter(rater=giver, client_id__in=used):
        event.client_id = uuid4()
        event.save(update_fields=["client_id"])
    RatingEvent.objects.filter(rater=giver).update(rater=taker, seq=F("seq") + taker.ratings_seq)


def _raise_fit(giver: Rater, taker: Rater) -> None:
    """Keep the account's fit until the refit, with a version above both; or the guest's, where the account has none.

    The population prior has learned from the guest in another fold, so it is not used until it is learned anew.
    """
    without_prior = {"population_weights": no_population_scores(), "population_prior": None}
    version = Fit.objects.filter(rater=giver).values_list("version", flat=True).first() or 0
    own = Fit.objects.filter(rater=taker)
    if own.update(version=Greatest(F("version"), version) + 1, exact_order=None, **without_prior):
        return
    Fit.objects.filter(rater=giver).update(rater=taker, version=F("version") + 1, exact_order=None, **without_prior)
