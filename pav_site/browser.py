"""Chromium discovery and installation, for the browser tests, the screenshots and the doctor."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HEADLESS = "chromium-headless-shell"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find_chromium() -> Path | None:
    """The system's Chromium or Chrome, else the one that Playwright downloaded, else None."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    for place in PLACES:
        if Path(place).exists():
            return Path(place)
    return _playwright_chromium()


def find_headless() -> Path | None:
    """The same engine without windows, as Debian packages it: a new visitor takes an eighth of the processor time. Else `find_chromium`."""
    found = shutil.which(HEADLESS)
    return Path(found) if found else find_chromium()


def _playwright_chromium() -> Path | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() else None


def obtain() -> bool:
    """Install Chromium: with apt where PAV runs as root, else with Playwright into the user's cache. Returns whether one is installed."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
        for command in (["apt-get", "update", "-q"], [*install, "chromium"], [*install, HEADLESS]):  # some distributions lack the latter
            subprocess.run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=sys.stderr, check=False)
    if find_chromium() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=sys.stderr, check=False)
    return find_chromium() is not None


def launch_flags() -> list[str]:
    """Flags that disable background traffic, and for root the sandbox: Chromium refuses to run as root with it."""
    flags = ["--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync", "--disable-gpu"]
    return [*flags, "--no-sandbox"] if os.geteuid() == 0 else flags
