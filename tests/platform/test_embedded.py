"""Embedded PostgreSQL and Redis: start, stop, sharing, kills and recovery."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from pav_site.embedded import FolderInUse, Services
from pav_site.environment import BASE
from tests.platform.machine import PATIENCE_SECONDS, is_alive, processes_of, until

OWNER = """
import sys
from pathlib import Path
from pav_site.embedded import Services
with Services(Path(sys.argv[1])).running(lambda line: print(line, flush=True)):
    print("running", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def services(service_folder: Path) -> Services:
    return Services(service_folder / "pav", durable=False)


@contextmanager
def owner_of(services: Services) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns the services until its stdin is closed."""
    command = [sys.executable, "-c", OWNER, str(services.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=BASE) as process:
        assert process.stdout
        assert process.stdout.readline() == "running\n"
        yield process


def query(services: Services, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def server_pids(services: Services) -> set[int]:
    return set(processes_of(str(services.data))) | set(processes_of(str(services.redis_socket)))


def test_the_services_answer_this_machine_and_account_alone(services: Services) -> None:
    with services.running():
        query(services, "CREATE EXTENSION vector")
        assert query(services, "SELECT '[1,2]'::halfvec(2) <#> '[3,4]'::halfvec(2)") == [(-11.0,)]
        server = redis.Redis.from_url(services.redis_url)
        assert server.ping()
        assert server.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}  # a full one evicts no task

        assert query(services, "SHOW listen_addresses") == [("",)]
        assert server.config_get("port") == {"port": "0"}
        assert services.socket_folder.stat().st_mode & 0o007 == 0
        assert services.redis_socket.stat().st_mode & 0o077 == 0
    assert not server_pids(services)


def test_a_second_command_uses_the_services_of_the_first(services: Services) -> None:
    with owner_of(services):
        before = server_pids(services)
        with services.running():
            assert query(services, "SELECT 1") == [(1,)]
            assert server_pids(services) == before
        assert server_pids(services) == before


def test_the_owner_waits_for_the_second_command_before_it_stops(services: Services) -> None:
    with owner_of(services) as owner:
        with services.running():
            assert owner.stdin
            owner.stdin.close()
            until(lambda: "Waiting for another" in (owner.stdout.readline() if owner.stdout else ""))
            assert query(services, "SELECT 1") == [(1,)]
        assert owner.wait(timeout=PATIENCE_SECONDS) == 0
    assert not server_pids(services)


def test_a_folder_has_one_owner(services: Services) -> None:
    with owner_of(services), pytest.raises(FolderInUse, match="in use"), services.owned():
        pass


@pytest.mark.parametrize("victims", ["owner", "postgres", "redis", "all"])
def test_a_kill_loses_no_rows_and_does_not_prevent_the_next_start(service_folder: Path, victims: str) -> None:
    services = Services(service_folder / "pav")
    with owner_of(services) as owner:
        query(services, "CREATE TABLE kept (number int); INSERT INTO kept VALUES (7)")
        postgres = next(iter(processes_of(f"-D {services.data}")))
        redis_server = next(iter(processes_of(str(services.redis_socket))))
        for pid in {"owner": [], "postgres": [postgres], "redis": [redis_server], "all": [postgres, redis_server]}[victims]:
            os.kill(pid, signal.SIGKILL)
        owner.kill()
    with services.running():
        assert query(services, "SELECT * FROM kept") == [(7,)]
        assert redis.Redis.from_url(services.redis_url).ping()
    assert not server_pids(services)


def test_helpers_that_outlive_the_server_do_not_prevent_a_start(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pav_site.processes.GRACE_SECONDS", 1)
    with owner_of(services) as owner:
        postgres = psutil.Process(next(iter(processes_of(f"-D {services.data}"))))
        helper = next(child for child in postgres.children() if "checkpointer" in child.cmdline()[0])
        helper.suspend()  # it cannot see that the server is gone
        postgres.kill()
        owner.kill()
    assert is_alive(helper)
    with services.running():
        assert query(services, "SELECT 1") == [(1,)]
    assert not is_alive(helper)


def test_stale_files_of_a_dead_server_do_not_prevent_a_start(services: Services) -> None:
    with services.running():
        pass
    (services.data / "postmaster.pid").write_text(f"{os.getpid()}\n{services.data}\n1\n5432\n{services.socket_folder}\n\n0 0\nready\n")
    (services.socket_folder / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    services.redis_socket.write_text("")
    with services.running():
        assert query(services, "SELECT 1") == [(1,)]


def test_an_interrupted_first_start_is_repaired(services: Services) -> None:
    partial = services.folder / "postgres.new"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n")
    with services.running():
        assert query(services, "SELECT 1") == [(1,)]


def test_services_in_two_folders_are_independent(service_folder: Path) -> None:
    alice, bob = Services(service_folder / "alice", durable=False), Services(service_folder / "bob", durable=False)
    with alice.running(), bob.running():
        query(alice, "CREATE TABLE of_alice ()")
        assert query(bob, "SELECT to_regclass('of_alice')") == [(None,)]
        redis.Redis.from_url(alice.redis_url).set("of", "alice")
        assert redis.Redis.from_url(bob.redis_url).get("of") is None


def test_a_path_too_long_for_a_socket_and_with_spaces_works(service_folder: Path) -> None:
    services = Services(service_folder / "a folder with spaces" / ("long" * 30), durable=False)
    assert not services.socket_folder.is_relative_to(service_folder)
    with services.running():
        assert query(services, "SELECT 1") == [(1,)]
        assert redis.Redis.from_url(services.redis_url).ping()


def test_the_log_of_a_service_that_cannot_start_is_shown(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from pav_site import embedded

    with services.running():
        pass
    (services.data / "postgresql.conf").write_text("nonsense = on\n")
    ready = Services.ready

    def ready_once_it_has_failed(self: Services, name: str) -> bool:
        until(lambda: "nonsense" in self.log("postgres").read_text())
        return ready(self, name)

    monkeypatch.setattr(Services, "ready", ready_once_it_has_failed)
    monkeypatch.setattr(embedded, "START_SECONDS", 0)
    with pytest.raises(embedded.ServiceError, match=r"(?s)postgres does not answer.*nonsense"), services.running():
        pass
