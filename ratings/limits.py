"""Rate limiting, counted in Redis; fails open when Redis is down."""

import logging
import time
from functools import cache
from ipaddress import ip_address, ip_network

import redis
from django.conf import settings
from django.utils.crypto import salted_hmac
from limits import parse
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from ratings.errors import TooManyRequests

logger = logging.getLogger(__name__)


@cache
def _limiter() -> FixedWindowRateLimiter:
    address = settings.REDIS_URL.replace("unix://", "redis+unix://")
    seconds = settings.REDIS_SECONDS
    return FixedWindowRateLimiter(RedisStorage(address, socket_timeout=seconds, socket_connect_timeout=seconds))


def check(name: str, who: str) -> None:
    """Count one request of `who` against the limit PAV_LIMIT_<name>.

    Raises:
        TooManyRequests: with the seconds to wait.
    """
    _check(name, who, settings.PAV[f"LIMIT_{name}"])


def check_new_guest(address: str) -> None:
    """Count one new guest from an IP address: against the limit of its range (PAV_LIMIT_GUESTS_FROM), or else PAV_LIMIT_GUESTS.

    Of IPv6, a whole /64 counts as one address: that is the least a household gets.

    Raises:
        TooManyRequests: with the seconds to wait.
    """
    rate, who = settings.PAV["LIMIT_GUESTS"], address
    try:
        found = ip_address(address)
    except ValueError:  # no address, as on a Unix socket
        found = None
    if found is not None:
        own = (limit for network, limit in settings.PAV["LIMIT_GUESTS_FROM"] or () if found in network)
        rate = next(own, rate)
        who = str(ip_network((found, 64), strict=False)) if found.version == 6 else address
    _check("GUESTS", who, rate)


def check_new_participant(address: str, study: str, rate: str) -> None:
    """Count one new participant from an IP address: against the study's own limit, and the administrator's for each study. Only a keyed
    hash of the address is kept, for as long as the limit counts.

    Raises:
        TooManyRequests: with the seconds to wait.
    """
    who = f"{study} {salted_hmac('ratings.limits.participants', f'{study} {address}', algorithm='sha256').hexdigest()[:32]}"
    _check("PARTICIPANTS", who, settings.PAV["LIMIT_PARTICIPANTS"])
    _check("STUDY", who, rate)


def _check(name: str, who: str, rate: str) -> None:
    limit = parse(rate)
    try:
        if _limiter().hit(limit, name, who):
            return
        resets_at, _ = _limiter().get_window_stats(limit, name, who)
    except redis.RedisError as error:
        logger.warning("Rate limits are not enforced: %s", error)
        return
    raise TooManyRequests(max(1, round(resets_at - time.time())))
