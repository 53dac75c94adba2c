"""Who is asking: the session of a browser belongs to one person."""

from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from ratings import limits, selectors, services

SESSION_KEY = "person"


def person_of(session: MutableMapping[str, Any]) -> UUID | None:
    """The person of a session, or None before the first visit of the start page."""
    kept = session.get(SESSION_KEY)
    return UUID(kept) if kept else None


def welcome(request: HttpRequest) -> UUID:
    """The person of this session; a new guest where there is none yet, or where they have been deleted.

    Raises:
        TooManyRequests: too many new guests from this internet address.
    """
    person_id = person_of(request.session)
    if person_id is None or not selectors.person_exists(person_id):
        limits.check("GUESTS", request.META.get("REMOTE_ADDR", ""))
        person_id = services.make_guest().id
        request.session[SESSION_KEY] = str(person_id)
    return person_id
