"""The refit worker with a clock: the same command, with each part of a fit timed and written down, one line of JSON per fit."""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

PARTS = {  # what is timed: the module that holds the function, its name there, and its name in the table
    ("ratings.ranking.services", "begin_refit"): "begin",
    ("personalize.tasks", "rating_history"): "history",
    ("personalize.worker.instant_fit", "fit"): "fit",
    ("ratings.ranking.services", "store_fit"): "store",
    ("ratings.ranking.selectors", "ranking"): "query",
    ("ratings.ranking.events", "push_ranking"): "push",
}


def timed(part: str, function: Callable[..., Any], fit: dict[str, Any]) -> Callable[..., Any]:
    """The function, with its start and end recorded in `fit` (seconds since 1970)."""

    def run(*args: Any, **kwargs: Any) -> Any:
        began = time.time()
        result = function(*args, **kwargs)
        fit[part] = began, time.time()
        if part == "history" and result is not None:
            fit["seq"] = result.ratings_seq
        return result

    return run


def main(file: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pav_site.settings")
    django.setup()
    from django.core.management import call_command

    from ratings.ranking import services

    fit: dict[str, Any] = {}
    for (where, name), part in PARTS.items():
        module = importlib.import_module(where)
        setattr(module, name, timed(part, getattr(module, name), fit))

    store_next_photos = services.store_next_photos
    with file.open("w", buffering=1) as lines:

        def last_of_a_fit(*, rater_id: Any, **kwargs: Any) -> None:
            store_next_photos(rater_id=rater_id, **kwargs)
            lines.write(json.dumps(fit | {"rater": str(rater_id), "end": time.time()}) + "\n")

        services.store_next_photos = last_of_a_fit
        call_command("worker", queue="refit", beat=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
