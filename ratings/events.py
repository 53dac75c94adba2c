"""The one door to the browser: every message that is pushed, and the only `group_send`."""

import asyncio
import logging
import threading
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

SEND_SECONDS = 5


@dataclass(frozen=True)
class RankingMessage:
    """A person's new ranking. A browser keeps the highest version that it has seen and drops the rest."""

    version: int
    ratings_seq: int
    accuracy: dict[str, float] | None  # {"srocc", "low", "high"}, each -1 to 1
    total: int  # photos in the ranking
    speaker: dict[str, Any]  # {"model": generic, instant or exact, "checked": {"instant", "exact"} SROCC or None}
    top: list[dict[str, Any]]  # [{"id", "place", "was", "score"}]


def taste_group(person_id: UUID) -> str:
    """The group of all sockets of one person."""
    return f"taste.{person_id}"


def push_ranking(person_id: UUID, message: RankingMessage) -> None:
    """Send a ranking to every page that this person has open. Call after commit.

    A push may be lost: the page asks for what it missed. So a layer that is away fails nothing.
    """
    sending = get_channel_layer().group_send(taste_group(person_id), {"type": "ranking", "message": asdict(message)})
    try:
        asyncio.run_coroutine_threadsafe(sending, _loop()).result(SEND_SECONDS)
    except Exception:
        # Whatever the layer's client raises while Redis restarts; the fit is stored and must stay a success.
        logger.warning("The ranking of %s, version %s, could not be pushed.", person_id, message.version, exc_info=True)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop for the life of the process: the layer keeps its connections per loop, and a new one for every push takes longer
    than the push."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="pushes", daemon=True).start()
    return loop
