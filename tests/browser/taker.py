"""Somebody in front of the pages of a study: what they do, and what they wait for."""

from playwright.sync_api import BrowserContext, Page

from tests.browser.visitor import PATIENCE_MS


class Taker:
    """Somebody in front of the pages of a study. Errors in the console fail the test, except for answers that the server refuses."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        self.errors: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: "status of 4" in line.text or line.type != "error" or self.errors.append(line.text))

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def agree(self) -> None:
        self.page.check("[name=age]")
        self.open_by("[value=agree]")

    def next(self) -> None:
        self.open_by("main .button")

    def open_by(self, selector: str) -> None:
        """Click what opens another page. Playwright itself waits until that page begins to come, not until it is there."""
        self.page.click(selector)
        self.page.wait_for_load_state()

    def wait_for_trial(self) -> str:
        self.page.wait_for_selector("#trial[data-state=shown]:not([hidden]) .scale-value:enabled")
        return str(self.page.get_attribute("#trial", "data-place"))

    def wait_after(self, place: str) -> None:
        """Until the next trial, a break or the end is there."""
        self.page.wait_for_function(
            """place => {
                const trial = document.querySelector('#trial');
                if (!trial) return true;
                const shown = !trial.hidden && trial.dataset.state === 'shown' && trial.dataset.place !== place;
                return shown || ['#break', '#finished'].some((one) => !document.querySelector(one).hidden);
            }""",
            arg=place,
        )

    def press(self, key: str) -> None:
        place = self.wait_for_trial()
        self.page.keyboard.press(key)
        self.wait_after(place)

    def finish_practice(self) -> None:
        self.page.click("#go-on-button:enabled")
