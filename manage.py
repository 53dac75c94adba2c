"""Every command of PAV; `./pav` calls it inside the virtual environment."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

# These start their own services, or need none.
ON_THEIR_OWN = {
    *("demo", "doctor", "test", "help", "bench", "makemessages", "compilemessages"),
    *("train_task_vector", "build_bank", "import_bank", "bank_info", "bank_compress", "datasets", "databases"),
    *("evaluate", "replay", "evaluate_prior", "learn_prior", "score"),
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command == "demo":
        os.environ.setdefault("PAV_VAR", demo_folder(sys.argv))
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    from pav_site.embedded import ServiceError
    from pav_site.environment import BadSetting

    try:
        from django.conf import settings

        alone = command in ON_THEIR_OWN or not settings.EMBEDDED.names
        with nullcontext() if alone else settings.EMBEDDED.running():
            execute_from_command_line(sys.argv)
    except (BadSetting, ServiceError) as error:
        sys.exit(f"pav: {error}")
    except DatabaseError as error:
        sentence = what_to_do(error)
        if sentence is None or "--traceback" in sys.argv:
            raise
        sys.exit(f"pav: {sentence}")
    except KeyboardInterrupt:
        sys.exit(130)


def what_to_do(error: Exception) -> str | None:
    """About a database that is not there, or not prepared; None for anything else."""
    from django.db import OperationalError
    from psycopg.errors import UndefinedColumn, UndefinedTable

    if isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
        return "The tables of this database are missing, or those of another version of PAV: ./pav migrate makes them."
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {str(error).splitlines()[0]}. ./pav doctor finds out why."
    return None


def demo_folder(arguments: list[str]) -> str:
    """Each port has a folder of its own. Settings are read before the command reads its options, so the port is looked for here."""
    port = "8000"
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if option == "--port":
            port = value
        elif option.startswith("--port="):
            port = option.removeprefix("--port=")
    return f"var/demo-{Path(port).name or '8000'}"


if __name__ == "__main__":
    main()
