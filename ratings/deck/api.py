"""API of the deck: deal, rate, undo."""

from uuid import UUID, uuid4

from django.conf import settings
from django.views.decorators.gzip import gzip_page
from ninja import Router, Status
from ninja.decorators import decorate_view

from ratings import limits
from ratings.deck import selectors, services
from ratings.deck.schemas import DeckOut, PhotoCounts, PickedIn, PickedOut, RatingIn, RecordedOut, UndoneOut, card_out
from ratings.errors import RaterChanged
from ratings.photos.scopes import scope_of
from ratings.problems import PROBLEMS
from ratings.raters.guests import RaterRequest

router = Router()

LAST_RATED = 20


@router.get("/deck", response={200: DeckOut, **PROBLEMS})
@decorate_view(gzip_page)
def deck(request: RaterRequest, album: UUID | None = None) -> DeckOut:
    """The open cards of the catalogue, or of an album, in order. Asking again returns the same cards until they are rated."""
    limits.check("READS", str(request.auth))
    scope = scope_of(request.auth, album)
    cards = services.deal(rater_id=request.auth, scope=scope, count=settings.PAV["DECK_SIZE"])
    progress = selectors.progress(request.auth, scope)
    return DeckOut(
        cards=[card_out(card) for card in cards],
        rated=progress.rated,
        photos=PhotoCounts(ready=progress.ready, total=progress.total, updated=progress.updated),
        last_rated=selectors.last_rated(request.auth, scope, LAST_RATED),
    )


@router.post("/ratings", response={201: RecordedOut, 200: RecordedOut, **PROBLEMS})
def rate(request: RaterRequest, rating: RatingIn) -> Status[RecordedOut]:
    """Rate a card. 201: stored; 200: this very rating had been stored before."""
    limits.check("RATINGS", str(request.auth))
    _check_rater(request, rating.rater)
    recorded = services.record_rating(
        rater_id=request.auth,
        token=rating.token,
        client_id=rating.client_id,
        value=rating.stored_value,
        on_screen_ms=rating.on_screen_ms,
        modality=rating.modality or "",
    )
    return Status(201 if recorded.created else 200, RecordedOut(ratings_seq=recorded.ratings_seq))


@router.post("/ratings/picked", response={201: PickedOut, 200: PickedOut, **PROBLEMS})
def rate_picked(request: RaterRequest, rating: PickedIn) -> Status[PickedOut]:
    """Rate a photo that the rater picked, or rate it anew. 201: stored; 200: this very rating had been stored before."""
    limits.check("RATINGS", str(request.auth))
    recorded = services.rate_picked(
        rater_id=request.auth,
        photo_id=rating.photo,
        client_id=rating.client_id,
        value=rating.stored_value,
        modality=rating.modality or "",
    )
    return Status(201 if recorded.created else 200, PickedOut(ratings_seq=recorded.ratings_seq, token=recorded.token))


@router.delete("/ratings/last", response={200: UndoneOut, **PROBLEMS})
def undo(request: RaterRequest, client_id: UUID | None = None, token: UUID | None = None, rater: UUID | None = None) -> UndoneOut:
    """Undo the rating of the card `token`, or the last one. The card is open again, first in the deck. With a client id, the same request
    again changes nothing."""
    limits.check("RATINGS", str(request.auth))
    _check_rater(request, rater)
    undone = services.undo_rating(rater_id=request.auth, client_id=client_id or uuid4(), token=token)
    return UndoneOut(ratings_seq=undone.ratings_seq, card=card_out(undone.presentation) if undone.presentation else None)


def _check_rater(request: RaterRequest, rater: UUID | None) -> None:
    """A page that was opened by another rater must not rate for this one.

    Raises:
        RaterChanged: it was.
    """
    if rater is not None and rater != request.auth:
        raise RaterChanged
