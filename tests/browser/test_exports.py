"""An administrator exports models in the browser, and follows the progress."""

import re
from collections.abc import Callable

from tests.browser.stack import Stack
from tests.browser.visitor import Visitor


def test_an_export_is_followed_to_its_end(visit: Callable[..., Visitor], alice: Visitor, stack: Stack) -> None:
    alice.wait_until_live()
    admin = visit()
    link = re.search(r"/staff/enter/\S+", stack.run("manage.py", "admin_link"))
    assert link
    page = admin.page
    admin.wait_until_live()
    page.wait_for_load_state("networkidle")  # signing in starts a new session, which a pending request would end
    page.goto(admin.address + link.group())

    page.goto(f"{admin.address}/admin/ratings/rater/")
    page.locator("input.action-select").first.check()
    page.select_option("select[name=action]", "export_models")
    page.click("button[name=index]")
    page.check("input[value=json]")
    page.click("form.export input[type=submit]")
    page.wait_for_selector("#export[data-finished=no]")
    assert page.inner_text("#export-sentence") == "Waiting for a worker."

    stack.step("export_step")  # the only rater: the bank of these tests is not on this disk, so there is no model
    page.wait_for_function("() => document.querySelector('#export-sentence').textContent === '1 of 1 raters done.'")
    stack.step("export_step")
    page.wait_for_selector("#export[data-finished=yes]")
    assert page.inner_text("#export-sentence") == "No model could be made."
    assert page.is_visible("#export-problems li")
    assert not page.is_visible("#export-link")
