"""The page, and the health check."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from ratings import health
from ratings.errors import TooManyRequests
from ratings.page import page_context
from ratings.problems import plain_refusal
from ratings.raters import guests


@require_safe
@never_cache
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The page; the first visit creates a guest."""
    try:
        rater = guests.ensure_rater(request)
    except TooManyRequests as error:
        return plain_refusal(error)
    return render(request, "page/home.html", page_context(rater))


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Whether database, Redis and workers respond: 200 or 503."""
    parts = health.check()
    return JsonResponse(parts, status=200 if parts["ok"] else 503)
