"""Measure how well people's left-out ratings are ranked after a few shots."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from threadpoolctl import threadpool_limits

from personalize import banks, evaluate, people
from personalize.baselines import METHODS
from personalize.catalogues import describe
from personalize.errors import PersonalizeError
from personalize.management.progress import progress_report


class Command(BaseCommand):
    help = "Rank correlation with people's left-out ratings: the instant fit beside its baselines, on any photos and ratings."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--images", type=Path, required=True, help="folder of photos, searched in all its folders")
        parser.add_argument("--ratings", type=Path, required=True, help="CSV with the columns rater, image, score")
        parser.add_argument("--shots", type=int, nargs="+", default=list(evaluate.Protocol.shots), help="ratings that a method may see")
        parser.add_argument("--repeats", type=int, default=evaluate.Protocol.repeats, help="random draws of the shots for each person")
        parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
        parser.add_argument("--seed", type=int, default=evaluate.Protocol.seed)
        parser.add_argument("--bank", type=Path, default=banks.DEFAULT)
        parser.add_argument("--cache", type=Path, default=Path("var/described"), help="folder that keeps described photos")
        parser.add_argument("--json", type=Path, help="write everything measured to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        protocol = evaluate.Protocol(
            shots=tuple(options["shots"]), repeats=options["repeats"], methods=tuple(options["methods"]), seed=options["seed"]
        )
        try:
            seen = people.seen_digests(banks.read(options["bank"], prefix="seen"))
            ratings = people.read(options["ratings"], options["images"], seen)
            with progress_report() as report:
                catalogue = describe(ratings.photos, options["bank"], options["cache"], report)
                with threadpool_limits(1):  # thousands of small fits: threads would wait for each other longer than they work
                    result = evaluate.evaluate(catalogue, ratings.people, protocol, report)
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        result |= {"bank": banks.read_card(options["bank"]).hash, "left_out_photos": ratings.left_out}
        if options["json"]:
            options["json"].parent.mkdir(parents=True, exist_ok=True)
            options["json"].write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        self.stdout.write(
            f"{result['people']['tested']} people tested, {result['people']['teachers']} others taught the hyperprior; "
            f"{result['photos']} photos, "
            f"{ratings.left_out} left out because the bank was trained on them. Mean SROCC (95 % interval over people):\n"
        )
        self.stdout.write(evaluate.as_table(result))
