"""The refit worker with a clock: the same command, with each part of a fit timed and written down, a line of JSON per fit."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

PARTS = {  # what is timed: where the function is looked up, its name, and what it is called in the table
    ("personalize.tasks.fits", "begin_refit"): "begin",
    ("personalize.tasks.selectors", "rating_history"): "history",
    ("personalize.tasks.instant", "fit"): "fit",
    ("personalize.tasks.fits", "store_fit"): "store",
    ("ratings.fits.rankings", "ranking"): "query",
    ("ratings.fits.events", "push_ranking"): "push",
}


def timed(part: str, function: Callable[..., Any], fit: dict[str, Any]) -> Callable[..., Any]:
    """The function, which notes when it began and ended (seconds since 1970)."""

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

    import personalize.tasks
    import ratings.fits

    fit: dict[str, Any] = {}
    places = {"personalize.tasks": personalize.tasks, "ratings.fits": ratings.fits}
    for (where, name), part in PARTS.items():
        module, _, attribute = where.rpartition(".")
        holder = getattr(places[module], attribute)
        setattr(holder, name, timed(part, getattr(holder, name), fit))

    store_next_cards = personalize.tasks.fits.store_next_cards
    with file.open("w", buffering=1) as lines:

        def last_of_a_fit(*, person_id: Any, **kwargs: Any) -> None:
            store_next_cards(person_id=person_id, **kwargs)
            lines.write(json.dumps(fit | {"person": str(person_id), "end": time.time()}) + "\n")

        personalize.tasks.fits.store_next_cards = last_of_a_fit
        call_command("worker", queue="refit", beat=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
