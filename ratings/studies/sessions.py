"""Which runs through studies a browser has begun. The session holds their ids; nothing here signs anybody in."""

from collections.abc import MutableMapping
from uuid import UUID

RUNS = "studies"


def run_in(session: MutableMapping[str, dict[str, str]], slug: str) -> UUID | None:
    kept = session.get(RUNS, {}).get(slug)
    return UUID(kept) if kept else None


def remember_run(session: MutableMapping[str, dict[str, str]], slug: str, participant_id: UUID) -> None:
    """Keep which run has begun here; by which id, a table of its own says."""
    session[RUNS] = {**session.get(RUNS, {}), slug: str(participant_id)}


def forget_run(session: MutableMapping[str, dict[str, str]], slug: str) -> None:
    session[RUNS] = {key: value for key, value in session.get(RUNS, {}).items() if key != slug}
