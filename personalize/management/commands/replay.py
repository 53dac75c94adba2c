"""Replay of real ratings, to measure how many ratings an acquisition rule saves."""

from argparse import SUPPRESS
from importlib import import_module
from typing import Any

from django.core.management.base import CommandParser
from threadpoolctl import threadpool_limits

from personalize.files import banks, rating_tables, taste_parts
from personalize.management.command import ModelCommand, add_rating_options
from personalize.management.files import write_json
from personalize.management.progress import progress_bar
from personalize.management.renamed import OldOption
from personalize.research import replay
from personalize.research.acquisition_rules import RULES
from personalize.research.catalogues import make_catalogue
from personalize.research.replay import ReplayProtocol


class Command(ModelCommand):
    help = "Replay raters' real ratings under several acquisition rules, and measure the rank correlation after each count of ratings."

    def add_arguments(self, parser: CommandParser) -> None:
        default = ReplayProtocol
        add_rating_options(parser)
        parser.add_argument("--rules", nargs="+", choices=list(RULES), default=list(default.rules))
        parser.add_argument("--photos", type=int, nargs="+", default=list(default.photos), help="numbers of photos after which to measure")
        parser.add_argument("--cards", dest="photos", type=int, nargs="+", action=OldOption, help=SUPPRESS)
        parser.add_argument("--repeats", type=int, default=default.repeats, help="random held-out parts for each rater")
        parser.add_argument("--hand", type=int, default=default.hand, help="photos presented between two fits")
        parser.add_argument(
            "--half", choices=replay.HALVES, default=default.half, help="half of the raters to replay; tune on the teaching half only"
        )
        parser.add_argument("--planted", action="store_true", help="replace the real ratings by ratings drawn from the model")

    def handle(self, *args: Any, **options: Any) -> None:
        import_module("sklearn")  # the last step needs it: fail before a long run, not after it
        protocol = ReplayProtocol(
            rules=tuple(options["rules"]),
            photos=tuple(sorted(set(options["photos"]))),
            repeats=options["repeats"],
            hand=options["hand"],
            half=options["half"],
            planted=options["planted"],
            seed=options["seed"],
        )
        table = rating_tables.read(options["ratings"], options["images"], taste_parts.photos_seen(options["bank"]))
        with progress_bar() as progress:
            catalogue = make_catalogue(table.photos, options["bank"], options["cache"], progress)
            with threadpool_limits(1):  # thousands of small fits: threads would wait longer than they work
                result = replay.replay(catalogue.features, table.raters, protocol, progress, catalogue.heads)
        result["bank"] = banks.read_metadata(options["bank"]).hash
        if options["json"]:
            write_json(options["json"], result)
        self.stdout.write(
            f"{result['raters']} raters, {result['photos']} photos. Mean SROCC with the held-out ratings (difference from random), and the "
            "saving with its 95 % interval over raters:\n"
        )
        self.stdout.write(replay.as_table(result))
