"""Simulated participants in a real Chromium: they look at the page, and press what it shows."""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

from pav_site.browser import launch_flags
from pav_site.simulation.participants import PATIENCE_SECONDS, Outcome, Plan, address_of, photo_in, value_of_check
from pav_site.simulation.planted import Taste

AGAIN_MS = 1000
ACT_MS = 10_000  # in which a button can be pressed that was seen; if not, the page has changed, and is looked at again
DEVICES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "screen": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "tablet": {"viewport": {"width": 820, "height": 1180}, "screen": {"width": 820, "height": 1180}, "has_touch": True, "is_mobile": True},
}
# What the page shows now; empty while it is about to change.
SHOWN = """() => {
    const isVisible = (selector) => document.querySelector(selector)?.hidden === false;
    if (document.querySelector("#withdrawal-code")) return document.querySelector("#done") ? "completed" : "ended";
    if (document.querySelector("#consent")) return isVisible("#wrong-device") ? "refused" : "consent";
    if (document.querySelector("#late")?.checkVisibility({visibilityProperty: true})) return "late";
    if (!document.querySelector("#trial")) return document.querySelector("main [name=step]") ? "form" : "other";
    for (const notice of ["break", "elsewhere", "fault"]) if (isVisible(`#${notice}`)) return notice;
    const config = JSON.parse(document.querySelector("#study-config").textContent);
    if (isVisible("#finished")) return config.step === "practice" && document.querySelector("#go-on-button:enabled") ? "finished" : "";
    return document.querySelector("#trial[data-state=shown]:not([hidden]) .scale-value:enabled") ? "trial" : "";
}"""
TRIAL = """() => {
    const {participant, scale, confirm} = JSON.parse(document.querySelector("#study-config").textContent);
    const values = scale.values.map(({value}) => value);
    const text = document.querySelector("#stage .trial-check")?.textContent;
    const photo = document.querySelector("#stage .trial-photo")?.currentSrc;
    return {participant, values, confirm, text, photo, place: Number(document.querySelector("#trial").dataset.place)};
}"""


class BrowserParticipant:
    """One participant in a browser, with cookies of their own. They reload as others do, but stay to the end."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.plan, self.number = plan, number
        self.taste = Taste(plan.planted, plan.seed, number)
        self.lots = random.Random(f"{plan.seed}/{number}")  # noqa: S311 (nothing secret)
        self.outcome = Outcome()

    def take_part(self, browser: Browser) -> None:
        """From the link to the end."""
        admitted = [name for name in DEVICES if not self.plan.devices or name in self.plan.devices]
        device = DEVICES[admitted[self.number % len(admitted)]]
        headers = {"X-Forwarded-For": address_of(self.number)}
        context = browser.new_context(**device, locale="en", extra_http_headers=headers)
        try:
            page = context.new_page()
            page.set_default_timeout(ACT_MS)
            page.set_default_navigation_timeout(PATIENCE_SECONDS * 1000)
            page.on("dialog", lambda dialog: dialog.accept())  # the page asks before it is left while answers wait
            self._go(page, self.plan.query(self.number))
            until = time.monotonic() + PATIENCE_SECONDS
            while not self.outcome.ended and time.monotonic() < until:
                try:
                    if self._act(page, page.wait_for_function(SHOWN, timeout=PATIENCE_SECONDS * 1000).json_value()):
                        until = time.monotonic() + PATIENCE_SECONDS
                except Error as error:  # the page changed meanwhile
                    self.outcome.problem = f"{error.message} Seen on {page.url}: {_text_of(page)}"
            self.outcome.problem = "" if self.outcome.ended else self.outcome.problem
            self.outcome.ended = self.outcome.ended or "lost"
        finally:
            context.close()

    def _go(self, page: Page, query: str) -> None:
        try:
            page.goto(f"{self.plan.address}/study/{self.plan.slug}/{query}")
        except Error:  # nobody listens; the page of the browser that says so is looked at next
            page.wait_for_timeout(AGAIN_MS)

    def _act(self, page: Page, shown: str) -> bool:
        """Do what one does with such a page. False where it helps to wait alone."""
        if shown in ("completed", "ended", "refused"):
            self.outcome.ended = shown
        elif shown == "consent":
            if page.is_visible("[name=age]"):
                page.check("[name=age]")
            page.click("[value=agree]")
        elif shown == "form":
            self._fill(page)
            page.click("main .button")
        elif shown == "trial":
            self._answer(page)
        elif shown in ("break", "elsewhere", "finished"):
            page.click({"break": "#break-over", "elsewhere": "#go-on-here", "finished": "#go-on-button:enabled"}[shown])
        else:  # the server is away, or says so, or the page came without its scripts: a person opens the link again
            page.wait_for_timeout(AGAIN_MS)
            self._go(page, self.plan.query(self.number))
            return False
        return True

    def _fill(self, page: Page) -> None:
        right = self.plan.right
        options: dict[str, list[str]] = page.eval_on_selector_all(
            "main [type=radio]", "(all) => all.reduce((found, {name, value}) => ({...found, [name]: [...(found[name] ?? []), value]}), {})"
        )
        for name, values in options.items():
            page.check(f'[name="{name}"][value="{right.get(name) or self.lots.choice(values)}"]')
        for name in page.eval_on_selector_all("main :is(input:not([type]), textarea)", "(all) => all.map(({name}) => name)"):
            page.fill(f'[name="{name}"]', right.get(name, "30"))

    def _answer(self, page: Page) -> None:
        trial = page.evaluate(TRIAL)
        place, values = trial["place"], tuple(trial["values"])
        value = self.outcome.sent.get(place)  # chosen before; the page was opened again before it was sent
        if value is None:
            value = value_of_check(trial["text"], values) if trial["text"] else self.taste.answer(photo_in(trial["photo"]), values)
        self.outcome.participant, self.outcome.values = trial["participant"], values
        page.click(f'.scale-value[data-value="{value}"]')
        if trial["confirm"]:
            page.click("#confirm:enabled")
        self.outcome.sent[place] = value
        if self.lots.random() < self.plan.habits.reload:
            page.reload()


def _text_of(page: Page) -> str:
    """What stands on a page, for the report."""
    try:
        return " / ".join(page.inner_text("body").split("\n"))
    except Error:  # it changes just now
        return "nothing"


def take_part(people: Sequence[BrowserParticipant], chromium: Path) -> None:
    """Let all take part, one after the other, each with cookies of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=launch_flags())
        try:
            for one in people:
                one.take_part(browser)
        finally:
            browser.close()
