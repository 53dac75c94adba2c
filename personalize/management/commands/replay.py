"""Measure how many ratings a rule of dealing saves."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from threadpoolctl import threadpool_limits

from personalize.errors import PersonalizeError
from personalize.files import banks, people
from personalize.management.files import new_file, new_folder, write_json
from personalize.management.progress import progress_report
from personalize.numerics.card_rules import RULES
from personalize.programs import replay
from personalize.programs.catalogues import describe


class Command(BaseCommand):
    help = "Deal real people's ratings again by several rules of choosing the next card: rank correlation after each count of cards."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        default = replay.Protocol
        parser.add_argument("--images", type=Path, required=True, help="folder of photos, searched in all its folders")
        parser.add_argument("--ratings", type=Path, required=True, help="CSV with the columns rater, image, score")
        parser.add_argument("--rules", nargs="+", choices=list(RULES), default=list(default.rules))
        parser.add_argument("--cards", type=int, nargs="+", default=list(default.cards), help="cards after which to measure")
        parser.add_argument("--repeats", type=int, default=default.repeats, help="parts set aside at random for each person")
        parser.add_argument("--hand", type=int, default=default.hand, help="cards dealt between two fits")
        parser.add_argument("--half", choices=replay.HALVES, default=default.half, help="whose ratings; tune on the teaching half only")
        parser.add_argument("--planted", action="store_true", help="ratings of tastes drawn from the model, in place of the real ones")
        parser.add_argument("--seed", type=int, default=default.seed)
        parser.add_argument("--bank", type=Path, default=banks.DEFAULT)
        parser.add_argument("--cache", type=new_folder, default=Path("var/described"), help="folder that keeps described photos")
        parser.add_argument("--json", type=new_file, help="write everything measured to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            protocol = replay.Protocol(
                rules=tuple(options["rules"]),
                cards=tuple(sorted(set(options["cards"]))),
                repeats=options["repeats"],
                hand=options["hand"],
                half=options["half"],
                planted=options["planted"],
                seed=options["seed"],
            )
            seen = people.seen_digests(banks.read(options["bank"], prefix="seen"))
            ratings = people.read(options["ratings"], options["images"], seen)
            with progress_report() as report:
                catalogue = describe(ratings.photos, options["bank"], options["cache"], report)
                with threadpool_limits(1):  # thousands of small fits: threads would wait for each other longer than they work
                    result = replay.replay(catalogue.features, ratings.people, protocol, report)
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        result["bank"] = banks.read_card(options["bank"]).hash
        if options["json"]:
            write_json(options["json"], result)
        self.stdout.write(
            f"{result['people']} people, {result['photos']} photos. Mean SROCC with the ratings set aside (difference to random), and the "
            "saving with its 95 % interval over people:\n"
        )
        self.stdout.write(replay.as_table(result))
