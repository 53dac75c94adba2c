"""Accounts in a real browser: sign-up by code, passkeys, second factor, a second device, merge, signing out elsewhere, closed sign-up."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, Route

from pav_site.printed_mail import PrintedMail
from tests.browser import service
from tests.browser.conftest import visitors_of
from tests.browser.stack import Stack
from tests.browser.test_accessibility import findings
from tests.browser.visitor import PATIENCE_MS, Visitor

PASSWORD = "correct horse 7 battery"
PAGES = (
    "",
    "email/",
    "sessions/",
    "2fa/",
    "2fa/webauthn/",
    "2fa/webauthn/add/",
    "2fa/totp/activate/",
    "password/change/",
    "logout/",
)  # of an account
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def arrive(browser: Browser, stack: Stack) -> Iterator[Callable[..., Visitor]]:
    """Opens the page as a new guest, on `localhost`: passkeys need a name."""
    address, stack.address = stack.address, f"http://localhost:{stack.port}"
    try:
        with visitors_of(stack, browser) as open_as_new:

            def open_and_wait(**options: Any) -> Visitor:
                visitor = open_as_new(**options)
                visitor.wait_until_live()  # left earlier, its socket would log a warning
                return visitor

            yield open_and_wait
    finally:
        stack.address = address


class Mailbox:
    """The mail of the stack, by address."""

    def __init__(self, stack: Stack) -> None:
        self._mail = PrintedMail(stack.mail)

    def code(self, address: str) -> str:
        """The code in the next mail to an address that has one."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < until:
            for text in self._mail.new():
                found = re.search(r"^([A-Z0-9]{4}-[A-Z0-9]{4})$", text, re.MULTILINE)
                if f"Mail to {address}" in text and found:
                    return found.group(1)
            time.sleep(0.05)
        raise AssertionError(f"no code was mailed to {address}")


@pytest.fixture
def mailbox(stack: Stack) -> Mailbox:
    return Mailbox(stack)


def enter_code(visitor: Visitor, code: str) -> None:
    visitor.page.fill("[name=code]", code)
    visitor.page.click("main .button[type=submit]")


def sign_up(visitor: Visitor, mailbox: Mailbox, address: str, password: str = "") -> None:
    visitor.page.click("#account")
    visitor.page.fill("[name=email]", address)
    visitor.page.fill("[name=password1]", password)
    visitor.page.click("main .button[type=submit]")
    enter_code(visitor, mailbox.code(address))
    visitor.page.wait_for_selector("h1:has-text('Your account')")


def sign_in(visitor: Visitor, address: str, password: str) -> None:
    visitor.page.goto(f"{visitor.address}/account/login/")
    visitor.page.fill("[name=login]", address)
    visitor.page.fill("[name=password]", password)
    visitor.page.click("form[action='/account/login/'] .button")


def back_to_photos(visitor: Visitor) -> None:
    visitor.page.click("a.button:has-text('Back to photos')")
    visitor.wait_for_photo()


def sign_out(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.address}/account/")
    visitor.page.click("button:has-text('Sign out')")
    visitor.wait_for_photo()
    visitor.wait_until_live()


def test_a_taste_follows_its_owner_to_a_second_device(arrive: Callable[..., Visitor], mailbox: Mailbox) -> None:
    here = arrive()
    for key in ("ArrowUp", "ArrowLeft", "ArrowRight"):
        here.press(key)
    here.wait_until_fitted(3)
    ranking = here.ranking()
    sign_up(here, mailbox, "second@example.org", PASSWORD)
    back_to_photos(here)
    here.wait_until_live()
    assert here.rated() == 3
    assert here.ranking() == ranking

    there = arrive(expects_errors=True)  # it is signed out at the end
    sign_in(there, "second@example.org", PASSWORD)
    there.wait_until_live()
    assert there.ranking() == ranking

    # The same card is on top of both: rated here, it goes there.
    card = there.wait_for_photo()
    assert here.wait_for_photo() == card
    version = there.version()
    here.press("ArrowUp")
    there.wait_for_ranking_after(version)
    there.page.wait_for_selector(".toast:has-text('another device')")
    there.wait_until_gone(card)
    there.wait_until_fitted(4)
    here.wait_until_fitted(4)
    assert there.ranking() == here.ranking()

    # Undo takes back the card of its own device, although the other one has rated since.
    mine = here.wait_for_photo()
    here.press("ArrowLeft")
    there.wait_until_fitted(5)
    there.wait_until_gone(mine)
    there.press("ArrowRight")
    here.wait_until_fitted(6)
    here.page.keyboard.press("z")
    here.wait_until_rated(5)
    assert here.wait_for_photo() == mine

    # Signing out elsewhere: the other page becomes a guest's.
    here.page.goto(f"{here.address}/account/sessions/")
    here.page.click("button:has-text('Sign out everywhere else')")
    there.page.wait_for_function("() => document.querySelector('#rated-count')?.textContent === ''")
    there.wait_until_live()
    assert there.rated() == 0
    assert here.rated() == 5


def test_a_passkey_signs_up_and_in(arrive: Callable[..., Visitor], mailbox: Mailbox) -> None:
    alice = arrive()
    session = alice.context.new_cdp_session(alice.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    alice.press("ArrowUp")
    alice.wait_until_rated(1)
    alice.page.click("#account")
    alice.page.fill("[name=email]", "passkey@example.org")
    alice.page.click("button:has-text('Continue with a passkey')")
    enter_code(alice, mailbox.code("passkey@example.org"))
    alice.page.wait_for_url("**/account/2fa/webauthn/signup/")  # until it is loaded: only then, its script listens
    alice.page.click("#mfa_webauthn_signup")
    alice.page.wait_for_selector("h1:has-text('Your account')")
    sign_out(alice)
    assert alice.rated() == 0
    alice.page.goto(f"{alice.address}/account/login/")
    alice.page.click("#passkey_login")
    alice.wait_for_photo()
    assert alice.rated() == 1
    # Another browser has no passkey for this site.
    bob = arrive()
    session = bob.context.new_cdp_session(bob.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    bob.page.goto(f"{bob.address}/account/login/")
    bob.page.click("#passkey_login")
    bob.page.wait_for_selector("#passkey-problem:not([hidden])")
    assert "choose another way" in bob.page.inner_text("#passkey-problem")


def test_a_second_factor_and_a_merge(arrive: Callable[..., Visitor], mailbox: Mailbox) -> None:
    alice = arrive()
    photos = {alice.photo_on_top()}
    alice.press("ArrowUp")
    alice.wait_until_rated(1)
    sign_up(alice, mailbox, "factor@example.org", PASSWORD)
    alice.page.goto(f"{alice.address}/account/2fa/totp/activate/")
    secret = alice.page.input_value("#authenticator_secret")
    enter_code(alice, totp(secret))
    alice.page.wait_for_selector("h1:has-text('Recovery Codes'), h1:has-text('Two-Factor')")

    there = arrive()
    for key in ("ArrowLeft", "ArrowRight"):
        photos.add(there.photo_on_top())  # by chance, it may be Alice's
        there.press(key)
    there.wait_until_rated(2)
    sign_in(there, "factor@example.org", PASSWORD)
    there.page.wait_for_selector("[name=code]")
    enter_code(there, totp(secret, later=1))  # a code works once
    there.page.wait_for_selector("h1:has-text('Add these ratings')")
    there.page.click("button:has-text('Add them')")
    there.page.wait_for_selector(".account-message:has-text('2 ratings are now part of your taste')")
    back_to_photos(there)
    assert there.rated() == len(photos)
    alice.open()
    assert alice.rated() == len(photos)


def totp(secret: str, later: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later)))


def test_ratings_that_wait_are_sent_before_a_rater_signs_in(arrive: Callable[..., Visitor], mailbox: Mailbox) -> None:
    alice = arrive()
    held: list[Route] = []
    alice.page.route("**/api/v1/ratings", lambda route: held.append(route))
    for _ in range(3):
        alice.press("ArrowRight")
    alice.page.evaluate("document.querySelector('#account').click()")
    alice.wait_until(lambda: held, "no rating was sent")
    held.pop().continue_()
    alice.page.unroute("**/api/v1/ratings")
    alice.page.wait_for_selector("[name=email]")
    assert alice.rated() == 3


def test_waiting_ratings_of_a_guest_are_not_given_to_an_account(arrive: Callable[..., Visitor], mailbox: Mailbox) -> None:
    owner = arrive()
    sign_up(owner, mailbox, "owner@example.org", PASSWORD)
    alice = arrive(expects_errors=True)
    alice.wait_until_live()
    alice.press("ArrowRight")
    alice.wait_until_rated(1)
    alice.context.route("**/api/v1/ratings", lambda route: route.abort())
    alice.press("ArrowUp")
    other = alice.context.new_page()
    other.goto(f"{alice.address}/account/login/")
    other.fill("[name=login]", "owner@example.org")
    other.fill("[name=password]", PASSWORD)
    with alice.page.expect_navigation():  # the owner's page comes by itself, and nothing is asked
        other.evaluate("document.querySelector(\"form[action='/account/login/']\").submit()")
    other.wait_for_selector("h1:has-text('Add these ratings')")
    other.close()
    alice.context.unroute("**/api/v1/ratings")
    alice.wait_for_photo()
    assert alice.rated() == 0
    sign_out(alice)
    alice.wait_until_rated(2)  # the guest is back, and so is the rating that waited


@pytest.mark.parametrize("setting", ["closed"])
def test_closed_sign_up_says_so(arrive: Callable[..., Visitor], stack: Stack, setting: str) -> None:
    alice = arrive()
    with stack.another_web(PAV_SIGNUP=setting) as address:
        alice.page.goto(f"{address}/account/signup/")
        assert alice.page.inner_text("h1") == "Sign-up is closed"


def test_another_service_signs_up_and_in_where_it_is_configured(arrive: Callable[..., Visitor], stack: Stack) -> None:
    alice = arrive()
    alice.press("ArrowUp")
    alice.wait_until_rated(1)
    with service.running() as other_site, stack.another_web(PAV_OIDC_URL=other_site, PAV_OIDC_NAME="Lab") as address:
        alice.address = address
        reply = alice.page.goto(f"{address}/account/login/")
        assert reply is not None
        assert other_site not in reply.headers["content-security-policy"]
        with alice.page.expect_navigation() as offered:
            alice.page.click("a:has-text('Continue with Lab')")
        assert f"form-action 'self' {other_site}" in offered.value.headers["content-security-policy"]
        alice.page.click("main .button")
        alice.page.wait_for_selector("h1:has-text('Your account')")
        assert alice.rated() == 1


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_axe_finds_nothing_on_the_pages_of_an_account(arrive: Callable[..., Visitor], mailbox: Mailbox, width: int, scheme: str) -> None:
    alice = arrive(viewport={"width": width, "height": 800}, color_scheme=scheme)
    found = {}
    for path in ("login", "signup", "password/reset", "login/code"):
        alice.page.goto(f"{alice.address}/account/{path}/")
        found[path] = findings(alice)
    alice.open()
    alice.wait_until_live()
    sign_up(alice, mailbox, f"axe-{width}-{scheme}@example.org", PASSWORD)
    for path in PAGES:
        alice.page.goto(f"{alice.address}/account/{path}")
        found[path] = findings(alice)
    assert {page: problems for page, problems in found.items() if problems} == {}
