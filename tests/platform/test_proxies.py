"""Client addresses behind proxies: which X-Forwarded-For counts, and limits by address."""

from ipaddress import ip_network

import pytest
from django.test import Client

from pav_site.proxies import client_address
from ratings.models import Rater

TRUSTED = (ip_network("172.16.0.0/12"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # forged: no trusted proxy sent it
        ("172.18.0.1", "198.51.100.1", "198.51.100.1"),
        ("172.18.0.1", "9.9.9.9, 198.51.100.1", "198.51.100.1"),  # the client forged the first
        ("172.18.0.1", "9.9.9.9, 198.51.100.1, 172.20.0.5", "198.51.100.1"),  # two trusted proxies
        ("172.18.0.1", "172.19.0.1", "172.19.0.1"),  # all trusted: the first one
        ("172.18.0.1", "", "172.18.0.1"),
        ("172.18.0.1", "nonsense", "172.18.0.1"),
        ("172.18.0.1", "198.51.100.1, <script>", "172.18.0.1"),
        ("172.18.0.1", ",,,", "172.18.0.1"),
        ("172.18.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("fd00::1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:172.18.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("172.18.0.1", "9.9.9.9," * 8000 + "198.51.100.1", "198.51.100.1"),
        ("172.18.0.1", "1" * 65536, "172.18.0.1"),
        ("172.18.0.1", "172.16.0.1," * 6000, "172.18.0.1"),
        ("", "198.51.100.1", ""),  # a Unix socket
    ],
)
def test_the_last_address_that_is_no_trusted_proxy_counts(peer: str, forwarded: str, client: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == client


def test_without_trusted_proxies_the_header_never_counts() -> None:
    assert client_address("127.0.0.1", "198.51.100.1", ()) == "127.0.0.1"


def arrive(address: str, **more: str) -> int:
    """The status of a new visitor's first request."""
    return Client(REMOTE_ADDR=address, **more).get("/").status_code


def test_guests_behind_a_trusted_proxy_are_counted_by_their_own_address(guest, photos, settings):
    settings.PAV = settings.PAV | {"LIMIT_GUESTS": "1/hour", "TRUSTED_PROXIES": TRUSTED}
    assert arrive("172.18.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1") == 200
    assert arrive("172.18.0.1", HTTP_X_FORWARDED_FOR="198.51.100.2") == 200
    assert arrive("172.18.0.1", HTTP_X_FORWARDED_FOR="9.9.9.9, 198.51.100.1") == 429
    assert arrive("203.0.113.7", HTTP_X_FORWARDED_FOR="198.51.100.3") == 200
    assert arrive("203.0.113.7", HTTP_X_FORWARDED_FOR="198.51.100.4") == 429
    assert Rater.objects.count() == 3


def test_the_limit_of_new_guests_can_be_raised_for_an_address_range(guest, photos, settings):
    settings.PAV = settings.PAV | {"LIMIT_GUESTS": "1/hour", "LIMIT_GUESTS_FROM": ((ip_network("10.20.0.0/16"), "3/hour"),)}
    assert [arrive("10.20.1.1") for _ in range(4)] == [200, 200, 200, 429]
    assert [arrive("10.21.1.1") for _ in range(2)] == [200, 429]


def test_a_network_of_ipv6_counts_as_one_address(guest, photos, settings):
    settings.PAV = settings.PAV | {"LIMIT_GUESTS": "1/hour"}
    assert [arrive("2001:db8::1"), arrive("2001:db8::2"), arrive("2001:db8:0:1::1")] == [200, 429, 200]
