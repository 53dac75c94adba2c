"""Photo files for requesters who may see the photo, others get a 404; and the page where administrators open an own photo."""

import logging
from pathlib import PurePath

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from ratings import limits
from ratings.errors import RatingError, TooManyRequests
from ratings.photos import files, services
from ratings.photos.models import Photo
from ratings.photos.selectors import visible_photo
from ratings.problems import plain_refusal
from ratings.raters.guests import rater_of
from ratings.raters.selectors import is_staff

logger = logging.getLogger(__name__)

HEADERS = {
    # Immutable: the URL contains the hash of the content. Private: shared caches do not check who may see a photo.
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Disposition": "inline",
}


@require_safe
def photo_file(request: HttpRequest, photo_id: int, content_hash: str, file_name: str) -> HttpResponse:
    """One file of a photo."""
    try:
        photo = _requested_photo(request, photo_id, content_hash)
    except TooManyRequests as error:
        return plain_refusal(error)
    if photo is None or file_name not in files.file_names(photo):
        raise Http404(_("There is no such photo, or it is not yours to see."))
    try:
        content = files.read(photo, file_name)
    except OSError as error:
        logger.error("%s of photo %s cannot be read (%s); importing the photo again restores it", file_name, photo_id, error)
        raise Http404(_("The file of this photo is missing.")) from None
    return HttpResponse(content, content_type=files.CONTENT_TYPES[PurePath(file_name).suffix], headers=HEADERS)


def _requested_photo(request: HttpRequest, photo_id: int, content_hash: str) -> Photo | None:
    """Count the request against the rate limit and find the photo.

    Raises:
        TooManyRequests: the requester has exceeded the rate limit for files.
    """
    rater_id, staff = rater_of(request.session, request.user), is_staff(request.user)
    if staff or rater_id is not None:
        limits.check("FILES", f"user {request.user.pk}" if staff else str(rater_id))
    return visible_photo(photo_id, content_hash, rater_id=rater_id, staff_id=request.user.pk if staff else None)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_member_required
@permission_required("ratings.view_photo", raise_exception=True)
def own_photo(request: HttpRequest) -> HttpResponse:
    """Open a rater's own photo, with a reason that is logged."""
    number, reason = request.POST.get("number", ""), request.POST.get("reason", "")
    context: dict[str, object] = {
        **admin.site.each_context(request),
        "title": _("Open a private photo"),
        "number": number,
        "reason": reason,
    }
    if request.method == "POST":
        try:
            photo = services.open_own_photo(photo_id=int(number), user_id=request.user.pk or 0, reason=reason)
            context |= {"photo": photo, "address": files.src(photo)} if photo else {"problem": _("There is no such private photo.")}
        except RatingError as error:
            context["problem"] = error.sentence
        except ValueError:
            context["problem"] = _("There is no such private photo.")
    return render(request, "photos/own_photo.html", context)
