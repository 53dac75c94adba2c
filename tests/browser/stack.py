"""A complete PAV for the browser tests: services of its own, with a web server and a refit worker as separate processes."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pav_site.embedded import Services
from pav_site.environment import BASE
from pav_site.processes import free_port

START_SECONDS = 300


class Stack:
    """A web server and a worker that share services in a folder of their own."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.mail = services.folder.absolute() / "mail"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "PAV_DEBUG"}},
            "PAV_VAR": str(services.folder),
            "PAV_TESTING": "1",
            "PAV_LIMIT_GUESTS": "10000/hour",
            "PAV_MAIL_URL": self.mail.as_uri(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": str(BASE),
        }
        self._web: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._steps: subprocess.Popen[str] | None = None

    def fill(self) -> None:
        self.step("stock")

    def run(self, *arguments: str, **environment: str) -> str:
        """Run a program in the environment of the stack, and return what it prints."""
        command = [sys.executable, *arguments]
        ended = subprocess.run(
            command, env=self.environment | environment, cwd=BASE, check=True, timeout=START_SECONDS, stdout=subprocess.PIPE, text=True
        )
        return ended.stdout

    def step(self, module: str, *arguments: object) -> object:
        """Run a step, a module of this package, in the installation; gives what it returns. Its arguments and its result are JSON."""
        if self._steps is None:
            command = [sys.executable, "-m", "tests.browser.steps"]
            pipe = subprocess.PIPE
            self._steps = subprocess.Popen(command, env=self.environment, cwd=BASE, stdin=pipe, stdout=pipe, text=True)
        assert self._steps.stdin
        assert self._steps.stdout
        print(json.dumps({"module": module, "arguments": arguments}), file=self._steps.stdin, flush=True)
        answer = json.loads(self._steps.stdout.readline())
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer["returned"]

    def start_web(self) -> None:
        command = ["-m", "uvicorn", "pav_site.asgi:application", "--port", str(self.port), "--log-level", "warning"]
        self._web = self._spawn("web", *command)
        until = time.monotonic() + START_SECONDS
        while not _responds(self.address):
            if self._web.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"The web server did not start:\n{self.log('web')}")
            time.sleep(0.1)

    @contextmanager
    def another_web(self, **environment: str) -> Iterator[str]:
        """A second web server with other settings, on the same database; gives its address."""
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", "pav_site.asgi:application", "--port", str(port), "--log-level", "warning"]
        server = subprocess.Popen(command, env=self.environment | environment, cwd=BASE)
        try:
            until = time.monotonic() + START_SECONDS
            while not _responds(f"http://127.0.0.1:{port}") and time.monotonic() < until:
                time.sleep(0.1)
            yield f"http://localhost:{port}"
        finally:
            server.kill()
            server.wait()

    def stop_web(self) -> None:
        if self._web:
            self._web.kill()
            self._web.wait()
            self._web = None

    def start_worker(self) -> None:
        # One process without a pool keeps tasks in order.
        self._worker = self._spawn(
            "worker", "-m", "celery", "-A", "pav_site", "worker", "-Q", "refit,intake", "-P", "solo", "-l", "warning"
        )

    def stop(self) -> None:
        self.stop_web()
        if self._worker:
            self._worker.kill()
            self._worker.wait()
        if self._steps:
            self._steps.communicate()

    def log(self, name: str) -> str:
        return (self.services.folder / "logs" / f"{name}.log").read_text(errors="replace")[-3000:]

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        log_file: Path = self.services.folder / "logs" / f"{name}.log"
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("wb") as log:
            return subprocess.Popen([sys.executable, *arguments], env=self.environment, cwd=BASE, stdout=log, stderr=log)


@contextmanager
def new_stack() -> Iterator[Stack]:
    """A stack with running services in a folder of its own, and neither photos nor a web server yet."""
    with tempfile.TemporaryDirectory(prefix="pav-browser-") as folder:
        Path(folder).chmod(0o755)  # under root, PostgreSQL runs with an account of its own, which needs access to its files
        services = Services(Path(folder) / "pav", durable=False)
        with services.owned(), services.started():
            stack = Stack(services)
            stack.run("manage.py", "migrate", "--verbosity", "0", PAV_OIDC_URL="https://login.example.org")  # with the tables of a service
            try:
                yield stack
            finally:
                stack.stop()


def _responds(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/api/v1/openapi.json", timeout=10).close()  # noqa: S310 (our own address)
    except (urllib.error.URLError, OSError):
        return False
    return True
