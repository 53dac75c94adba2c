"""Demo launcher: starts all of PAV on one machine and runs it until Ctrl-C.

It runs without the apps (`launcher_settings`), so that it starts at once and stays small; what needs the database is done by a process of
its own, `demo_filling`, which ends when every photo is ready.
"""

import http.client
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType, MappingProxyType

from django.conf import settings

from pav_site import starting_page
from pav_site.embedded import FolderInUse, ServiceError, Services
from pav_site.environment import BASE
from pav_site.printed_mail import PrintedMail
from pav_site.processes import end
from pav_site.supervisor import Program, Supervisor, reason
from personalize.worker import capabilities

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, kill, a closed terminal
POLL_SECONDS = 0.1
FREE_PORT_SECONDS = 5  # the processes of a killed launcher need a moment to exit
SITE = {"DJANGO_SETTINGS_MODULE": "pav_site.settings"}  # of every program; the launcher's own are `launcher_settings`

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


def run(options: Options) -> None:
    """Start everything, and keep it running until KeyboardInterrupt.

    Raises:
        ServiceError: the port is taken, another demo uses the folder, or a service does not start; the message says which.
        SystemExit: the database could not be prepared, or there is no photo; the process that found out has said so.
    """
    embedded: Services = settings.EMBEDDED
    with _owned(embedded, options):
        if options.fresh:
            _empty(embedded)
        _wait_for_port(options.port)
        supervisor, mail = Supervisor(say=_say), PrintedMail(mail_folder(settings.VAR))
        filling = _start_filling(options)
        try:
            _start(supervisor, embedded, options, filling)
            _watch(filling.process, mail)
        finally:
            # A second Ctrl-C must not interrupt the shutdown and leave programs running.
            for number in END_SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            _say("Stopping PAV. Your ratings are kept.")
            end([filling.process])
            supervisor.stop()


def _say(line: str) -> None:
    """Print, unless the terminal was closed: the launcher must still supervise and end its programs."""
    with suppress(OSError):
        print(line, flush=True)


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


def _empty(embedded: Services) -> None:
    """Remove everything in the demo's folder. On a terminal, ask for confirmation first."""
    if not (embedded.folder / "logs").exists():
        return
    if sys.stdin.isatty() and not input(f"Delete all ratings and photos in {embedded.folder}? [y/N] ").lower().startswith("y"):
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
    return "worker_age" in _health(port)


def _health(port: int) -> dict[str, object]:
    """What the program on the port answers to `/healthz`; empty where it does not answer as PAV does."""
    try:
        try:
            reply = urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
        except urllib.error.HTTPError as unavailable:  # 503: not all of it runs, or not yet
            reply = unavailable
        with reply:
            answer = json.load(reply)
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    return answer if isinstance(answer, dict) else {}


@dataclass(frozen=True)
class Filling:
    """The process of `demo_filling`, and the end of a pipe on which it tells that the database is prepared."""

    process: subprocess.Popen[bytes]
    prepared: int

    def wait_until_prepared(self) -> None:
        """Wait for a byte.

        Raises:
            SystemExit: the process ended before; it has said why.
        """
        while not select.select([self.prepared], [], [], POLL_SECONDS)[0]:
            if ended.is_set():
                raise KeyboardInterrupt
        if not os.read(self.prepared, 1):
            raise SystemExit(self.process.wait() or 1)


def _start_filling(options: Options) -> Filling:
    """Start the process that prepares and fills the database."""
    prepared, ready = os.pipe()
    command = [sys.executable, str(BASE / "manage.py"), "fill_demo", "--with-parent", "--port", str(options.port), "--prepared", str(ready)]
    command += ["--photos", str(options.photos)] if options.photos else []
    command += [] if options.browser else ["--no-browser"]
    command += ["--study"] if options.study else []
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, pass_fds=[ready], start_new_session=True, env={**os.environ, "PAV_VAR": str(settings.VAR), **SITE}
    )
    os.close(ready)
    return Filling(process, prepared)


def _start(supervisor: Supervisor, embedded: Services, options: Options, filling: Filling) -> None:
    """Start the services and the web server at once, and the workers when the page can be opened: a page is waited for, a worker is not.

    The web server loads its code while the database is prepared, and listens as soon as the starting page makes way.
    """
    addresses = {"postgres": settings.DATABASE_URL, "redis": settings.REDIS_URL}
    web, *workers = site_programs(settings.VAR, addresses, options.port, SITE)
    with starting_page.serving(options.port):
        _say("Starting PostgreSQL and Redis.")
        embedded.prepare()
        for program in service_programs(embedded):
            supervisor.start(program)
        supervisor.start(web)
        filling.wait_until_prepared()
    while not is_served(options.port):
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
    """The web server; the worker of queue `refit`, which also sends the periodic tasks; and those of the queues `gpu` and `intake`.

    Where no exact refits occupy the queue `gpu` for minutes, one worker serves both: each takes 130 MB.
    """
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
    }
    if capabilities.exact_fits():
        commands["intake"] = ["worker", "--queue", "intake"]
    else:
        commands["gpu"] += ["--queue", "intake"]
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


def _watch(filling: "subprocess.Popen[bytes]", mail: PrintedMail) -> None:
    """Print the mail until KeyboardInterrupt.

    Raises:
        SystemExit: there is no photo; the process that found out has said so.
    """
    known = False
    while not ended.wait(POLL_SECONDS):
        for line in mail.new():
            _say(line)
        if not known and filling.poll() is not None:
            known = True
            if filling.returncode == 1:
                raise SystemExit(1)
            if filling.returncode:
                _say(f"The import of photos ended ({reason(filling.returncode)}). To continue it, start the demo again.")
    raise KeyboardInterrupt


def is_served(port: int) -> bool:
    """Whether the web server answers on the port. The starting page, which is there before it, has no database."""
    return _health(port).get("database") is True
