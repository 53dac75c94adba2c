"""Entry point of all management commands; `./pav` runs it inside the virtual environment."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

# These commands start services themselves, or need none.
STANDALONE = {
    *("demo", "fill_demo", "doctor", "test", "help", "bench", "makemessages", "compilemessages", "draw_samples"),
    *("train_task_vector", "build_bank", "import_bank", "bank_info", "bank_compress", "bank_extractors", "train_generic_score"),
    *("datasets", "databases", "evaluate", "replay", "evaluate_prior", "learn_prior", "score", "agreement"),
}


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command == "demo":
        os.environ["DJANGO_SETTINGS_MODULE"] = "pav_site.launcher_settings"
        os.environ.setdefault("PAV_VAR", demo_folder(sys.argv))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")
    try:
        run(command)
    except KeyboardInterrupt:
        sys.exit(130)


def run(command: str) -> None:
    """Run the command, and report in one sentence what a user can fix."""
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    from pav_site import missing_packages
    from pav_site.embedded import ServiceError
    from pav_site.environment import BadSetting

    try:
        from django.conf import settings

        standalone = command in STANDALONE or not settings.EMBEDDED.names
        with nullcontext() if standalone else settings.EMBEDDED.running():
            execute_from_command_line(sys.argv)
    except ModuleNotFoundError as error:
        package = missing_packages.missing(error)
        if package is None or "--traceback" in sys.argv:
            raise
        missing_packages.offer(package, sys.argv[1:])
    except (BadSetting, ServiceError) as error:
        sys.exit(f"pav: {error}")
    except DatabaseError as error:
        advice = database_advice(error)
        if advice is None or "--traceback" in sys.argv:
            raise
        sys.exit(f"pav: {advice}")


def database_advice(error: Exception) -> str | None:
    """What to do about a database that is unreachable or has no tables yet; None for any other error."""
    from django.db import OperationalError
    from psycopg.errors import UndefinedColumn, UndefinedTable

    if isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
        return "The tables of this database are missing, or belong to another version of PAV. ./pav migrate creates them."
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {str(error).splitlines()[0]}. ./pav doctor shows why."
    return None


def demo_folder(arguments: list[str]) -> str:
    """The folder of a demo, one per port. Django reads the settings before the command parses its options, so this parses --port itself."""
    port = "8000"
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if option == "--port":
            port = value
        elif option.startswith("--port="):
            port = option.removeprefix("--port=")
    return f"var/demo-{Path(port).name or '8000'}"


if __name__ == "__main__":
    main()
