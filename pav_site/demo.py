"""The whole of PAV on one machine, from nothing, until Ctrl-C."""

import os
import shutil
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.urls import reverse
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from pav_site import programs
from pav_site.demo_photos import PhotoImport
from pav_site.embedded import FolderInUse, ServiceError, Services
from pav_site.supervisor import Supervisor

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, kill, a closed terminal
LOOK_SECONDS = 0.3  # how often the progress is read from the database
FREE_PORT_SECONDS = 5  # what a killed launcher left behind ends by itself within moments
DECK = 5  # described photos that are enough to begin with


ended = threading.Event()


def end_on_signal(_number: int, _frame: object) -> None:
    """Ends the demo at once, and also where the interruption is lost: Python drops an exception that hits it while it tidies up."""
    ended.set()
    raise KeyboardInterrupt


@dataclass(frozen=True)
class Wish:
    """What the person at the keyboard asked for."""

    port: int
    photos: Path | None  # None: the sample photos
    fresh: bool
    browser: bool

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"


def run(wish: Wish, console: Console) -> None:
    """Start everything, show how far it is, and keep it running until KeyboardInterrupt.

    Raises:
        ServiceError: the port is taken, another demo uses the folder, or a service does not start; the message says which.
    """
    embedded: Services = settings.EMBEDDED
    with _owned(embedded, wish):
        if wish.fresh:
            _empty(embedded, console)
        _wait_for_port(wish.port)
        supervisor = Supervisor(say=lambda line: _say(console, line))
        try:
            _start(supervisor, embedded, wish, console)
            _accompany(wish, console)
        finally:
            # A second Ctrl-C must not leave half of the programs running.
            for number in ENDINGS:
                signal.signal(number, signal.SIG_IGN)
            _say(console, "Ending PAV. Your ratings are kept.")
            connections.close_all()
            # Otherwise its threads go on looking for the database that is being ended, for seconds.
            connections["default"].close_pool()  # type: ignore[attr-defined]
            supervisor.stop()


def _say(console: Console, line: str) -> None:
    """Print, or do not: where the terminal was closed, the programs must be looked after and ended all the same."""
    with suppress(OSError):
        console.print(Text(line), soft_wrap=True)


@contextmanager
def _owned(embedded: Services, wish: Wish) -> Iterator[None]:
    try:
        with embedded.owned():
            yield
    except FolderInUse:
        raise FolderInUse(
            f"Another PAV command is using {embedded.folder}. If that is a demo, it is at {wish.address}; "
            f"for a second one beside it: ./pav demo --port {wish.port + 1}"
        ) from None


def _empty(embedded: Services, console: Console) -> None:
    """Remove everything in the demo's folder. Where somebody can be asked, they are asked."""
    if not (embedded.folder / "logs").exists():
        return
    if sys.stdin.isatty() and not console.input(f"Delete all ratings and photos in {embedded.folder}? \\[y/N] ").lower().startswith("y"):
        raise ServiceError("Nothing was deleted. Without --fresh the demo goes on where it ended.")
    for name in embedded.names:
        embedded.clear(name)
    for path in embedded.folder.iterdir():
        if path.name in {"owner.lock", "guests.lock"}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != "secret_key":  # read at the start already: the links that this run prints are signed with it
            path.unlink()


def _wait_for_port(port: int) -> None:
    until = time.monotonic() + FREE_PORT_SECONDS
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError:
                raise ServiceError(f"Port {port} may not be used by you. Choose one from 1024 on: ./pav demo --port 8000") from None
            except OSError:
                if time.monotonic() > until:
                    raise ServiceError(f"Port {port} is in use by another program. Choose another: ./pav demo --port {port + 1}") from None
            else:
                return
        time.sleep(0.1)


def _start(supervisor: Supervisor, embedded: Services, wish: Wish, console: Console) -> None:
    console.print("Starting PostgreSQL and Redis.")
    embedded.prepare()
    for program in programs.services(embedded):
        supervisor.start(program)
    embedded.wait()
    console.print("Preparing the database and the pages.")
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    addresses = {"postgres": settings.DATABASE_URL, "redis": settings.REDIS_URL}
    for program in programs.site(settings.VAR, addresses, wish.port):
        supervisor.start(program)


def _accompany(wish: Wish, console: Console) -> None:
    """Import in a thread; show both counts until every photo is described; then wait for Ctrl-C."""
    importing = PhotoImport(wish.photos)
    importing.start()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    open_for_swipes, photos, ready = False, 0, 0
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        imported = progress.add_task("Importing photos", total=None)
        described = progress.add_task("Describing photos", total=None)
        while True:
            finished = not importing.is_alive()
            photos, ready = _counts() or (photos, ready)
            progress.update(imported, completed=importing.done, total=importing.total, visible=importing.total != 0)
            progress.update(described, completed=ready, total=max(photos, importing.total or 0))
            for line in importing.news():
                console.print(Text(line), soft_wrap=True)
            if finished and not photos:
                raise ServiceError("No photo was imported, so there is nothing to swipe. Choose another folder: ./pav demo --photos DIR")
            if not open_for_swipes and _listens(wish.port) and ready and (ready >= DECK or (finished and ready == photos)):
                open_for_swipes = True
                _welcome(wish, console)
            if finished and open_for_swipes and ready >= photos:
                break
            if ended.wait(LOOK_SECONDS):
                raise KeyboardInterrupt
    console.print(f"All {photos} photos are described. Ctrl-C ends PAV.")
    connections.close_all()
    while not ended.wait(1):
        pass
    raise KeyboardInterrupt


def _counts() -> tuple[int, int] | None:
    """Photos in all, and those that can be dealt. None while PostgreSQL is away: the supervisor brings it back."""
    from ratings.ranking import features  # models cannot be imported before Django is set up

    try:
        progress = features.progress()
    except DatabaseError:
        return None
    return progress.total, progress.ready


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _welcome(wish: Wish, console: Console) -> None:
    from ratings.raters import admin_links

    console.print()
    console.print(Text(f"PAV is ready: {wish.address}/", style="bold"), soft_wrap=True)
    link = wish.address + reverse("staff_enter", args=[admin_links.make_ticket()])
    console.print(Text(f"Administration (works once, for 15 minutes): {link}"), soft_wrap=True)
    console.print("Photos go on being described. Ctrl-C ends PAV and keeps your ratings.")
    console.print()
    if wish.browser and _has_screen():
        webbrowser.open(f"{wish.address}/")


def _has_screen() -> bool:
    """Without one, a browser for text would take this terminal over."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
