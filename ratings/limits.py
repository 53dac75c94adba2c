"""Rate limiting, counted in Redis; fails open when Redis is down."""

import logging
import time
from functools import cache

import redis
from django.conf import settings
from limits import parse
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from ratings.errors import TooManyRequests

logger = logging.getLogger(__name__)


@cache
def _limiter() -> FixedWindowRateLimiter:
    address = settings.REDIS_URL.replace("unix://", "redis+unix://")
    return FixedWindowRateLimiter(RedisStorage(address, socket_timeout=1, socket_connect_timeout=1))


def check(name: str, who: str) -> None:
    """Count one request of `who` against the limit PAV_LIMIT_<name>.

    Raises:
        TooManyRequests: with the seconds to wait.
    """
    limit = parse(settings.PAV[f"LIMIT_{name}"])
    try:
        if _limiter().hit(limit, name, who):
            return
        resets_at, _ = _limiter().get_window_stats(limit, name, who)
    except redis.RedisError as error:
        logger.warning("Rate limits are not enforced: %s", error)
        return
    raise TooManyRequests(max(1, round(resets_at - time.time())))
