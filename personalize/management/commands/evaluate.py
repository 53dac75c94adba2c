"""Measure how well people's left-out ratings are ranked after a few shots."""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError, CommandParser
from threadpoolctl import threadpool_limits

from personalize import databases
from personalize.errors import PersonalizeError
from personalize.files import banks, people
from personalize.management.files import new_file, new_folder, write_json
from personalize.management.progress import progress_report
from personalize.programs import evaluate, evaluation_tables, plots, swap
from personalize.programs.catalogues import describe
from personalize.programs.evaluate import Protocol, Subject
from personalize.programs.kept_results import KeptResults
from personalize.programs.methods import METHODS
from personalize.scorers.personal_networks import RatedPhotos


class Command(BaseCommand):
    help = "Rank correlation with people's left-out ratings: every method beside its baselines, on any photos and ratings."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--images", type=Path, help="folder of photos, searched in all its folders")
        parser.add_argument("--ratings", type=Path, help="CSV with the columns rater, image, score")
        parser.add_argument("--database", choices=[name for name, row in databases.REGISTRY.items() if row.ratings], help="in their place")
        parser.add_argument("--root", type=Path, help="folder that holds the database")
        parser.add_argument("--split", choices=list(databases.PROTOCOLS), default="leak-free", help="who is tested, and on what photos")
        parser.add_argument("--shots", type=int, nargs="+", default=list(Protocol.shots), help="ratings that a method may see")
        parser.add_argument("--repeats", type=int, default=Protocol.repeats, help="random draws of the shots for each person")
        parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(Protocol.methods))
        parser.add_argument(
            "--hyperprior", choices=get_args(evaluate.Source), default=Protocol.hyperprior, help="what the instant fit knows"
        )
        parser.add_argument("--people", type=int, default=Protocol.people, help="test at most so many, drawn by the seed; 0 is everybody")
        parser.add_argument("--seed", type=int, default=Protocol.seed)
        parser.add_argument("--swap", action="store_true", help="also rank everybody's left-out ratings by everybody else's model")
        parser.add_argument("--bank", type=Path, default=banks.DEFAULT)
        parser.add_argument("--cache", type=new_folder, default=Path("var/described"), help="folder that keeps described photos")
        parser.add_argument("--keep", type=new_folder, help="folder that keeps every result, so that a stopped run goes on where it was")
        parser.add_argument("--part", default="1/1", help="with --keep: I/N measures every Nth draw; run all parts, then once without")
        parser.add_argument("--json", type=new_file, help="write everything measured to this file")
        parser.add_argument("--plots", type=new_folder, help="folder for the learning curve and the comparison by person, PNG and SVG")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            protocol = Protocol(
                shots=tuple(options["shots"]),
                repeats=options["repeats"],
                methods=tuple(options["methods"]),
                hyperprior=options["hyperprior"],
                people=options["people"],
                seed=options["seed"],
            )
            part = _part(options["part"])
            card, small = banks.read_card(options["bank"]), _small_arrays(options["bank"])
            ratings = _ratings(options, people.seen_digests(small))
            with progress_report() as report:
                catalogue = describe(ratings.photos, options["bank"], options["cache"], report)
                network = cache(lambda: RatedPhotos(options["bank"], ratings.photos))
                shipped = banks.hyperprior(small) if "hyperprior/weights" in small else None
                subject = Subject(catalogue, ratings.people, ratings.test_people, shipped, network)
                kept = KeptResults(options["keep"], _identity(card.hash, protocol, ratings), part[0])
                with threadpool_limits(1, user_api="blas"):  # thousands of small fits: threads would wait for each other longer than work
                    result = evaluate.evaluate(subject, protocol, kept, part, report)
                    if options["swap"]:
                        result["swap"] = swap.swap(subject, protocol, report)
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        result |= {"bank": card.hash, "backbone": card.backbone, "left_out_photos": ratings.left_out, "about": ratings.about}
        if options["json"]:
            write_json(options["json"], result)
        self._print(result, options["plots"])

    def _print(self, result: dict[str, Any], folder: Path | None) -> None:
        who, source = result["people"], result["protocol"]["hyperprior"]
        self.stdout.write(result["about"])
        self.stdout.write(
            f"{who['tested']} people tested, {who['teachers']} to teach the hyperprior ({source}); {result['photos']} photos, "
            f"{result['left_out_photos']} left out because the bank was trained on them. Bank {result['bank']} ({result['backbone']}).\n"
        )
        self.stdout.write(evaluation_tables.in_full(result))
        if "swap" in result:
            self.stdout.write("\n" + evaluation_tables.of_swap(result["swap"]))
        if folder:
            paths = plots.learning_curve(result, folder / "learning-curve") + plots.per_person(result, folder / "by-person")
            self.stdout.write("\nDrawn: " + ", ".join(str(path) for path in paths))


def _ratings(options: dict[str, Any], seen: frozenset[str]) -> people.Ratings:
    if options["database"]:
        if options["root"] is None:
            raise CommandError("--database needs --root: the folder that holds it.")
        found = databases.people(options["database"], options["root"], options["split"])
        return found if options["split"] == "published" else found.without(seen)
    if options["images"] is None or options["ratings"] is None:
        raise CommandError("Name a --database and its --root, or --images and --ratings.")
    return people.read(options["ratings"], options["images"], seen)


def _small_arrays(bank: Path) -> banks.Arrays:
    return {name: value for prefix in ("seen", "hyperprior/") for name, value in banks.read(bank, prefix=prefix).items()}


def _identity(bank: str, protocol: Protocol, ratings: people.Ratings) -> str:
    """All that a kept result depends on beside its method, person, number of shots and repeat."""
    facts = asdict(protocol) | {"shots": (), "repeats": 0, "methods": (), "people": 0}
    said = [(one.name, one.photos.tolist(), one.ratings.tolist()) for one in ratings.people]
    return hashlib.sha256(json.dumps([bank, facts, said]).encode()).hexdigest()[:16]


def _part(text: str) -> tuple[int, int]:
    try:
        which, of = (int(number) for number in text.split("/"))
    except ValueError as error:
        raise CommandError(f"--part is {text!r}: write it as 1/4, the first of four parts.") from error
    if not 1 <= which <= of:
        raise CommandError(f"--part is {text!r}: the first number goes from 1 to the second.")
    return which, of
