"""Pushes to browsers: every message, and the only `group_send`."""

import asyncio
import logging
import threading
from collections.abc import Mapping
from functools import cache
from typing import Literal, TypedDict
from uuid import UUID

from channels.layers import get_channel_layer

from ratings.ranking.schemas import RankingMessage

logger = logging.getLogger(__name__)

SEND_SECONDS = 5


class RankingEvent(TypedDict):
    """A ranking on its way through the channel layer to the sockets of one rater."""

    type: Literal["ranking"]
    message: dict[str, object]  # `RankingMessage`


def taste_group(rater_id: UUID) -> str:
    """The group of all sockets of one rater."""
    return f"taste.{rater_id}"


def push_ranking(rater_id: UUID, message: RankingMessage) -> None:
    """Send a ranking to every page of this rater that shows its scope. Call after commit.

    A push may be lost: pages fetch what they missed. So channel-layer outages are ignored.
    """
    event: RankingEvent = {"type": "ranking", "message": message.model_dump()}
    _send(rater_id, event, f"version {message.version} of {message.scope}")


def close_sockets(*rater_ids: UUID) -> None:
    """Close every socket of these raters, so that the pages behind them connect again as the rater signed in by then. Call after commit.

    For sign-in, sign-out, merge and deletion. A socket whose message is lost is closed by the next one.
    """
    for rater_id in rater_ids:
        _send(rater_id, {"type": "rater_changed"}, "the end of a session")


def _send(rater_id: UUID, event: Mapping[str, object], what: str) -> None:
    sending = get_channel_layer().group_send(taste_group(rater_id), event)
    try:
        asyncio.run_coroutine_threadsafe(sending, _loop()).result(SEND_SECONDS)
    except Exception:
        # Whatever the layer's client raises while Redis restarts; what has been stored must stay a success.
        logger.warning("Pages of %s did not receive %s.", rater_id, what, exc_info=True)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop for the life of the process: the layer keeps its connections per loop, and starting a loop for every push takes
    longer than the push."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="pushes", daemon=True).start()
    return loop
