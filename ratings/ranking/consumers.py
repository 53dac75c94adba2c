"""The websocket: a rater's ranking, pushed. It is read-only."""

import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from ratings import limits
from ratings.errors import TooManyRequests
from ratings.photos.scopes import CATALOGUE, Scope, UnknownAlbum, scope_of
from ratings.ranking import events, selectors
from ratings.ranking.events import RankingEvent
from ratings.ranking.open_scopes import keep_open
from ratings.raters import guests

logger = logging.getLogger(__name__)

NOT_SIGNED_IN = 4401
UNKNOWN_ALBUM = 4404
RATER_CHANGED = 4409
TOO_MUCH = 4429
LARGEST_MESSAGE = 256  # characters; a ping needs 15
MOST_MESSAGES = 20  # within ten seconds


class TasteConsumer(AsyncWebsocketConsumer):
    """Sends a snapshot of its scope on connecting, and whose it is, then every new ranking of it; answers `ping` with `pong`."""

    rater_id: UUID | None = None
    photos: Scope = CATALOGUE  # `scope` is a name of Channels

    async def connect(self) -> None:
        self.rater_id = await database_sync_to_async(guests.rater_of)(self.scope["session"], self.scope["user"])
        self.received: deque[float] = deque(maxlen=MOST_MESSAGES)
        await self.accept()
        if self.rater_id is None:
            logger.info("A socket without a session was refused.")
            await self.close(NOT_SIGNED_IN)
            return
        try:
            await database_sync_to_async(limits.check)("READS", str(self.rater_id))
        except TooManyRequests:
            logger.info("%s opened too many sockets.", self.rater_id)
            await self.close(TOO_MUCH)
            return
        try:
            self.photos = await database_sync_to_async(scope_of)(self.rater_id, _album(self.scope["query_string"]))
        except (UnknownAlbum, ValueError):
            self.rater_id = None
            await self.close(UNKNOWN_ALBUM)
            return
        await database_sync_to_async(keep_open)(self.rater_id, self.photos)
        # First the group, then the snapshot: a ranking pushed in between comes twice; in the other order it would be lost.
        await self.channel_layer.group_add(events.taste_group(self.rater_id), self.channel_name)
        message = await database_sync_to_async(selectors.ranking_message)(self.rater_id, settings.PAV["TOP"], scope=self.photos)
        await self._send({"type": "ranking", "rater": str(self.rater_id), **message.model_dump()})

    async def disconnect(self, code: int) -> None:
        if self.rater_id is not None:
            await self.channel_layer.group_discard(events.taste_group(self.rater_id), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        now = time.monotonic()
        self.received.append(now)
        if len(text_data or "") > LARGEST_MESSAGE or bytes_data or (len(self.received) == MOST_MESSAGES and now - self.received[0] < 10):
            logger.info("A socket of %s sent too much.", self.rater_id)
            await self.close(TOO_MUCH)
            return
        if _is_ping(text_data):
            if self.rater_id is not None:
                await database_sync_to_async(keep_open)(self.rater_id, self.photos)
            await self._send({"type": "pong"})

    async def ranking(self, event: RankingEvent) -> None:
        """Forward a ranking of this socket's scope from `events.push_ranking`."""
        if event["message"]["scope"] == self.photos.key:
            await self._send({"type": "ranking", **event["message"]})

    async def rater_changed(self, event: Mapping[str, object]) -> None:
        """Close after `events.close_sockets`: the page connects again, as the rater who is signed in by then."""
        await self.close(RATER_CHANGED)

    async def _send(self, message: Mapping[str, object]) -> None:
        await self.send(json.dumps(message))


def _album(query: bytes) -> UUID | None:
    """The album that an address names.

    Raises:
        ValueError: it names one that cannot be.
    """
    named = parse_qs(query.decode("ascii", "replace")).get("album")
    return UUID(named[0]) if named else None


def _is_ping(text: str | None) -> bool:
    try:
        message = json.loads(text or "")
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("type") == "ping"
