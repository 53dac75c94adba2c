"""The API of the page: parse, one call, answer."""

from typing import Any, Literal
from uuid import UUID, uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Query, Status
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import APIKeyCookie

from ratings import guests, limits, rankings, schemas, selectors, services, sharing
from ratings.errors import NotSignedIn, RatingError, TooManyRequests

MOST_PHOTOS = 100


class GuestSession(APIKeyCookie):
    """The session cookie that `GET /` sets. Writes need the CSRF token too, as header `X-CSRFToken`."""

    param_name = settings.SESSION_COOKIE_NAME

    def authenticate(self, request: HttpRequest, key: str | None) -> UUID | None:
        return guests.person_of(request.session)


api = NinjaAPI(
    title="PAV",
    version="1",
    description="Cards are dealt, answered and taken back; a personal ranking of all photos follows every answer.",
    auth=GuestSession(),
    urls_namespace="api",
    docs_url=None,  # the document is at openapi.json; a viewer would need scripts from elsewhere
)
PROBLEMS = dict.fromkeys((400, 403, 404, 409, 422, 429), schemas.Problem)


@api.post("/ratings", response={201: schemas.RecordedOut, 200: schemas.RecordedOut, **PROBLEMS})
def rate(request: HttpRequest, rating: schemas.RatingIn) -> Status[dict[str, Any]]:
    """Answer a card. 201: stored; 200: this very answer had been stored before."""
    limits.check("RATINGS", str(request.auth))
    recorded = services.record_rating(
        person_id=request.auth,
        token=rating.token,
        client_id=rating.client_id,
        value=rating.stored_value,
        on_screen_ms=rating.on_screen_ms,
        modality=rating.modality or "",
    )
    return Status(201 if recorded.created else 200, {"ratings_seq": recorded.ratings_seq})


@api.delete("/ratings/last", response={200: schemas.UndoneOut, **PROBLEMS})
def undo(request: HttpRequest, client_id: UUID | None = None) -> dict[str, Any]:
    """Take the last answer back. Its card is open again, first in the deck. With a client id, the same call again changes nothing."""
    limits.check("RATINGS", str(request.auth))
    undone = services.undo_last_rating(person_id=request.auth, client_id=client_id or uuid4())
    return {"ratings_seq": undone.ratings_seq, "card": schemas.card_shape(undone.card) if undone.card else None}


@api.get("/deck", response={200: schemas.DeckOut, **PROBLEMS})
def deck(request: HttpRequest) -> dict[str, Any]:
    """The open cards, in order. Asking again gives the same cards until they are answered."""
    limits.check("READS", str(request.auth))
    cards = services.deal_cards(person_id=request.auth, count=settings.PAV["DECK_SIZE"])
    counts = selectors.progress(request.auth)
    return {
        "cards": [schemas.card_shape(card) for card in cards],
        "answered": counts["rated"],
        "photos": {"described": counts["described"], "total": counts["total"]},
    }


@api.get("/ranking", response={200: schemas.RankingOut, **PROBLEMS})
def ranking(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=500),
    offset: int = Query(0, ge=0, le=10_000_000),
    of: Literal["me", "everyone"] = "me",
) -> dict[str, Any]:
    """All photos from the best down, for this person or by the generic score."""
    limits.check("READS", str(request.auth))
    return rankings.ranking_message(request.auth, limit, offset, everyone=of == "everyone")


@api.get("/photos", response={200: schemas.PhotosOut, **PROBLEMS})
def photos(request: HttpRequest, ids: str = Query(..., description="Photo ids, separated by commas, at most 100.")) -> dict[str, Any]:
    """Photos by id, with their places in both rankings. Ids that do not exist, or belong to somebody else, are left out."""
    limits.check("READS", str(request.auth))
    wanted = [int(part) for part in ids.split(",")[:MOST_PHOTOS] if part.isdecimal() and len(part) < 19]
    places = rankings.places(request.auth, wanted)
    found = selectors.photos_shown_to(request.auth, wanted)
    nowhere = (None, None)
    return {
        "photos": [
            schemas.photo_shape(photo) | dict(zip(("place", "everyones_place"), places.get(photo.id, nowhere), strict=True))
            for photo in found
        ]
    }


@api.get("/me", response={200: schemas.MeOut, **PROBLEMS})
def me(request: HttpRequest) -> dict[str, Any]:
    """What this person has chosen."""
    limits.check("READS", str(request.auth))
    return {"shares_answers": sharing.shares_answers(request.auth)}


@api.patch("/me", response={200: schemas.MeOut, **PROBLEMS})
def change_me(request: HttpRequest, choice: schemas.MeIn) -> dict[str, Any]:
    """Choose whether one's answers may teach. The same choice again changes nothing."""
    limits.check("RATINGS", str(request.auth))
    sharing.share_answers(person_id=request.auth, on=choice.shares_answers)
    return {"shares_answers": choice.shares_answers}


@api.exception_handler(RatingError)
def refuse(request: HttpRequest, error: RatingError) -> HttpResponse:
    response = api.create_response(request, {"detail": str(error.sentence)}, status=error.status)
    if isinstance(error, TooManyRequests):
        response["Retry-After"] = str(error.seconds)
    return response


@api.exception_handler(AuthenticationError)
def refuse_strangers(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return refuse(request, NotSignedIn())


@api.exception_handler(ValidationError)
def refuse_nonsense(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """One sentence for the first thing that is wrong; the schema tells the rest."""
    first = error.errors[0]
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "rating", "choice"))
    sentence = _("Please check “{field}”: {reason}.").format(field=field or _("the body"), reason=str(first["msg"]).rstrip("."))
    return api.create_response(request, {"detail": sentence}, status=422)


@api.exception_handler(HttpError)
def refuse_what_cannot_be_read(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that is no JSON (400), or a write without the CSRF token or from another site (403)."""
    sentences = {
        400: _("The body could not be read. Send JSON."),
        403: _("This request did not come from PAV's own page. Reload the page and try again."),
    }
    return api.create_response(request, {"detail": sentences.get(error.status_code, str(error))}, status=error.status_code)
