"""Refit worker that times each part of every fit, and writes one line of JSON per fit."""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import django

PARTS = {  # functions to time: (module, name) -> name of the part
    ("ratings.ranking.services", "begin_refit"): "begin",
    ("personalize.worker.instant_fit", "rating_history"): "history",
    ("personalize.worker.instant_fit", "fit"): "fit",
    ("ratings.ranking.services", "store_fit"): "store",
    ("ratings.ranking.selectors", "ranking"): "query",
    ("ratings.ranking.events", "push_ranking"): "push",
}


def timed(part: str, function: Callable[..., Any], fit: dict[str, object]) -> Callable[..., Any]:
    """A wrapper of `function` that records its start and end in `fit` (seconds since 1970)."""

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

    fit: dict[str, object] = {}
    for (module_name, name), part in PARTS.items():
        module = importlib.import_module(module_name)
        setattr(module, name, timed(part, getattr(module, name), fit))

    store_next_photos = services.store_next_photos
    with file.open("w", buffering=1) as lines:

        def store_and_log(*, rater_id: UUID, **kwargs: Any) -> None:
            store_next_photos(rater_id=rater_id, **kwargs)
            lines.write(json.dumps(fit | {"rater": str(rater_id), "end": time.time()}) + "\n")

        services.store_next_photos = store_and_log
        call_command("worker", queue=["refit"], beat=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
