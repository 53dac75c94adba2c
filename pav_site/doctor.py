"""Checks of the machine: Python, packages, services, model files, disk, browser, GPU."""

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis
from django.conf import settings
from packaging.requirements import Requirement

from pav_site import browser
from pav_site.embedded import POSTGRES_BIN, ServiceError, Services
from pav_site.environment import BASE

OK, WARN, FAIL = "ok", "warn", "fail"
LEAST_DISK, GOOD_DISK = 500 * 2**20, 2 * 2**30  # bytes: the minimum; enough for a few thousand photos
RAW_FEATURES = "SELECT count(*), pg_total_relation_size('ratings_rawfeatures') FROM ratings_rawfeatures"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    state: str  # OK; WARN: PAV runs with restrictions; FAIL: PAV does not run
    what: str
    found: str
    fix: str = ""  # what to do about it


def examine() -> Iterator[Finding]:
    """Run all checks in order and yield their findings. A check that raises is itself a finding."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (python, packages, services, models, raw_features, disk, chromium, gpu)
    for check in checks:
        try:
            yield from check()
        except Exception as error:  # one failing check must not prevent the others
            yield Finding(FAIL, check.__name__, f"could not be checked: {error}")


def python() -> Iterator[Finding]:
    """The Python in use. The launcher has already refused versions that are too old."""
    yield Finding(OK, "Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {sys.prefix}")


def packages() -> Iterator[Finding]:
    """The packages that PAV runs on, and those of its commands for training, importing and exact fits where they are installed."""
    yield pinned(BASE / "requirements-app.txt")
    if find_spec("torch"):
        yield pinned(BASE / "requirements.txt")
    else:
        yield Finding(OK, "Research packages", "not installed: ./pav install research adds training, imports, exact fits, network exports")


def pinned(requirements: Path) -> Finding:
    """Compare the installed versions with the pinned ones."""
    wrong = []
    pins = list(_pins(requirements))
    for pin in pins:
        try:
            version = metadata.version(pin.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{pin.name} is missing")
        else:
            if not pin.specifier.contains(version, prereleases=True):
                wrong.append(f"{pin.name} is {version}, not {pin.specifier}")
    if wrong:
        fix = "Remove the folder .venv and start ./pav again; it installs the pinned versions."
        return Finding(FAIL, "Packages", "; ".join(wrong), fix)
    return Finding(OK, "Packages", f"all {len(pins)} match {requirements.name}")


def _pins(requirements: Path) -> Iterator[Requirement]:
    for line in requirements.read_text().splitlines():
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if text and not text.startswith("-"):
            pin = Requirement(text)
            if pin.marker is None or pin.marker.evaluate():
                yield pin


def services() -> Iterator[Finding]:
    """Configured services must answer; embedded ones must start, in a temporary folder."""
    if settings.EMBEDDED.names:
        yield from _embedded(settings.EMBEDDED.names)
    if "postgres" not in settings.EMBEDDED.names:
        yield from _configured_postgres(settings.DATABASE_URL)
    if "redis" not in settings.EMBEDDED.names:
        yield from _configured_redis(settings.REDIS_URL)


def _embedded(names: tuple[str, ...]) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory(prefix="pav-doctor-") as folder:
        Path(folder).chmod(0o755)  # under root, PostgreSQL runs under another account, which must reach its files
        trial = Services(Path(folder) / "var", durable=False, names=names)
        try:
            with trial.running():
                if "postgres" in names:
                    yield _pgvector(trial.database_url, "Embedded PostgreSQL")
                if "redis" in names:
                    version = redis.Redis.from_url(trial.redis_url).info()["redis_version"]
                    yield Finding(OK, "Embedded Redis", f"{version} starts and answers")
        except (ServiceError, OSError) as error:
            fix = f"Check that the programs in {POSTGRES_BIN} may be executed, or set DATABASE_URL and REDIS_URL."
            yield Finding(FAIL, "Embedded services", str(error), fix)


def _pgvector(url: str, what: str) -> Finding:
    with psycopg.connect(url, connect_timeout=5) as connection:
        server = connection.execute("SHOW server_version").fetchone()
        vector = connection.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'").fetchone()
    if not vector:
        return Finding(FAIL, what, f"{server[0] if server else ''} has no pgvector", "Install pgvector 0.7 or newer on that server.")
    return Finding(OK, what, f"{server[0] if server else ''} with pgvector {vector[0]} answers")


def _configured_postgres(url: str) -> Iterator[Finding]:
    try:
        yield _pgvector(url, "PostgreSQL at DATABASE_URL")
    except psycopg.Error as error:
        yield Finding(FAIL, "PostgreSQL at DATABASE_URL", str(error).strip(), "Check the address, or unset it for an embedded PostgreSQL.")


def _configured_redis(url: str) -> Iterator[Finding]:
    try:
        version = redis.Redis.from_url(url, socket_timeout=5).info()["redis_version"]
        yield Finding(OK, "Redis at REDIS_URL", f"{version} answers")
    except redis.RedisError as error:
        yield Finding(FAIL, "Redis at REDIS_URL", str(error), "Check the address, or unset it for an embedded Redis.")


def models() -> Iterator[Finding]:
    """The networks that compute features of photos, and the bank's metadata."""
    from personalize.errors import BadBank
    from personalize.files import banks, extractors

    try:
        for row in extractors.read(settings.PAV["BANK"]).rows:
            yield Finding(OK, "Network", f"{row.path.name}, {len(extractors.checked(row)) / 2**20:.0f} MB")
        yield Finding(OK, "Bank", f"{settings.PAV['BANK']}, {banks.read_metadata(settings.PAV['BANK']).hash}")
    except BadBank as error:
        yield Finding(
            FAIL,
            "Bank",
            str(error),
            "Restore personalize/bank from the repository, or set PAV_BANK to a bank that ./pav bank_info can show.",
        )


def raw_features() -> Iterator[Finding]:
    """Size of the raw vectors of photos, in the configured database or that of a running demo."""
    url = settings.DATABASE_URL
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            found = connection.execute(RAW_FEATURES).fetchone()
    except psycopg.Error:
        yield Finding(OK, "Raw features", "unknown: the database is not running, or not migrated")
        return
    count, size = found or (0, 0)
    yield Finding(OK, "Raw features", f"{count} photos, {size / 2**20:.0f} MB; new projections are learned from them")


def disk() -> Iterator[Finding]:
    place = next(folder for folder in (settings.VAR, *settings.VAR.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 2**30:.1f} GB free for {settings.VAR}"
    if not os.access(place, os.W_OK):
        yield Finding(FAIL, "Disk", f"{place} cannot be written to", "Set PAV_VAR to a folder that you can write to.")
    elif free < LEAST_DISK:
        yield Finding(FAIL, "Disk", found, "Free some space, or set PAV_VAR to a folder on another disk.")
    elif free < GOOD_DISK:
        yield Finding(WARN, "Disk", found, "Enough to try PAV, but not for thousands of photos.")
    else:
        yield Finding(OK, "Disk", found)


def chromium() -> Iterator[Finding]:
    found = browser.find_chromium()
    if found:
        yield Finding(OK, "Browser for the tests", str(found))
    else:
        fix = "Only the tests and screenshots need it. Install Chromium or Chrome, or run .venv/bin/python -m playwright install chromium"
        yield Finding(WARN, "Browser for the tests", "no Chromium or Chrome", fix)


def gpu() -> Iterator[Finding]:
    import onnxruntime  # takes half a second to import, and only this check needs it

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        yield Finding(OK, "GPU", f"used to extract features (ONNX Runtime {onnxruntime.__version__})")
    else:
        yield Finding(OK, "GPU", f"none: the CPU extracts features of a few photos per second (ONNX Runtime {onnxruntime.__version__})")
