"""Scoring of photos with an exported model; needs no database."""

import csv
import json
import sys
from math import isnan
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from personalize.exports import model_files
from personalize.files.photo_files import photos_below
from personalize.management.command import ModelCommand
from personalize.management.progress import progress_bar


class Command(ModelCommand):
    help = "Score photos with a rater's exported model, best first. A .json model needs its bank; an .onnx model needs nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("photos", nargs="+", type=Path, help="photo files, or folders of them")
        parser.add_argument("--model", type=Path, required=True, help="file written by export_model: .json, .safetensors or .onnx")
        parser.add_argument("--bank", type=Path, default=settings.PAV["BANK"])
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--csv", action="store_true", help="print CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        photos = _found(options["photos"])
        with progress_bar() as progress:
            scores = model_files.score(options["model"], photos, options["bank"], progress)
        pairs = list(zip(map(str, photos), scores, strict=True))
        for name, value in pairs:
            if isnan(value):
                self.stderr.write(f"{name} cannot be read as a photo, and is skipped.")
        ranked = sorted((pair for pair in pairs if not isnan(pair[1])), key=lambda pair: -pair[1])
        if not ranked:
            raise CommandError("None of the files can be read as a photo.")
        if options["json"]:
            self.stdout.write(json.dumps([{"photo": name, "score": round(value, 6)} for name, value in ranked], indent=1))
        elif options["csv"]:
            csv.writer(sys.stdout).writerows([("photo", "score"), *((name, f"{value:.6f}") for name, value in ranked)])
        else:
            self.stdout.write("\n".join(f"{value:9.4f}  {name}" for name, value in ranked))


def _found(given: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            found += photos_below(path)
        elif path.is_file():
            found.append(path)
        else:
            raise CommandError(f"{path} is neither a photo nor a folder.")
    if not found:
        raise CommandError("The given folders contain no photos.")
    return found
