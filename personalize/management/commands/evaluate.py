"""Evaluation of ranking methods on raters' left-out ratings, after a few shots."""

import hashlib
import json
from argparse import SUPPRESS
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from django.core.management.base import CommandError, CommandParser
from threadpoolctl import threadpool_limits

from personalize import datasets
from personalize.files import banks, rating_tables, taste_parts
from personalize.files.photo_files import digest
from personalize.files.rating_tables import RatingTable
from personalize.files.taste_parts import TastePart
from personalize.management.command import ModelCommand
from personalize.management.files import new_file, new_folder, write_json
from personalize.management.progress import progress_bar
from personalize.management.renamed import OldOption
from personalize.numerics.ratings import LEAST_LEFT
from personalize.research import domains, evaluate, evaluation_tables, swap
from personalize.research.catalogues import make_catalogue
from personalize.research.domains import AcrossDomains, Domains
from personalize.research.evaluate import Evaluation, EvaluationProtocol, Subject
from personalize.research.kept_results import KeptResults
from personalize.research.methods import FEATURELESS, METHODS, NEEDS, OTHERS, NetworkFits

LEAST_LEFT_AS_PUBLISHED = 2  # the published code keeps raters with few ratings; a rank correlation needs two


class Command(ModelCommand):
    help = "Measure how well each method and its baselines rank raters' left-out ratings (SROCC and PLCC), on any photos and ratings."

    def add_arguments(self, parser: CommandParser) -> None:
        default = EvaluationProtocol
        parser.add_argument("--images", type=Path, help="folder of photos, searched recursively")
        parser.add_argument("--ratings", type=Path, help="CSV with the columns rater, image, score")
        rated = [name for name, row in datasets.REGISTRY.items() if row.ratings]
        parser.add_argument("--dataset", choices=rated, help="a known dataset, instead of --images and --ratings")
        parser.add_argument("--database", dest="dataset", choices=rated, action=OldOption, help=SUPPRESS)
        parser.add_argument("--root", type=Path, help="folder that holds the dataset")
        parser.add_argument(
            "--split", choices=list(datasets.PROTOCOLS), default="leak-free", help="which raters are tested, and on which photos"
        )
        parser.add_argument("--shots", type=int, nargs="+", default=list(default.shots), help="numbers of ratings that a method sees")
        parser.add_argument("--repeats", type=int, default=default.repeats, help="random draws of the shots for each rater")
        parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(default.methods))
        parser.add_argument(
            "--hyperprior",
            choices=get_args(evaluate.Source),
            default=default.hyperprior,
            help="where the hyperprior of the instant fit comes from",
        )
        parser.add_argument("--raters", type=int, default=default.raters, help="test at most this many, drawn by the seed; 0: all")
        parser.add_argument("--people", dest="raters", type=int, action=OldOption, help=SUPPRESS)
        parser.add_argument("--seed", type=int, default=default.seed)
        parser.add_argument("--swap", action="store_true", help="also rank each rater's left-out ratings by every other rater's model")
        parser.add_argument(
            "--domains", type=Path, help="CSV with the columns image, domain: shots of one domain, test ratings of each domain"
        )
        parser.add_argument("--bank", type=Path, default=banks.DEFAULT)
        parser.add_argument("--cache", type=new_folder, default=Path("var/described"), help="folder that caches extracted features")
        parser.add_argument("--keep", type=new_folder, help="folder that keeps every result, so that a stopped run can be resumed")
        parser.add_argument(
            "--part", default="1/1", help="with --keep: I/N measures every Nth draw; run all parts, then once without --part"
        )
        parser.add_argument("--json", type=new_file, help="write everything measured to this file")
        parser.add_argument("--plots", type=new_folder, help="folder for the learning curve and the comparison by rater, as PNG and SVG")

    def handle(self, *args: Any, **options: Any) -> None:
        protocol = EvaluationProtocol(
            shots=tuple(options["shots"]),
            repeats=options["repeats"],
            methods=tuple(options["methods"]),
            hyperprior=options["hyperprior"],
            raters=options["raters"],
            seed=options["seed"],
        )
        part = _part(options["part"])
        if options["domains"] and (options["swap"] or options["plots"]):
            raise CommandError("--domains cannot be combined with --swap or --plots.")
        _import_needed(protocol, options["plots"])
        metadata = banks.read_metadata(options["bank"])
        table = _of_those_needed(_ratings(options, taste_parts.photos_seen(options["bank"])), protocol)
        needs_features = options["swap"] or not FEATURELESS.issuperset(protocol.methods)
        taste = taste_parts.read(options["bank"]) if needs_features else None
        if taste:
            _check_fair(protocol, taste, table)
        with progress_bar() as progress:
            subject = Subject(
                extract=partial(make_catalogue, table.photos, options["bank"], options["cache"], progress),
                raters=table.raters,
                tested=table.test_raters,
                shipped=taste.hyperprior if taste else None,
                network=cache(lambda: _network_methods(options["bank"], table.photos)),
                least_left=LEAST_LEFT_AS_PUBLISHED if table.protocol == "published" else LEAST_LEFT,
            )
            protocol, reasons = evaluate.without_impossible(subject, protocol)
            for method, reason in reasons.items():
                self.stdout.write(f"{method} is left out: {reason}.")
            kinds = domains.read(options["domains"], table.photos) if options["domains"] else None
            kept = KeptResults(options["keep"], _identity(metadata.hash, protocol, table, kinds), part[0])
            result: Evaluation | AcrossDomains
            with threadpool_limits(1, user_api="blas"):  # thousands of small fits: threads would wait longer than they work
                if kinds:
                    result = across = domains.measure(subject, kinds, protocol, kept, part, progress)
                    tables = evaluation_tables.across_domains(across)
                else:
                    result = found = evaluate.evaluate(subject, protocol, kept, part, progress)
                    tables = evaluation_tables.in_full(found)
                    if options["swap"]:
                        found["swap"] = swap.swap(subject, protocol, progress)
                        tables += "\n\n" + evaluation_tables.of_swap(found["swap"])
        result["photos"] = len(table.photos)
        result["bank"], result["backbone"] = metadata.hash, metadata.backbone
        result["left_out_photos"], result["about"] = table.left_out, table.about
        if options["json"]:
            write_json(options["json"], result)
        tested, teachers = result["raters"]["tested"], result["raters"]["teachers"]
        self.stdout.write(" ".join([table.about, *table.notes, *(kinds.notes if kinds else ())]))
        self.stdout.write(
            f"{tested} raters tested, {teachers} teach the hyperprior ({protocol.hyperprior}); {len(table.photos)} photos, "
            f"{table.left_out} left out because the bank was trained on them. Bank {metadata.hash} ({metadata.backbone}).\n"
        )
        self.stdout.write(tables)
        if options["plots"]:
            from personalize.research import plots  # needs Matplotlib, which other evaluations do not

            folder = options["plots"]
            paths = plots.learning_curve(found, folder / "learning-curve") + plots.per_rater(found, folder / "by-rater")
            self.stdout.write("\nPlots: " + ", ".join(str(path) for path in paths))


def _import_needed(protocol: EvaluationProtocol, plots: Path | None) -> None:
    """Fail before a long run where a package is missing that only some methods, or plots, need."""
    for package, methods in NEEDS.items():
        if methods & set(protocol.methods):
            import_module(package)
    if plots:
        import_module("matplotlib")


def _network_methods(bank: Path, photos: Sequence[Path]) -> NetworkFits:
    from personalize.research.network_methods import NetworkMethods  # needs torch, which other methods do not

    return NetworkMethods(bank, photos)


def _ratings(options: dict[str, Any], seen: frozenset[str]) -> RatingTable:
    if options["dataset"]:
        if options["root"] is None:
            raise CommandError("--dataset needs --root: the folder that holds it.")
        found = datasets.ratings(options["dataset"], options["root"], options["split"])
        return found if options["split"] == "published" else found.without(seen)
    if options["images"] is None or options["ratings"] is None:
        raise CommandError("Give --dataset and --root, or --images and --ratings.")
    return rating_tables.read(options["ratings"], options["images"], seen)


def _of_those_needed(table: RatingTable, protocol: EvaluationProtocol) -> RatingTable:
    """Without the raters who neither teach nor are tested, so that nobody waits for features of their photos."""
    others_teach = protocol.hyperprior in ("half", "leave-one-out") or OTHERS in protocol.methods
    return table if others_teach or table.test_raters is None else table.of(table.test_raters)


def _check_fair(protocol: EvaluationProtocol, taste: TastePart, table: RatingTable) -> None:
    """Refuse to test the bank's hyperprior on raters who may have taught it."""
    known = sum(digest(photo) in taste.hyperprior_of for photo in table.photos)
    if protocol.hyperprior == "shipped" and known:
        raise CommandError(
            f"The bank's hyperprior was learned from raters of {known} of these {len(table.photos)} photos: testing it on them is unfair. "
            "Choose --hyperprior half or flat, or a bank that was trained without this dataset (./pav train_generic_score)."
        )


def _identity(bank: str, protocol: EvaluationProtocol, table: RatingTable, kinds: Domains | None) -> str:
    """Hash of everything that a kept result depends on besides its key: method, rater, number of shots, repeat."""
    named = {"people" if name == "raters" else name: value for name, value in asdict(protocol).items()}  # as in results kept earlier
    facts = named | {"shots": (), "repeats": 0, "methods": (), "people": 0}
    ratings = [(one.rater, one.photos.tolist(), one.ratings.tolist()) for one in table.raters]
    of_photos = [kinds.names, kinds.of_photo.tolist()] if kinds else []
    return hashlib.sha256(json.dumps([bank, facts, ratings, *of_photos]).encode()).hexdigest()[:16]


def _part(text: str) -> tuple[int, int]:
    try:
        which, of = (int(number) for number in text.split("/"))
    except ValueError as error:
        raise CommandError(f"--part is {text!r}: write it as I/N; 1/4 is the first of four parts.") from error
    if not 1 <= which <= of:
        raise CommandError(f"--part is {text!r}: the first number must be between 1 and the second.")
    return which, of
