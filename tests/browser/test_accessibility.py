"""No finding of axe-core (WCAG 2.2 A and AA, and its best practices) in any main state, on small and large screens, light and dark."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.visitor import Visitor

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
# Experimental in axe-core, therefore off by default: names of buttons must contain the text that is visible (WCAG 2.5.3).
ALSO = {"label-content-name-mismatch": {"enabled": True}}
SETTLED = "() => document.getAnimations().every((a) => a.playState !== 'running' || a.effect.getTiming().iterations === Infinity)"
OF_COLOURS = ["color-contrast", "link-in-text-block"]
NARROW = 900  # pixels: below, photos and ranking are tabs
KEYS = ("ArrowUp", "ArrowLeft", "ArrowRight", "ArrowRight", "ArrowDown")


def findings(visitor: Visitor) -> list[str]:
    """What axe-core finds in light and in dark, where the rules of colours are the only ones that may find something else."""
    found = _findings(visitor, {"type": "tag", "values": TAGS}, least=60)
    visitor.page.emulate_media(color_scheme="dark")
    found += [f"dark: {one}" for one in _findings(visitor, {"type": "rule", "values": OF_COLOURS}, least=len(OF_COLOURS))]
    visitor.page.emulate_media(color_scheme="light")
    return found


def _findings(visitor: Visitor, rules: dict[str, Any], least: int) -> list[str]:
    visitor.page.wait_for_function(SETTLED)
    found = Axe().run(visitor.page, options={"runOnly": rules, "rules": ALSO if rules["type"] == "tag" else {}}).response
    assert sum(len(found[kind]) for kind in ("passes", "violations", "incomplete", "inapplicable")) >= least  # the rules ran
    return [f"{one['id']} ({one['impact']}): {[node['html'] for node in one['nodes']][:3]}" for one in found["violations"]]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_axe_finds_nothing_in_the_main_states(visit: Callable[..., Visitor], width: int) -> None:
    phone = width < NARROW
    alice = visit(viewport={"width": width, "height": 800}, has_touch=phone, is_mobile=phone)
    alice.wait_until_live()
    alice.wait_for_photo()
    alice.ranking()
    found = {"start": findings(alice)}
    for key in 2 * KEYS:
        alice.press(key)
    alice.wait_until_fitted(10)
    alice.wait_for_photo()
    found["after ten swipes"] = findings(alice)
    alice.page.keyboard.press("?")
    found["help"] = findings(alice)
    alice.page.keyboard.press("Escape")
    if phone:
        alice.page.click("#ranking-tab")
        found["ranking"] = findings(alice)
    for of in ("both", "everyone"):
        alice.page.check(f'[name="ranking-of"][value="{of}"]', force=True)
        alice.page.wait_for_selector(".compare-lines path" if of == "both" else "#tiles .tile-other:not(:empty)", state="attached")
        found[of] = findings(alice)
    alice.page.click("#tiles li:first-child button")
    alice.page.wait_for_selector("#viewer .viewer-comparison")
    found["viewer"] = findings(alice)

    assert {state: problems for state, problems in found.items() if problems} == {}
