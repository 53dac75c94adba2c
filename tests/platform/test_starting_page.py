"""What the launcher serves until the web server listens."""

import httpx
import pytest

from pav_site import starting_page
from pav_site.processes import free_port


def test_every_address_says_that_pav_is_starting_in_the_language_of_the_browser() -> None:
    port = free_port()
    with starting_page.serving(port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser:
        english, japanese = browser.get("/"), browser.get("/admin/", headers={"Accept-Language": "ja,en;q=0.5"})
        health = browser.head("/healthz")

    assert [english.status_code, japanese.status_code, health.status_code] == [503, 503, 503]
    assert "PAV is starting" in english.text
    assert '<html lang="ja">' in japanese.text
    assert "PAVを起動しています" in japanese.text
    assert "unsafe" not in english.headers["Content-Security-Policy"]


def test_the_page_finds_its_files_but_no_others_are_served() -> None:
    port = free_port()
    with starting_page.serving(port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser:
        assert {browser.get(path).status_code for path in starting_page.FILES} == {200}
        assert browser.get("/static/page/app.js").status_code == 503
        assert browser.get("/static/../manage.py").status_code == 503


def test_a_rating_sent_meanwhile_is_not_refused_for_good() -> None:
    port = free_port()
    with starting_page.serving(port):
        assert httpx.post(f"http://127.0.0.1:{port}/api/v1/ratings", json={}).status_code >= 500


def test_the_port_is_free_afterwards() -> None:
    port = free_port()
    for _ in range(2):
        with starting_page.serving(port):
            pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/")
