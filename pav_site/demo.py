"""Demo launcher: starts all of PAV on one machine and runs it until Ctrl-C."""

import http.client
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
import urllib.request
import weakref
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType, MappingProxyType

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.urls import reverse
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from pav_site import starting_page
from pav_site.demo_photos import PhotoImport
from pav_site.embedded import FolderInUse, ServiceError, Services
from pav_site.environment import BASE
from pav_site.printed_mail import PrintedMail
from pav_site.supervisor import Program, Supervisor
from personalize.errors import BadBank
from personalize.files import extractors

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, kill, a closed terminal
POLL_SECONDS = 0.3  # how often the progress is read from the database
FREE_PORT_SECONDS = 5  # the processes of a killed launcher need a moment to exit
ENOUGH_PHOTOS = 5


ended = threading.Event()


def end_on_signal(_number: int, frame: FrameType | None) -> None:
    """End the demo. Python drops an exception that is raised inside a finaliser, with a traceback: there the event alone ends it."""
    ended.set()
    while frame is not None:
        if frame.f_code.co_filename == weakref.__file__:
            return
        frame = frame.f_back
    raise KeyboardInterrupt


@dataclass(frozen=True)
class Options:
    """Demo options."""

    port: int
    photos: Path | None  # None: the sample photos
    fresh: bool
    browser: bool
    study: bool = False  # open the example study

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"


def run(options: Options, console: Console) -> None:
    """Start everything, show the progress, and keep it running until KeyboardInterrupt.

    Raises:
        ServiceError: the port is taken, another demo uses the folder, or a service does not start; the message says which.
    """
    embedded: Services = settings.EMBEDDED
    with _owned(embedded, options):
        if options.fresh:
            _empty(embedded, console)
        _wait_for_port(options.port)
        _check_bank()
        supervisor = Supervisor(say=lambda line: _say(console, line))
        try:
            _start(supervisor, embedded, options, console)
            _show_progress(options, console)
        finally:
            # A second Ctrl-C must not interrupt the shutdown and leave programs running.
            for number in END_SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            _say(console, "Stopping PAV. Your ratings are kept.")
            connections.close_all()
            # Otherwise the pool's threads try for seconds to reconnect to a database that is shutting down.
            connections["default"].close_pool()  # type: ignore[attr-defined]
            supervisor.stop()


def _say(console: Console, line: str) -> None:
    """Print, unless the terminal was closed: the launcher must still supervise and end its programs."""
    with suppress(OSError):
        console.print(Text(line), soft_wrap=True)


@contextmanager
def _owned(embedded: Services, options: Options) -> Iterator[None]:
    try:
        with embedded.owned():
            yield
    except FolderInUse:
        raise FolderInUse(
            f"Another PAV command is using {embedded.folder}. If it is a demo, open {options.address}. "
            f"To run a second demo: ./pav demo --port {options.port + 1}"
        ) from None


def _empty(embedded: Services, console: Console) -> None:
    """Remove everything in the demo's folder. On a terminal, ask for confirmation first."""
    if not (embedded.folder / "logs").exists():
        return
    if sys.stdin.isatty() and not console.input(f"Delete all ratings and photos in {embedded.folder}? \\[y/N] ").lower().startswith("y"):
        raise ServiceError("Nothing was deleted. To keep your ratings and photos, start the demo without --fresh.")
    for name in embedded.names:
        embedded.clear(name)
    for path in embedded.folder.iterdir():
        if path.name in {"owner.lock", "guests.lock", "drawn"}:  # drawing takes minutes, and gives the same again
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != "secret_key":  # in use: this run has read it and signs its links with it
            path.unlink()


def _wait_for_port(port: int) -> None:
    until = time.monotonic() + FREE_PORT_SECONDS
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError:
                raise ServiceError(f"You may not use port {port}. Choose one from 1024 on: ./pav demo --port 8000") from None
            except OSError:
                if time.monotonic() > until:
                    if _is_pav(port):
                        message = (
                            f"PAV is running on port {port} already: open http://localhost:{port}. For a second demo, choose another port"
                        )
                    else:
                        message = f"Port {port} is in use by another program. Choose another"
                    raise ServiceError(f"{message}: ./pav demo --port {port + 1}") from None
            else:
                return
        time.sleep(0.1)


def _is_pav(port: int) -> bool:
    """Whether what listens on the port answers as PAV does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as reply:
            return "worker_age" in json.load(reply)
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _check_bank() -> None:
    """Check the files of the networks before anything starts: without them, no photo would ever get features.

    Raises:
        ServiceError: a file is missing, or is not the one that the bank's metadata name.
    """
    try:
        for row in extractors.read(settings.PAV["BANK"]).rows:
            extractors.checked(row)
    except BadBank as error:
        raise ServiceError(f"{error} For the bank that comes with PAV, in a checkout: git checkout -- personalize/bank") from None


def _start(supervisor: Supervisor, embedded: Services, options: Options, console: Console) -> None:
    """Start the services and the web server at once, and the workers when the page can be opened: a page is waited for, a worker is not.

    The web server loads its code while the database is prepared, and listens as soon as the starting page makes way.
    """
    addresses = {"postgres": settings.DATABASE_URL, "redis": settings.REDIS_URL}
    web, *workers = site_programs(settings.VAR, addresses, options.port)
    with starting_page.serving(options.port):
        console.print("Starting PostgreSQL and Redis.")
        embedded.prepare()
        for program in service_programs(embedded):
            supervisor.start(program)
        console.print("Preparing the database and the pages.")
        call_command("collectstatic", verbosity=0, interactive=False)  # the web server reads the list of these files when it starts
        supervisor.start(web)
        embedded.wait()
        call_command("migrate", verbosity=0, interactive=False)
    while not _accepts(options.port):
        if ended.wait(POLL_SECONDS):
            raise KeyboardInterrupt
    for program in workers:
        supervisor.start(program)


def service_programs(embedded: Services) -> list[Program]:
    """The embedded services. Leftovers of a kill -9 are cleared before every start."""
    return [
        Program(
            name=name,
            command=embedded.command(name),
            log=embedded.log(name),
            user=embedded.account(name),
            stage=0,
            before=partial(embedded.clear, name),
        )
        for name in embedded.names
    ]


def site_programs(
    folder: Path, addresses: Mapping[str, str], port: int, environment: Mapping[str, str] = MappingProxyType({})
) -> list[Program]:
    """The web server; the worker of queue `refit`, which also sends the periodic tasks; and those of the queues `gpu` and `intake`."""
    mail = os.environ.get("PAV_MAIL_URL") or mail_folder(folder).as_uri()
    common = {
        "PAV_MAIL_URL": mail,
        **environment,
        "PAV_VAR": str(folder),
        "DATABASE_URL": addresses["postgres"],
        "REDIS_URL": addresses["redis"],
    }
    commands = {
        "web": ["serve", "--port", str(port), "--wait-for-port"],
        "refit": ["worker", "--queue", "refit", "--beat"],
        "gpu": ["worker", "--queue", "gpu"],
        "intake": ["worker", "--queue", "intake"],
    }
    return [
        Program(
            name=name,
            command=[sys.executable, str(BASE / "manage.py"), *command, "--with-parent"],
            log=folder / "logs" / f"{name}.log",
            environment=common | ({} if name != "gpu" else {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) - 1))}),
        )
        for name, command in commands.items()
    ]


def mail_folder(folder: Path) -> Path:
    """Where the demo's mail goes, unless a mail server is configured."""
    return folder.absolute() / "mail"


def _show_progress(options: Options, console: Console) -> None:
    """Import photos in a thread, show the counts until every photo has features, then wait for Ctrl-C."""
    importing, mail = PhotoImport(options.photos), PrintedMail(mail_folder(settings.VAR))
    importing.start()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    welcomed, photos, ready = False, 0, 0
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        imported = progress.add_task("Importing photos", total=None)
        extracted = progress.add_task("Extracting features", total=None)
        while True:
            finished = not importing.is_alive()
            photos, ready = _counts() or (photos, ready)
            progress.update(imported, completed=importing.done, total=importing.total, visible=importing.total != 0)
            progress.update(extracted, completed=ready, total=max(photos, importing.total or 0))
            for line in (*importing.messages(), *mail.new()):
                console.print(Text(line), soft_wrap=True)
            if finished and not photos:
                raise ServiceError("No photo was imported, so there is nothing to swipe. Choose another folder: ./pav demo --photos DIR")
            if not welcomed and _accepts(options.port) and ready and (ready >= _enough(options) or (finished and ready == photos)):
                welcomed = True
                _welcome(options, console)
            if finished and welcomed and ready >= photos:
                break
            if ended.wait(POLL_SECONDS):
                raise KeyboardInterrupt
    console.print(f"All {photos} photos are ready. Press Ctrl-C to stop PAV.")
    connections.close_all()
    while not ended.wait(1):
        for line in mail.new():
            _say(console, line)
    raise KeyboardInterrupt


def _enough(options: Options) -> int:
    """Photos with features before the demo reports that it is ready."""
    from ratings.studies import example_study  # models cannot be imported before Django is set up

    return example_study.PHOTOS if options.study else ENOUGH_PHOTOS


def _counts() -> tuple[int, int] | None:
    """The number of photos, and of those with features. None while PostgreSQL is down: the supervisor restarts it."""
    from ratings.ranking import features  # models cannot be imported before Django is set up

    try:
        progress = features.progress()
    except DatabaseError:
        return None
    return progress.total, progress.ready


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _welcome(options: Options, console: Console) -> None:
    from ratings.raters import admin_links

    console.print()
    console.print(Text(f"PAV is ready: {options.address}/", style="bold"), soft_wrap=True)
    link = options.address + reverse("staff_enter", args=[admin_links.make_ticket()])
    console.print(Text(f"Administration (the link works once, within 15 minutes): {link}"), soft_wrap=True)
    page = f"{options.address}/"
    if options.study:
        from ratings.studies import example_study

        page = options.address + reverse("study_entry", args=[example_study.open_example()])
        console.print(Text(f"The example study: {page}"), soft_wrap=True)
    console.print("PAV prepares the remaining photos in the background. Press Ctrl-C to stop it; your ratings are kept.")
    console.print()
    if options.browser and _has_screen():
        webbrowser.open(page)


def _has_screen() -> bool:
    """Whether there is a graphical screen. Without one, `webbrowser` would open a text browser in this terminal."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
