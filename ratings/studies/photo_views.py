"""Photos of a study, for its participants and its researcher."""

from pathlib import PurePath

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ratings import limits
from ratings.errors import TooManyRequests
from ratings.photos import files
from ratings.photos.views import HEADERS
from ratings.problems import plain_refusal
from ratings.studies import selectors, sessions


@require_safe
def photo(request: HttpRequest, slug: str, row: int, content_hash: str, file_name: str) -> HttpResponse:
    """One file of a photo, for the participants of a study and its researcher."""
    study = selectors.study_by_slug(slug)
    participant_id = sessions.run_in(request.session, slug)
    if study is None or not (participant_id or selectors.is_owner(study, request.user)):
        raise Http404(_("There is no such photo, or it is not yours to see."))
    try:
        limits.check("FILES", str(participant_id or f"user {request.user.pk}"))
    except TooManyRequests as error:
        return plain_refusal(error)
    found = selectors.study_photo(study.pk, row, content_hash)
    if found is None or file_name not in files.file_names(found) or file_name == files.MASTER:
        raise Http404(_("There is no such photo, or it is not yours to see."))
    try:
        content = files.read(found, file_name)
    except OSError:
        raise Http404(_("The file of this photo is missing.")) from None
    return HttpResponse(content, content_type=files.CONTENT_TYPES[PurePath(file_name).suffix], headers=HEADERS)
