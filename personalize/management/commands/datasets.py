"""List of the known datasets, or the photo and rater counts of one."""

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from personalize import datasets
from personalize.errors import NoSingleRatings
from personalize.management.command import ModelCommand


class Command(ModelCommand):
    help = (
        "List the datasets that PAV reads, and which say how much people like a photo: these are pooled into the generic score. With a "
        "name, count its photos by split and its raters."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", choices=sorted(datasets.REGISTRY))
        parser.add_argument("--root", type=Path, default=Path("."), help="folder of all datasets, or of this one")
        parser.add_argument("--protocol", choices=list(datasets.PROTOCOLS), default="leak-free")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["name"] is None:
            rows = [
                {"name": row.name, "about": row.about, "source": row.source, "layout": row.layout, "pooled": row.preference}
                for row in datasets.REGISTRY.values()
            ]
            listed = (f"{row['name']:24} {'pooled' if row['pooled'] else '':8}{row['about']} ({row['source']})" for row in rows)
            self.stdout.write(json.dumps(rows, indent=1) if options["json"] else "\n".join(listed))
            return
        ratings = None
        name, root, protocol = options["name"], options["root"], options["protocol"]
        photos = datasets.load(name, root, protocol)
        with suppress(NoSingleRatings):
            ratings = datasets.ratings(name, root, protocol)
        counts: dict[str, object] = {"name": name, "protocol": protocol, "pooled": datasets.find(name).preference}
        counts["photos"] = dict(Counter(photo.split for photo in photos))
        if ratings:
            counts |= {"raters": len(ratings.raters), "tested": len(ratings.tested), "about": ratings.about}
        self.stdout.write(
            json.dumps(counts, indent=1) if options["json"] else "\n".join(f"{what}: {value}" for what, value in counts.items())
        )
