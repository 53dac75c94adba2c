"""Pages of albums. Whoever is not the owner gets the same 404 as for an album that never was."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe

from ratings import limits
from ratings.albums import selectors, services
from ratings.albums.words import album_phrases
from ratings.errors import RatingError, TooManyRequests
from ratings.page import PageConfig, page_config
from ratings.photos.intake import WIDTHS
from ratings.photos.scopes import UnknownAlbum
from ratings.problems import refusal_page
from ratings.raters import guests
from ratings.raters.selectors import guest_ends_at


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@ensure_csrf_cookie
def albums(request: HttpRequest) -> HttpResponse:
    """The rater's albums; POST makes one and opens it."""
    try:
        rater = guests.ensure_rater(request)
        if request.method == "POST":
            limits.check("RATINGS", str(rater))
            album = services.create_album(owner_id=rater, name=request.POST.get("name", ""))
            return redirect("album", album.id)
    except TooManyRequests as error:
        return refusal_page(request, error)
    except RatingError as error:
        messages.error(request, str(error.sentence))
    shelves = selectors.shelves(rater)
    has_photos = any(shelf.photo_count for shelf in shelves)
    ends = guest_ends_at(rater, keep_days=settings.PAV["KEEP_GUESTS_DAYS"]) if has_photos else None
    return render(request, "albums/albums.html", {"shelves": shelves, "deleted_on": ends})


@require_safe
@never_cache
@ensure_csrf_cookie
def album(request: HttpRequest, album_id: UUID) -> HttpResponse:
    """An album: its photos, what brings others, what takes them home."""
    try:
        found = selectors.album_of(guests.rater_of(request.session, request.user), album_id)
    except UnknownAlbum as error:
        raise Http404(str(error.sentence)) from None
    return render(request, "albums/album.html", {"album": found, "page": _config(request, found.owner_id, found.id)})


@require_safe
@never_cache
@ensure_csrf_cookie
def binned(request: HttpRequest) -> HttpResponse:
    """The rater's photos in the bin."""
    rater = guests.rater_of(request.session, request.user)
    if rater is None:
        return redirect("albums")
    return render(request, "albums/bin.html", {"days": selectors.BIN_DAYS, "page": _config(request, rater)})


def _config(request: HttpRequest, rater: UUID, album_id: UUID | None = None) -> PageConfig:
    config = page_config(rater, album=album_id, phrases=album_phrases())
    config["urls"]["photo"] = "/photos/{id}/{hash}/{width}.webp"
    config["urls"]["widths"] = ",".join(map(str, WIDTHS))
    return config
