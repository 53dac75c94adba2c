"""The websocket: a person's ranking, pushed. Nothing can be changed through it."""

import json
import logging
import time
from collections import deque
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from ratings import events, guests, limits, rankings
from ratings.errors import TooManyRequests

logger = logging.getLogger(__name__)

NOT_SIGNED_IN = 4401
TOO_MUCH = 4429
LARGEST_MESSAGE = 256  # characters; a ping needs 15
MOST_MESSAGES = 20  # within ten seconds


class TasteConsumer(AsyncWebsocketConsumer):
    """Snapshot on connecting, then every new ranking; answers `ping` with `pong`."""

    person_id: UUID | None = None

    async def connect(self) -> None:
        self.person_id = guests.person_of(await database_sync_to_async(dict)(self.scope["session"].items()))
        self.received: deque[float] = deque(maxlen=MOST_MESSAGES)
        await self.accept()
        if self.person_id is None:
            logger.info("A socket without a session was refused.")
            await self.close(NOT_SIGNED_IN)
            return
        try:
            await database_sync_to_async(limits.check)("READS", str(self.person_id))
        except TooManyRequests:
            logger.info("%s opened too many sockets.", self.person_id)
            await self.close(TOO_MUCH)
            return
        # First the group, then the snapshot: a ranking pushed in between comes twice, never not at all.
        await self.channel_layer.group_add(events.taste_group(self.person_id), self.channel_name)
        await self._send(await database_sync_to_async(rankings.ranking_message)(self.person_id, settings.PAV["TOP"]))

    async def disconnect(self, code: int) -> None:
        if self.person_id is not None:
            await self.channel_layer.group_discard(events.taste_group(self.person_id), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        now = time.monotonic()
        self.received.append(now)
        if len(text_data or "") > LARGEST_MESSAGE or bytes_data or (len(self.received) == MOST_MESSAGES and now - self.received[0] < 10):
            logger.info("A socket of %s sent too much.", self.person_id)
            await self.close(TOO_MUCH)
            return
        if _is_ping(text_data):
            await self._send({"type": "pong"})

    async def ranking(self, event: dict[str, Any]) -> None:
        """A new ranking from `events.push_ranking`."""
        await self._send({"type": "ranking", **event["message"]})

    async def _send(self, message: dict[str, Any]) -> None:
        await self.send(json.dumps({"type": "ranking", **message}))


def _is_ping(text: str | None) -> bool:
    try:
        message = json.loads(text or "")
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("type") == "ping"
