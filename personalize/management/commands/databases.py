"""List the rating databases, or read one and count what it has."""

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from personalize import databases
from personalize.errors import NoSingleRatings, PersonalizeError


class Command(BaseCommand):
    help = "The rating databases that PAV reads; with a name, its photos by split and its people."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", choices=sorted(databases.REGISTRY))
        parser.add_argument("--root", type=Path, default=Path("."), help="folder of all databases, or the database's own")
        parser.add_argument("--protocol", choices=list(databases.PROTOCOLS), default="leak-free")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["name"] is None:
            rows = [
                {"name": row.name, "about": row.about, "source": row.source, "layout": row.layout} for row in databases.REGISTRY.values()
            ]
            listed = (f"{row['name']:24} {row['about']} ({row['source']})" for row in rows)
            self.stdout.write(json.dumps(rows, indent=1) if options["json"] else "\n".join(listed))
            return
        ratings = None
        name, root, protocol = options["name"], options["root"], options["protocol"]
        try:
            photos = databases.load(name, root, protocol)
            with suppress(NoSingleRatings):
                ratings = databases.people(name, root, protocol)
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        told = {"name": name, "protocol": protocol, "photos": dict(Counter(photo.split for photo in photos))}
        if ratings:
            told |= {"people": len(ratings.people), "tested": len(ratings.tested), "about": ratings.about}
        self.stdout.write(json.dumps(told, indent=1) if options["json"] else "\n".join(f"{what}: {value}" for what, value in told.items()))
