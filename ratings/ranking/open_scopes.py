"""Which scopes a rater's pages have open, in Redis; so that workers push and choose next photos for these alone.

A websocket names its scope and renews it with each heartbeat. What is not renewed expires.
"""

import logging
import time
from typing import cast
from uuid import UUID

import redis

from ratings.photos.scopes import CATALOGUE, Scope, scope_from_key
from ratings.redis_client import redis_client

logger = logging.getLogger(__name__)

OPEN_SECONDS = 90  # after the last heartbeat; pages send one every 20 seconds
MOST_OPEN = 8  # newest scopes of a rater that are served


def _name(rater_id: UUID) -> str:
    return f"pav:open-scopes:{rater_id}"


def keep_open(rater_id: UUID, scope: Scope) -> None:
    """Note that a page of this rater shows the scope. Where Redis is down, its ranking comes by polling."""
    try:
        with redis_client().pipeline(transaction=False) as pipeline:
            pipeline.zadd(_name(rater_id), {scope.key: time.time() + OPEN_SECONDS})
            pipeline.expire(_name(rater_id), OPEN_SECONDS)
            pipeline.execute()
    except redis.RedisError as error:
        logger.warning("The open scope of %s could not be noted: %s", rater_id, error)


def known_open(rater_id: UUID) -> list[Scope]:
    """The scopes that pages of this rater show, newest first; none where Redis is down."""
    try:
        found = cast(list[bytes], redis_client().zrevrangebyscore(_name(rater_id), "+inf", time.time(), start=0, num=MOST_OPEN))
    except redis.RedisError as error:
        logger.warning("The open scopes of %s could not be read: %s", rater_id, error)
        return []
    return [scope_from_key(key.decode()) for key in found]


def open_scopes(rater_id: UUID) -> list[Scope]:
    """What a refit serves: the scopes that are open, or the catalogue where none is known."""
    return known_open(rater_id) or [CATALOGUE]
