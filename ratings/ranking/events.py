"""Pushes to browsers: every message, and the only `group_send`."""

import asyncio
import logging
import threading
from functools import cache
from uuid import UUID

from channels.layers import get_channel_layer

from ratings.ranking.schemas import RankingMessage

logger = logging.getLogger(__name__)

SEND_SECONDS = 5


def taste_group(rater_id: UUID) -> str:
    """The group of all sockets of one rater."""
    return f"taste.{rater_id}"


def push_ranking(rater_id: UUID, message: RankingMessage) -> None:
    """Send a ranking to every page that this rater has open. Call after commit.

    A push may be lost: pages fetch what they missed. So channel-layer outages are ignored.
    """
    sending = get_channel_layer().group_send(taste_group(rater_id), {"type": "ranking", "message": message.model_dump()})
    try:
        asyncio.run_coroutine_threadsafe(sending, _loop()).result(SEND_SECONDS)
    except Exception:
        # Whatever the layer's client raises while Redis restarts; the fit is stored and must stay a success.
        logger.warning("The ranking of %s, version %s, could not be pushed.", rater_id, message.version, exc_info=True)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop for the life of the process: the layer keeps its connections per loop, and starting a loop for every push takes
    longer than the push."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="pushes", daemon=True).start()
    return loop
