"""An installation of its own for a simulation, with copies of a study's photos, whose programs are killed and restarted meanwhile."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.core import serializers

from pav_site import demo
from pav_site.embedded import ServiceError, Services
from pav_site.environment import BASE, SETTINGS
from pav_site.processes import free_port
from pav_site.supervisor import Supervisor
from ratings.photos import files
from ratings.photos.models import Photo

START_SECONDS = 300  # of a busy machine
POLL_SECONDS = 0.5
VICTIMS = {"refit": 0.25, "web": 0.5}  # program: the share of participants who are done when it is killed
# Each participant comes from an address of their own, as `X-Forwarded-For` says; nothing here can be reached from elsewhere.
OWN_SETTINGS = {"PAV_TRUSTED_PROXIES": "127.0.0.1", "PAV_LIMIT_RATINGS": "1000000/minute", "PAV_LIMIT_READS": "1000000/minute"}


@dataclass(frozen=True)
class Installation:
    """A running PAV in a temporary folder."""

    address: str
    services: Services
    supervisor: Supervisor
    environment: Mapping[str, str]

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of PAV that uses this installation."""
        return subprocess.Popen(
            [sys.executable, str(BASE / "manage.py"), *arguments], env=self.environment, cwd=BASE, stdout=subprocess.PIPE, text=True
        )

    def manage(self, *arguments: str) -> None:
        """Run a command of PAV to its end.

        Raises:
            ServiceError: it failed.
        """
        with self.command(*arguments) as process:
            said, _nothing = process.communicate(timeout=START_SECONDS)
        if process.returncode:
            raise ServiceError(f"{arguments[0]} failed in the installation for the simulation: {said}")

    def finished(self) -> int:
        """How many participants are done."""
        with psycopg.connect(self.services.database_url) as connection:
            row = connection.execute("SELECT count(*) FROM ratings_participant WHERE state <> 'under_way'").fetchone()
        return int(row[0]) if row else 0

    def kill(self, name: str) -> None:
        """Kill a program without warning; the supervisor starts it again."""
        os.kill(self.supervisor.pids[name], signal.SIGKILL)

    def wait(self) -> None:
        """Wait until the web server answers."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.address}/healthz", timeout=20).close()  # noqa: S310 (our own address)
                return
            except urllib.error.HTTPError:  # it answers; a worker may not have been heard of yet
                return
            except OSError:
                time.sleep(POLL_SECONDS)
        raise ServiceError("The installation for the simulation did not start.")


@contextmanager
def installation(photos: Sequence[Photo], say: Callable[[str], None]) -> Iterator[Installation]:
    """Run a PAV with copies of these photos for the length of a block. Nothing of it remains."""
    with tempfile.TemporaryDirectory(prefix="pav-simulation-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # under root, PostgreSQL runs with an account of its own, which needs access to its files
        services, supervisor, port = Services(folder / "pav", durable=False), Supervisor(say), free_port()
        own = {**OWN_SETTINGS, "PAV_VAR": str(services.folder), "DJANGO_SETTINGS_MODULE": "pav_site.settings"}
        environment = {key: value for key, value in os.environ.items() if key not in SETTINGS} | own
        pav = Installation(f"http://127.0.0.1:{port}", services, supervisor, environment)
        with services.owned():
            services.prepare()
            try:
                for program in demo.service_programs(services):
                    supervisor.start(program)
                services.wait()
                pav.manage("migrate", "--verbosity", "0")
                pav.manage("collectstatic", "--noinput", "--verbosity", "0")
                _copy(photos, pav)
                addresses = {"postgres": services.database_url, "redis": services.redis_url}
                for program in demo.site_programs(services.folder, addresses, port, own):
                    if program.name in VICTIMS:
                        supervisor.start(program)
                pav.wait()
                yield pav
            finally:
                supervisor.stop()


def _copy(photos: Sequence[Photo], pav: Installation) -> None:
    """Copy rows and files of photos."""
    rows = pav.services.folder / "photos.json"
    rows.write_text(serializers.serialize("json", photos))
    pav.manage("loaddata", str(rows), "--verbosity", "0")
    for photo in photos:
        there = files.folder(photo)
        with suppress(FileNotFoundError):  # then the page says that the photo cannot be loaded, as it does in the other installation
            shutil.copytree(there, pav.services.folder / "media" / there.relative_to(settings.MEDIA_ROOT))


def run(pav: Installation, arguments: Sequence[str], *, participants: int, say: Callable[[str], None]) -> int:
    """Run a simulation in an installation, and kill its programs, each once. Returns the exit status."""
    due = dict(VICTIMS)
    with pav.command(*arguments) as process:
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
            done = pav.finished()
            for name in [name for name, share in due.items() if done >= share * participants]:
                del due[name]
                say(f"Killing the program {name}; {done} participants are done.")
                pav.kill(name)
        said = process.stdout.read() if process.stdout else ""
    for line in said.splitlines():
        say(line)
    for name in due:
        say(f"The program {name} was not killed: everybody was done before.")
    return process.returncode or len(due)
