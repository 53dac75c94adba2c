"""Guest sessions: each browser session belongs to one rater."""

from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from ratings import limits
from ratings.raters import selectors, services


class RaterRequest(HttpRequest):
    """A request of the API, authenticated by its session."""

    auth: UUID


SESSION_KEY = "rater"
OLD_SESSION_KEY = "person"  # sessions begun before version 0.1 have it; without it their raters would be lost


def rater_of(session: MutableMapping[str, Any]) -> UUID | None:
    """The rater of a session, or None before the first visit of the start page."""
    kept = session.get(SESSION_KEY) or session.get(OLD_SESSION_KEY)
    return UUID(kept) if kept else None


def ensure_rater(request: HttpRequest) -> UUID:
    """The rater of this session; a new guest where there is none yet, or where the rater has been deleted.

    Raises:
        TooManyRequests: too many new guests from this IP address.
    """
    rater_id = rater_of(request.session)
    if rater_id is None or not selectors.rater_exists(rater_id):
        limits.check("GUESTS", request.META.get("REMOTE_ADDR", ""))
        rater_id = services.make_guest().id
    if request.session.get(SESSION_KEY) != str(rater_id):
        request.session[SESSION_KEY] = str(rater_id)
        request.session.pop(OLD_SESSION_KEY, None)
    return rater_id
