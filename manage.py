"""Every command of PAV; `./pav` calls it inside the virtual environment."""

import os
import sys
from contextlib import nullcontext

# These start their own services, or need none.
ON_THEIR_OWN = {"demo", "doctor", "test", "help", "train_task_vector", "build_bank", "evaluate", "makemessages", "compilemessages", "bench"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")
    from django.core.management import execute_from_command_line

    from pav_site.embedded import ServiceError
    from pav_site.environment import BadSetting

    try:
        from django.conf import settings

        command = sys.argv[1] if len(sys.argv) > 1 else "help"
        alone = command in ON_THEIR_OWN or not settings.EMBEDDED.names
        with nullcontext() if alone else settings.EMBEDDED.running():
            execute_from_command_line(sys.argv)
    except (BadSetting, ServiceError) as error:
        sys.exit(f"pav: {error}")


if __name__ == "__main__":
    main()
