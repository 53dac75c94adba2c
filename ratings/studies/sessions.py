"""Which runs through studies a browser has begun. The session holds their ids; nothing here signs anybody in."""

from collections.abc import MutableMapping
from typing import Any
from uuid import UUID

from ratings.studies.participation_services import Came

RUNS = "studies"
CAME = "studies_came"


def run_in(session: MutableMapping[str, Any], slug: str) -> UUID | None:
    kept = session.get(RUNS, {}).get(slug)
    return UUID(kept) if kept else None


def remember_run(session: MutableMapping[str, Any], slug: str, participant_id: UUID) -> None:
    """Keep which run has begun here, and no longer by which id: it has a table of its own."""
    session[CAME] = {key: value for key, value in session.get(CAME, {}).items() if key != slug}
    session[RUNS] = {**session.get(RUNS, {}), slug: str(participant_id)}


def forget_run(session: MutableMapping[str, Any], slug: str) -> None:
    session[RUNS] = {key: value for key, value in session.get(RUNS, {}).items() if key != slug}


def remember_how(session: MutableMapping[str, Any], slug: str, came: Came) -> None:
    """Keep how somebody came while they read the consent."""
    kept = [came.kind, came.external_id, came.external_study, came.external_session]
    session[CAME] = {**session.get(CAME, {}), slug: kept}


def how_came(session: MutableMapping[str, Any], slug: str) -> Came | None:
    kept = session.get(CAME, {}).get(slug)
    return Came(*kept) if kept else None
