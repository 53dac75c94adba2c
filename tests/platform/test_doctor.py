"""The command doctor: checks of the installation, with advice for each problem."""

from pathlib import Path

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from pav_site import doctor
from tests.platform.test_settings import manage

UNREACHABLE = {"DATABASE_URL": "postgresql://pav@127.0.0.1:1/pav", "REDIS_URL": "redis://127.0.0.1:1/0"}


def test_every_check_passes_on_a_machine_that_runs_the_tests(tmp_path: Path) -> None:
    report = manage("doctor", folder=tmp_path)
    assert report.returncode == 0, report.stdout + report.stderr
    for what in (
        "Python",
        "Packages",
        "Embedded PostgreSQL",
        "Embedded Redis",
        "Network",
        "Bank",
        "Raw features",
        "Disk",
        "Browser",
        "GPU",
    ):
        assert what in report.stdout
    assert not [line for line in report.stdout.splitlines() if line.startswith("fail")]


def test_unreachable_services_fail_with_advice_and_the_other_checks_still_run(tmp_path: Path) -> None:
    report = manage("doctor", folder=tmp_path, **UNREACHABLE)
    assert report.returncode == 1
    assert "fail  PostgreSQL at DATABASE_URL" in report.stdout
    assert "fail  Redis at REDIS_URL" in report.stdout
    assert "or unset it for an embedded Redis" in report.stdout
    assert "ok    Disk" in report.stdout
    assert "Traceback" not in report.stdout + report.stderr


def test_packages_that_differ_from_their_pins_are_named(tmp_path: Path) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text("# a comment\nDjango==1.0  # old\nno-such-package==3\nnumpy>=1; python_version < '3'\npytest>=1\n")
    finding = doctor.pinned(pins)
    assert finding.state == doctor.FAIL
    assert "Django is" in finding.found
    assert "no-such-package is missing" in finding.found
    assert "pytest" not in finding.found
    assert "numpy" not in finding.found


@pytest.mark.parametrize(("free", "state"), [(10**8, doctor.FAIL), (10**9, doctor.WARN), (10**11, doctor.OK)])
def test_little_free_disk_space_is_a_warning_and_almost_none_is_a_failure(
    free: int, state: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: object
) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _place: type("Usage", (), {"free": free}))
    settings.VAR = tmp_path  # type: ignore[attr-defined]
    (finding,) = doctor.disk()
    assert finding.state == state


def test_the_size_of_the_raw_features_is_told_where_the_database_runs(db: None, settings: object) -> None:
    (finding,) = doctor.raw_features()
    assert finding == doctor.Finding(doctor.OK, "Raw features", "unknown: the database is not running, or not migrated")
    settings.DATABASE_URL = make_conninfo(settings.DATABASE_URL, dbname=connection.settings_dict["NAME"])  # type: ignore[attr-defined]
    (finding,) = doctor.raw_features()
    assert finding.found == "0 photos, 0 MB; new projections are learned from them"


def test_an_error_in_a_check_is_a_finding_and_the_other_checks_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("the floor is lava")

    for name in ("python", "packages", "services", "models", "raw_features", "disk", "chromium", "gpu"):
        monkeypatch.setattr(doctor, name, broken)
    findings = list(doctor.examine())
    assert len(findings) == 8
    assert {finding.found for finding in findings} == {"could not be checked: the floor is lava"}
