"""Client of the web app's Redis, one for each process; gives up after `REDIS_SECONDS`."""

from functools import cache

import redis
from django.conf import settings


@cache
def redis_client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=settings.REDIS_SECONDS, socket_connect_timeout=settings.REDIS_SECONDS)
