"""The page, and the health check."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from ratings import health
from ratings.albums import selectors as albums
from ratings.deck import services as deck
from ratings.errors import TooManyRequests
from ratings.page import page_context
from ratings.photos.schemas import photo_out
from ratings.photos.scopes import CATALOGUE, Scope, UnknownAlbum
from ratings.problems import refusal_page
from ratings.ranking import exact_refits
from ratings.ranking import selectors as ranking
from ratings.raters import guests


@require_safe
@never_cache
@gzip_page
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The page of the catalogue, with the first photo of the deck; the first visit creates a guest."""
    try:
        rater = guests.ensure_rater(request)
    except TooManyRequests as error:
        return refusal_page(request, error)
    return _rating_page(request, rater, CATALOGUE)


@require_safe
@never_cache
@gzip_page
@ensure_csrf_cookie
def rate_album(request: HttpRequest, album_id: UUID) -> HttpResponse:
    """The page of one album of the rater."""
    try:
        album = albums.album_of(guests.rater_of(request.session, request.user), album_id)
    except UnknownAlbum as error:
        raise Http404(str(error.sentence)) from None
    return _rating_page(request, album.owner_id, Scope(album.id), album=album)


def _rating_page(request: HttpRequest, rater: UUID, scope: Scope, **context: object) -> HttpResponse:
    cards = deck.deal(rater_id=rater, scope=scope, count=settings.PAV["DECK_SIZE"])
    first_photo = photo_out(cards[0].photo) if cards else None
    page = page_context(rater, request.user, album=scope.album)
    models = {
        "exact_refits": exact_refits.wanted() and health.exact_refits(),
        "has_generic_score": ranking.has_generic_score(),
    }  # None: unknown
    return render(request, "page/home.html", page | models | {"first_photo": first_photo, **context})


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Whether database, Redis and workers respond: 200 or 503."""
    parts = health.check()
    return JsonResponse(parts, status=200 if parts["ok"] else 503)
