"""Pages and plain addresses beside the API."""

from collections.abc import AsyncIterator, Iterator
from itertools import islice

from asgiref.sync import sync_to_async
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_safe

from ratings import exports, guests, health, staff
from ratings.errors import TooManyRequests
from ratings.page import page_context


@require_safe
@never_cache
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The page; a first visit makes a guest."""
    try:
        person = guests.welcome(request)
    except TooManyRequests as error:
        headers = {"Retry-After": str(error.seconds)}
        return HttpResponse(str(error.sentence), status=429, headers=headers, content_type="text/plain; charset=utf-8")
    return render(request, "page/home.html", page_context(person))


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Whether database, Redis and workers answer: 200 or 503."""
    parts = health.check()
    return JsonResponse(parts, status=200 if parts["ok"] else 503)


@require_GET
@staff_member_required
def ratings_csv(request: HttpRequest) -> StreamingHttpResponse:
    """All standing ratings, for staff."""
    response = StreamingHttpResponse(_piecewise(exports.ratings_csv()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="ratings.csv"'
    return response


async def _piecewise(lines: Iterator[str]) -> AsyncIterator[str]:
    """Some lines at a time: under ASGI Django would gather a synchronous iterator whole before it sends the first byte."""
    some = sync_to_async(lambda: "".join(islice(lines, 500)))
    while piece := await some():
        yield piece


@require_GET
@never_cache
def enter(request: HttpRequest, ticket: str) -> HttpResponse:
    """Sign the administrator in by a link that works once."""
    if not staff.sign_in(request, ticket):
        return render(request, "403.html", {"reason": staff.STALE_TICKET}, status=403)
    return redirect("admin:index")
