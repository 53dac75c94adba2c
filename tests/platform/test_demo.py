"""The demo end to end: launcher, PostgreSQL, Redis, web server, both workers and two photos."""

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import HTTPServer
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest
from PIL import Image

from pav_site.environment import BASE, SETTINGS
from pav_site.processes import free_port
from tests.platform.machine import PATIENCE_SECONDS, is_alive, processes_of, until

IN_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"


class Demo:
    """A demo that runs in a separate folder."""

    def __init__(
        self, folder: Path, photos: Path, port: int, terminal: int | None = None, venv: str = sys.prefix, output: str = ""
    ) -> None:
        self.folder, self.port, self.address = folder, port, f"http://localhost:{port}"
        self.output = folder.parent / (output or f"{folder.name}.txt")
        environment = {
            name: value for name, value in os.environ.items() if name not in {*SETTINGS, "PAV_TESTING", "DJANGO_SETTINGS_MODULE"}
        }
        environment |= {"PAV_VAR": str(folder), "PAV_VENV": venv}
        command = ["sh", str(BASE / "pav"), "demo", "--no-browser", "--port", str(port), "--photos", str(photos)]
        if terminal is not None:  # as in a terminal window: closing it sends SIGHUP to all of its processes
            command = [sys.executable, "-c", IN_TERMINAL, *command]
        with self.output.open("w") as output:
            streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal) if terminal else {"stdout": output, "stderr": output}
            self.process = subprocess.Popen(
                command, cwd="/", env=environment, **{"stdin": subprocess.DEVNULL, **streams}, start_new_session=True
            )

    def is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.address}/healthz", timeout=20).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        until(lambda: "PAV is ready" in self.text or self.process.poll() is not None)
        assert "PAV is ready" in self.text, self.text

    def end(self) -> int:
        """Send Ctrl-C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        until(lambda: self.process.poll() is not None)
        return self.process.returncode

    def processes(self) -> list[psutil.Process]:
        launcher = psutil.Process(self.process.pid)
        return [launcher, *launcher.children(recursive=True)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "my photos" / "of trips"
    folder.mkdir(parents=True)
    for number, colour in enumerate(["teal", "orange"]):
        Image.linear_gradient("L").resize((320 + number, 240)).convert("RGB").save(folder / f"{colour}.jpg")
    (folder / "notes.jpg").write_text("no photo at all")
    return folder.parent


@contextmanager
def visitor(demo: Demo) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=demo.address, timeout=PATIENCE_SECONDS) as client:
        client.get("/").raise_for_status()
        client.headers.update({"X-CSRFToken": client.cookies["csrftoken"], "Origin": demo.address})
        yield client


def test_a_demo_refuses_a_second_one_and_keeps_ratings_however_it_ends(service_folder: Path, photos: Path) -> None:
    """Ended by Ctrl-C, by kill -9 and by closing its terminal, one after the other: each start takes a while."""
    folder, port = service_folder / "var", free_port()
    demo = Demo(folder, photos, port)
    demo.wait_until_ready()
    assert f"PAV is ready: {demo.address}/" in demo.text
    assert "notes.jpg" in demo.text  # refused files are listed
    until(demo.is_healthy)
    with visitor(demo) as alice:
        card = alice.get("/api/v1/deck").json()["cards"][0]
        rating = {"client_id": str(uuid4()), "token": card["token"], "value": "love"}
        assert alice.post("/api/v1/ratings", json=rating).status_code == 201
        cookies = dict(alice.cookies)

    _refuses_a_second_in_its_folder(demo, photos)
    _refuses_a_second_on_its_port(demo, photos)

    processes = demo.processes()
    assert len(processes) >= 6  # launcher, PostgreSQL and its helpers, Redis, web server, two workers
    assert demo.end() == 0, demo.text
    assert _running(processes) == []
    assert "Traceback" not in demo.text
    assert processes_of(str(folder)) == {}

    killed = Demo(folder, photos, port)
    killed.wait_until_ready()
    assert _rated(killed, cookies) == 1
    killed.process.kill()
    killed.process.wait()

    ours, theirs = pty.openpty()
    in_terminal = Demo(folder, photos, port, terminal=theirs)
    os.close(theirs)
    until(in_terminal.is_healthy)
    assert _rated(in_terminal, cookies) == 1
    processes = in_terminal.processes()
    os.close(ours)
    until(lambda: _running(processes) == [])
    in_terminal.process.wait()


def _refuses_a_second_in_its_folder(demo: Demo, photos: Path) -> None:
    second = Demo(demo.folder, photos, free_port(), output="second.txt")
    assert second.process.wait(timeout=PATIENCE_SECONDS) == 1
    assert "Another PAV command is using" in second.text
    assert "./pav demo --port" in second.text


def _refuses_a_second_on_its_port(demo: Demo, photos: Path) -> None:
    second = Demo(demo.folder.with_name("other"), photos, demo.port)
    assert second.process.wait(timeout=PATIENCE_SECONDS) == 1
    assert f"PAV is running on port {demo.port} already: open http://localhost:{demo.port}." in second.text
    assert f"./pav demo --port {demo.port + 1}" in second.text


def _running(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if is_alive(process)]


def _rated(demo: Demo, cookies: dict[str, str]) -> int:
    """The number of ratings of the guest with these cookies."""
    with httpx.Client(base_url=demo.address, cookies=cookies, timeout=PATIENCE_SECONDS) as guest:
        return int(guest.get("/api/v1/deck").json()["rated"])


@pytest.fixture(scope="module")
def light_environment() -> Path:
    """What `./pav demo` installs, made by the launcher; kept between runs, so that only the first one takes a minute."""
    venv = BASE / "var" / "venv-light"
    environment = os.environ | {"PAV_VENV": str(venv)}
    subprocess.run(["sh", str(BASE / "pav"), "install"], env=environment, check=True, timeout=3 * PATIENCE_SECONDS)
    return venv


def test_a_demo_runs_and_learns_where_torch_is_not_installed(light_environment: Path, service_folder: Path, photos: Path) -> None:
    python = light_environment / "bin" / "python"
    for name in ("torch", "timm", "matplotlib", "pytest"):
        missing = subprocess.run([python, "-c", f"import {name}"], capture_output=True, text=True, check=False)
        assert "ModuleNotFoundError" in missing.stderr, f"{name} is installed"
    demo = Demo(service_folder / "var", photos, free_port(), venv=str(light_environment))
    try:
        demo.wait_until_ready()
        with visitor(demo) as alice:
            for card, value in zip(alice.get("/api/v1/deck").json()["cards"], ("love", "dislike"), strict=True):
                rating = {"client_id": str(uuid4()), "token": card["token"], "value": value}
                alice.post("/api/v1/ratings", json=rating).raise_for_status()
            until(lambda: alice.get("/api/v1/ranking").json()["ratings_seq"] == 2)
            assert len(alice.get("/api/v1/ranking").json()["top"]) == 2
    finally:
        assert demo.end() == 0, demo.text


def test_a_port_in_use_is_refused_with_a_sentence(service_folder: Path, photos: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = Demo(service_folder / "var", photos, port)
        assert demo.process.wait(timeout=PATIENCE_SECONDS) == 1
    assert f"pav: Port {port} is in use by another program. Choose another: ./pav demo --port {port + 1}\n" in demo.text
    assert "Traceback" not in demo.text


@contextmanager
def unavailable(content: bytes) -> Iterator[int]:
    """A server that answers one request with a 503 and this content; gives its port."""
    from pav_site import starting_page

    class Unavailable(starting_page.Handler):
        def do_GET(self) -> None:  # noqa: N802 (as the library calls it)
            self._respond(503, "text/plain", content)

    with HTTPServer(("127.0.0.1", 0), Unavailable) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        yield server.server_port


def test_pav_is_recognised_on_its_port_while_it_starts_and_while_a_part_is_missing() -> None:
    from pav_site import demo, starting_page

    port = free_port()
    with starting_page.serving(port):
        assert demo._is_pav(port)
        assert not demo.is_served(port)
    for content, recognised in ((b'{"ok": false, "worker_age": null}', True), (b"<p>Back soon</p>", False)):
        with unavailable(content) as port:
            assert demo._is_pav(port) is recognised
    for content, served in ((b'{"ok": false, "database": true}', True), (b'{"ok": false, "database": false}', False), (b"[]", False)):
        with unavailable(content) as port:
            assert demo.is_served(port) is served


def test_a_network_that_is_not_the_one_in_the_metadata_is_refused_with_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pav_site import demo_filling
    from pav_site.embedded import ServiceError
    from personalize.files import extractors

    real = extractors.read()
    rows = real.rows
    damaged = tmp_path / rows[0].path.name
    damaged.write_bytes(b"half of a download")
    monkeypatch.setattr(extractors, "read", lambda _path: replace(real, rows=(replace(rows[0], path=damaged), *rows[1:])))
    with pytest.raises(ServiceError, match="git checkout -- personalize/bank") as refusal:
        demo_filling.check_bank()
    assert damaged.name in str(refusal.value)


@pytest.mark.parametrize("arguments", [["--port", "many"], ["--port", "70000"], ["--photos", "/not/there"]])
def test_invalid_options_are_refused(arguments: list[str]) -> None:
    refused = subprocess.run(
        [sys.executable, str(BASE / "manage.py"), "demo", *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert refused.returncode == 2
    assert arguments[1] in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("unreadable", [False, True])
def test_a_folder_without_photos_is_refused_with_a_sentence(unreadable: bool, service_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    if unreadable:
        (tmp_path / "empty" / "notes.jpg").write_text("no photo at all")
    demo = Demo(service_folder / "var", tmp_path / "empty", free_port())
    assert demo.process.wait(timeout=PATIENCE_SECONDS) == 1
    assert "pav: No photo was imported, so there is nothing to swipe." in demo.text
    assert ("notes.jpg" in demo.text) == unreadable
    assert processes_of(str(demo.folder)) == {}


def test_fresh_deletes_everything_except_locks_the_secret_key_and_drawn_pictures(service_folder: Path) -> None:
    from pav_site import demo
    from pav_site.embedded import Services

    services = Services(service_folder / "var", durable=False)
    with services.running():
        (services.folder / "media" / "photos").mkdir(parents=True)
        (services.folder / "imported.json").write_text("[]")
        (services.folder / "secret_key").write_text("kept")
        (services.folder / "drawn").mkdir()
    with services.owned():
        demo._empty(services)
    left = {path.name for path in services.folder.iterdir()}
    assert left == {"owner.lock", "guests.lock", "secret_key", "drawn"}
