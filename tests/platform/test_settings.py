"""Settings from environment variables: invalid values, documentation and deployment checks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pav_site.environment import BASE, SETTINGS, BadSetting, read_all, table
from tests.platform.machine import PATIENCE_SECONDS

INVALID = {
    "PAV_BANK": "bank.onnx",
    "DATABASE_URL": "mysql://db/pav",
    "REDIS_URL": "http://redis",
    "PAV_DEBUG": "maybe",
    "PAV_SECRET_KEY": "short",
    "PAV_HOSTS": "https://pav.example.org/",
    "PAV_ORIGINS": "pav.example.org",
    "PAV_HTTPS": "2",
    "PAV_SIGNUP": "perhaps",
    "PAV_MAIL_URL": "mail.example.org",
    "PAV_MAIL_FROM": "nobody",
    "PAV_OIDC_URL": "login.example.org",
    "PAV_LANGUAGE": "xx",
    "PAV_DECK_SIZE": "many",
    "PAV_TOP": "0",
    **dict.fromkeys((name for name in SETTINGS if name.startswith("PAV_LIMIT_")), "10/fortnight"),
    **dict.fromkeys(("PAV_GUEST_PHOTOS", "PAV_ACCOUNT_PHOTOS", "PAV_ACCOUNT_GB", "PAV_OWN_PHOTOS_GB", "PAV_FREE_DISK_GB"), "plenty"),
    "PAV_FIT_RATINGS": "0",
    "PAV_TRUSTED_PROXIES": "proxy.example.org",
    "PAV_KEEP_GUESTS_DAYS": "forever",
    "PAV_SWEEP_SECONDS": "-1",
    "PAV_EXACT_REFIT_AFTER": "soon",
    "PAV_LEARN_HOUR": "24",
}
ANY_TEXT = {"PAV_VAR", "PAV_OIDC_NAME", "PAV_OIDC_CLIENT", "PAV_OIDC_SECRET"}  # every text is a valid folder or name
PRODUCTION = {
    "DATABASE_URL": "postgresql://pav@localhost/pav",
    "REDIS_URL": "redis://localhost:6379/0",
    "PAV_SECRET_KEY": "Zk3v9Q" * 12,
    "PAV_HOSTS": "pav.example.org",
    "PAV_ORIGINS": "https://pav.example.org",
    "PAV_HTTPS": "yes",
}


def test_every_setting_has_an_invalid_value_to_test() -> None:
    assert INVALID.keys() | ANY_TEXT == SETTINGS.keys()


def test_a_folder_that_cannot_be_written_to_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # no permission would stop root
    environment = os.environ | {"PAV_VAR": str(tmp_path / "file" / "data")}
    refused = subprocess.run(
        [sys.executable, str(BASE / "manage.py"), "serve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"pav: PAV keeps its data in {tmp_path / 'file' / 'data'}, and cannot use that folder")
    assert "PAV_VAR=" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(("name", "text"), INVALID.items())
def test_an_invalid_value_is_refused_with_the_name_and_an_example(name: str, text: str) -> None:
    with pytest.raises(BadSetting) as refusal:
        read_all({name: text})
    assert str(refusal.value).startswith(f"{name} is ")
    assert f"Example: {name}={SETTINGS[name].example}" in str(refusal.value)


@pytest.mark.parametrize("name", ["PAV_SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PAV_MAIL_URL"])
def test_an_error_never_contains_a_secret(name: str) -> None:
    with pytest.raises(BadSetting) as refusal:
        read_all({name: "hunter2"})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("row", [row for row in SETTINGS.values() if not row.example.startswith("64 random")], ids=lambda row: row.name)
def test_the_example_of_a_setting_is_accepted(row: object) -> None:
    assert row.read({row.name: row.example}) is not None  # type: ignore[attr-defined]


def test_an_empty_variable_means_unset() -> None:
    assert read_all({"DATABASE_URL": "", "PAV_TOP": ""}) == read_all({})


def test_the_documentation_contains_the_current_table_of_settings() -> None:
    assert table() in (BASE / "docs" / "settings.md").read_text(), f"Put this table into docs/settings.md:\n{table()}"


def manage(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if name not in SETTINGS and name not in {"PAV_TESTING", "DJANGO_SETTINGS_MODULE"}
    }
    command = [sys.executable, str(BASE / "manage.py"), *arguments]
    return subprocess.run(
        command, env=kept | {"PAV_VAR": str(folder)} | environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )


def test_the_production_configuration_passes_every_deployment_check(tmp_path: Path) -> None:
    checked = manage("check", "--deploy", "--fail-level", "INFO", folder=tmp_path, **PRODUCTION)
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


def test_an_invalid_setting_ends_a_command_with_one_sentence(tmp_path: Path) -> None:
    refused = manage("check", folder=tmp_path, PAV_TOP="lots")
    assert refused.returncode == 1
    assert refused.stderr == "pav: PAV_TOP is 'lots': not a whole number. Example: PAV_TOP=50\n"


def test_a_missing_or_unmigrated_database_ends_a_command_with_one_sentence(tmp_path: Path) -> None:
    nobody = {"DATABASE_URL": "postgres://pav:pav@127.0.0.1:1/pav", "REDIS_URL": "redis://127.0.0.1:1/0"}
    refused = manage("admin_link", folder=tmp_path, **nobody)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("pav: The database cannot be used: ")
    assert "Traceback" not in refused.stderr

    refused = manage("admin_link", folder=tmp_path)
    assert refused.returncode == 1
    assert "./pav migrate creates them." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_secret_key_is_generated_that_only_its_owner_can_read(tmp_path: Path) -> None:
    show = "from django.conf import settings; print(settings.SECRET_KEY)"
    services = {name: PRODUCTION[name] for name in ("DATABASE_URL", "REDIS_URL")}
    first, second = (manage("shell", "-v0", "-c", show, folder=tmp_path, **services).stdout for _ in range(2))
    assert first == second
    assert len(first) > 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_web_processes_do_not_load_torch(tmp_path: Path) -> None:
    look = "import sys, pav_site.asgi; print(sorted({'torch', 'timm', 'open_clip', 'personalize.tasks'} & set(sys.modules)))"
    services = {name: PRODUCTION[name] for name in ("DATABASE_URL", "REDIS_URL")}
    assert manage("shell", "-v0", "-c", look, folder=tmp_path, **services).stdout == "[]\n"


def test_an_old_name_still_works_and_says_the_new_one():
    with pytest.warns(FutureWarning, match="PAV_REFINE_AFTER is now called PAV_EXACT_REFIT_AFTER"):
        assert read_all({"PAV_REFINE_AFTER": "7"})["PAV_EXACT_REFIT_AFTER"] == 7


def test_a_new_name_wins_over_the_old_one():
    assert read_all({"PAV_REFINE_AFTER": "7", "PAV_EXACT_REFIT_AFTER": "9"})["PAV_EXACT_REFIT_AFTER"] == 9
