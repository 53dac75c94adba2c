"""The page, and the health check."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from ratings import health
from ratings.deck import services as deck
from ratings.errors import TooManyRequests
from ratings.page import page_context
from ratings.photos.schemas import photo_out
from ratings.problems import refusal_page
from ratings.raters import guests


@require_safe
@never_cache
@gzip_page
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The page, with the first photo of the deck; the first visit creates a guest."""
    try:
        rater = guests.ensure_rater(request)
    except TooManyRequests as error:
        return refusal_page(request, error)
    cards = deck.deal(rater_id=rater, count=settings.PAV["DECK_SIZE"])
    first_photo = photo_out(cards[0].photo) if cards else None
    return render(request, "page/home.html", page_context(rater, request.user) | {"first_photo": first_photo})


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Whether database, Redis and workers respond: 200 or 503."""
    parts = health.check()
    return JsonResponse(parts, status=200 if parts["ok"] else 503)
