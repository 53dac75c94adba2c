"""Every command of PAV; `./pav` calls it inside the virtual environment."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

# These start their own services, or need none.
ON_THEIR_OWN = {
    *("demo", "doctor", "test", "help", "bench", "makemessages", "compilemessages"),
    *("train_task_vector", "build_bank", "import_bank", "bank_info", "bank_compress", "databases"),
    *("evaluate", "replay", "learn_prior", "score"),
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command == "demo":
        os.environ.setdefault("PAV_VAR", demo_folder(sys.argv))
    from django.core.management import execute_from_command_line

    from pav_site.embedded import ServiceError
    from pav_site.environment import BadSetting

    try:
        from django.conf import settings

        alone = command in ON_THEIR_OWN or not settings.EMBEDDED.names
        with nullcontext() if alone else settings.EMBEDDED.running():
            execute_from_command_line(sys.argv)
    except (BadSetting, ServiceError) as error:
        sys.exit(f"pav: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


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
