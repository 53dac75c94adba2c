"""Benchmark of a first start, from the clone to the first photo: `./pav bench start`.

Clones this checkout's last commit into an empty folder, without any cache of pip, and measures each step to the first card in a browser
(Chromium; without one, to the first picture over HTTP):

  download      the packages of requirements-app.txt; depends on the network, so it is not part of the sum
  install       virtual environment and packages, from the downloaded files
  services      PostgreSQL and Valkey, new, and the tables
  first photo   until the deck has a photo to rate
  first card    until the browser shows it

Then the demo is started a second time. The baseline is the start of its PostgreSQL and Valkey alone, in the same folder. With --memory, it
prints when 40 sample pictures are drawn and when every sample is ready, and adds up the memory of all processes (PSS: shared pages are
divided among those that share them).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil

from pav_site.browser import find_chromium, launch_flags
from pav_site.embedded import Services
from pav_site.environment import BASE, SETTINGS
from pav_site.processes import end, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_SECONDS = 1200  # a busy machine may take long to draw all samples
POLL_SECONDS = 0.05
IDLE_SECONDS = 60  # after the last photo, before the memory is read; networks and unused connections are closed meanwhile
DRAWN = 40  # sample pictures whose time is shown
CARD = '.card[data-depth="0"][data-ready]'


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./pav bench start", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", action="store_true", help="also wait for all samples, and add up the memory; takes minutes")
    parser.add_argument("--wheels", type=Path, help="install from this folder of wheels; nothing is downloaded")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pav-bench-start-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs under another account where PAV runs as root
        checkout = folder / "PAV"
        clone = _seconds(lambda: subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{BASE}", str(checkout)], check=True))
        wheels = options.wheels or folder / "wheels"
        if not options.wheels:
            _print("download", _seconds(lambda: _download(checkout, wheels)), f"{_megabytes(wheels)} MB")
        environment = _environment(folder, wheels)
        install = _seconds(lambda: _install(checkout, environment))
        _print("install", install, f"{_megabytes(folder / 'venv')} MB on disk")
        first = _start(checkout, environment, options.memory, report=True)
        _print("clone to first card", clone + install + first, "downloads apart")
        second = _start(checkout, environment, False, report=False)
        services = Services(folder / "var")
        with services.owned(), ExitStack() as ending:
            baseline = _seconds(lambda: ending.enter_context(services.started()))
        _print("second start to first card", second, f"{second / baseline:.1f} times PostgreSQL and Valkey alone, {baseline:.1f} s")


def _print(what: str, seconds: float, remark: str = "") -> None:
    print(f"{what:28}{seconds:7.1f} s   {remark}", flush=True)


def _what(process: psutil.Process) -> str:
    """The program of a process, without its interpreter and folders."""
    return " ".join(Path(word).name if word.startswith("/") else word for word in process.cmdline()[:6])


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _download(checkout: Path, wheels: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-cache-dir", "--disable-pip-version-check"]
    subprocess.run([*command, "-d", str(wheels), "-r", str(checkout / "requirements-app.txt")], check=True, stderr=subprocess.DEVNULL)


def _install(checkout: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(["sh", "pav", "install"], cwd=checkout, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def _environment(folder: Path, wheels: Path) -> dict[str, str]:
    ours = {*SETTINGS, "DJANGO_SETTINGS_MODULE", "PAV_TESTING"}
    # Settings of Python too: without compiled modules on disk (PYTHONDONTWRITEBYTECODE), the second start takes as long as the first.
    kept = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("PYTHON")}
    pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_NO_CACHE_DIR": "1"}
    return kept | pip | {"PAV_VENV": str(folder / "venv"), "PAV_VAR": str(folder / "var")}


def _megabytes(folder: Path) -> int:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 2**20)


def _start(checkout: Path, environment: dict[str, str], memory: bool, report: bool) -> float:
    """Start a demo and stop it again; returns the seconds to the first card."""
    with _browser() as page, _demo(checkout, environment) as (demo, log, address):
        began = time.perf_counter()
        _until(lambda: "Preparing the database" in log.read_text() or _ended(demo, log))
        services = time.perf_counter() - began
        with httpx.Client(base_url=address, timeout=10) as visitor:
            _until(lambda: _has_photo(visitor) or _ended(demo, log))
        photo = time.perf_counter() - began
        _show(page, address)
        card = time.perf_counter() - began
        if report:
            _print("services", services)
            _print("first photo", photo - services)
            _print("first card", card - photo)
        if memory:
            drawn = Path(environment["PAV_VAR"]) / "drawn"
            _until(lambda: len(list(drawn.glob("*.jpg"))) >= DRAWN or _ended(demo, log))
            _print(f"{DRAWN} pictures drawn", time.perf_counter() - began)
            _until(lambda: "photos are ready" in log.read_text() or _ended(demo, log))
            _print("all samples ready", time.perf_counter() - began)
            time.sleep(IDLE_SECONDS)
            launcher = psutil.Process(demo.pid)
            used = [(process.memory_full_info().pss / 2**20, _what(process)) for process in [launcher, *launcher.children(recursive=True)]]
            print(f"{'memory (PSS)':28}{sum(size for size, _ in used):7.0f} MB  of {len(used)} processes", flush=True)
            for size, what in sorted(used, reverse=True):
                print(f"  {what[:70]:70}{size:7.0f} MB", flush=True)
    return card


@contextmanager
def _demo(checkout: Path, environment: dict[str, str]) -> "Iterator[tuple[subprocess.Popen[bytes], Path, str]]":
    """A demo that has just been started, its output, and its address; stopped at the end of the block."""
    port = free_port()
    log = Path(environment["PAV_VAR"]).with_name("demo.txt")
    command = ["sh", "pav", "demo", "--no-browser", "--port", str(port)]
    with log.open("w") as output:
        demo = subprocess.Popen(command, cwd=checkout, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        yield demo, log, f"http://localhost:{port}"
    finally:
        end([demo])


def _until(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > limit:
            raise SystemExit(f"Not done within {PATIENCE_SECONDS} seconds.")
        time.sleep(POLL_SECONDS)


def _ended(demo: "subprocess.Popen[bytes]", log: Path) -> bool:
    if demo.poll() is not None:
        raise SystemExit(f"The demo ended: {log.read_text()}")
    return False


def _has_photo(visitor: httpx.Client) -> bool:
    with suppress(httpx.HTTPError):
        if not visitor.cookies:
            visitor.get("/").raise_for_status()
        return bool(visitor.get("/api/v1/deck").raise_for_status().json()["cards"])
    return False


@contextmanager
def _browser() -> Iterator["Page | None"]:
    """A page of Chromium that is already running, as a visitor's browser would be; None without Chromium."""
    chromium = find_chromium()
    if chromium is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=launch_flags())
        yield browser.new_page()
        browser.close()


def _show(page: "Page | None", address: str) -> None:
    if page is not None:
        page.goto(address)
        page.wait_for_selector(CARD)
        return
    with httpx.Client(base_url=address, timeout=60) as visitor:
        visitor.get("/").raise_for_status()
        visitor.get(visitor.get("/api/v1/deck").json()["cards"][0]["photo"]["src"]).raise_for_status()
