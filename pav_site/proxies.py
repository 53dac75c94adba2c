"""Client addresses behind trusted proxies; forged headers never count."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

MOST_HOPS = 20  # proxies in a row; a longer header is not read any further
LONGEST = 64  # characters of one address with its port

Network = IPv4Network | IPv6Network


class TrustedProxies:
    """Middleware: REMOTE_ADDR becomes the client's address, for limits, sessions and logs alike."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer, forwarded = request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", "")
        request.META["REMOTE_ADDR"] = client_address(peer, forwarded, settings.PAV["TRUSTED_PROXIES"] or ())
        return self.get_response(request)


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The last address on the way to PAV that is no trusted proxy: of the connection, or else of X-Forwarded-For, read from its end.

    Each proxy appends the address that it was called from. So the header says the truth only as far as trusted proxies wrote it: reading
    stops at the first address that is not trusted, and at anything that is no address.
    """
    found = _address(peer)
    if found is None:
        return peer
    hops = forwarded.rsplit(",", MOST_HOPS)[-MOST_HOPS:] if forwarded else []
    for hop in reversed(hops):
        if not any(found in network for network in trusted):
            break
        before = _address(hop)
        if before is None:
            break
        found = before
    return str(found)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address with or without port and brackets; IPv4 written as IPv6 becomes IPv4. None for anything else."""
    text = text.strip()
    if len(text) > LONGEST:
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
