"""A real Chromium on a real stack. Without a Chromium these tests fail in CI, and are skipped with a warning elsewhere."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from pav_site.browser import find_headless, launch_flags
from tests.browser.stack import Stack, new_stack
from tests.browser.visitor import PATIENCE_MS, Visitor

expect.set_options(timeout=PATIENCE_MS)

NO_CHROMIUM = "No Chromium or Chrome was found, so the page is not tested. `./pav doctor` says how to get one."


@pytest.fixture(scope="session")
def chromium() -> Path:
    found = find_headless()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(NO_CHROMIUM)
        warnings.warn(NO_CHROMIUM, stacklevel=1)
        pytest.skip(NO_CHROMIUM)
    return found


# Per package, not per session: Playwright's event loop would break the tests of other packages.
@pytest.fixture(scope="package")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=launch_flags())
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def stack(chromium: Path) -> Iterator[Stack]:
    with new_stack() as stack:
        stack.fill()
        stack.start_worker()
        stack.start_web()
        yield stack


@pytest.fixture
def visit(browser: Browser, stack: Stack) -> Iterator[Callable[..., Visitor]]:
    """Opens the page as a new guest. Errors and warnings in the console fail the test, unless it expects errors."""
    with visitors_of(stack, browser) as open_as_new:
        yield open_as_new


@contextmanager
def visitors_of(stack: Stack, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Opens the page of a stack as a new guest; at the end, all consoles must be clean."""
    visitors: list[Visitor] = []

    def open_as_new(*, expects_errors: bool = False, prepare: Callable[[Any], None] | None = None, **options: Any) -> Visitor:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en", **options})
        if prepare:
            prepare(context)
        visitor = Visitor(context, stack.address, expects_errors=expects_errors)
        visitors.append(visitor)
        visitor.open()
        return visitor

    yield open_as_new
    for visitor in visitors:
        visitor.leave()
    for visitor in visitors:
        assert visitor.console_errors == [], visitor.console_errors


@pytest.fixture
def alice(visit: Callable[..., Visitor]) -> Visitor:
    return visit()


@pytest.fixture
def bob(visit: Callable[..., Visitor]) -> Visitor:
    return visit()
