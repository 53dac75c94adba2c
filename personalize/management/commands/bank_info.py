"""Summary of a bank."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from personalize.files import banks
from personalize.files.banks import TasteRow
from personalize.management.command import ModelCommand


class Command(ModelCommand):
    help = "Show a bank's tasks, backbone, form and sizes, the lengths of its task vectors and the angles between them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bank", type=Path, nargs="?", default=banks.DEFAULT)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        from personalize.bank_building.bank_info import bank_info  # needs torch, which --help does not

        info = bank_info(options["bank"])
        if options["json"]:
            self.stdout.write(json.dumps(info, indent=1, ensure_ascii=False))
            return
        self.stdout.write(f"{options['bank']}: {info['format']}, written by PAV {info['pav_version']}, sha256 {info['sha256']}")
        if not info["tasks"]:
            self.stdout.write("no task vectors: raters are fitted by the instant model alone")
        licence = f" ({info['backbone_licence']})" if info["backbone_licence"] else ""
        self.stdout.write(f"backbone {info['backbone']}{licence}, {info['blocks']} blocks, encoder {info['encoder']}")
        self.stdout.write("sizes in MB: " + ", ".join(f"{part} {size}" for part, size in info["megabytes"].items()))
        self.stdout.write(f"task vectors' licence: {info['licence'] or 'not stated'}")
        self.stdout.write(f"{'task':24} {'form':10} {'start':>14} {'length':>10}  cosine with each, in this order")
        for task, cosines in zip(info["tasks"], info["cosines"], strict=True):
            angles = " ".join(f"{value:6.3f}" for value in cosines)
            self.stdout.write(f"{task:24} {info['form'][task]:10} {info['start'][task]!s:>14} {info['norms'][task]:>10.4g}  {angles}")
        for task, dataset in info["trained_on"].items():
            self.stdout.write(f"{task}: trained on {dataset}; licence of the dataset: {info['dataset_licences'][task]}")
        for task, source in info["sources"].items():
            self.stdout.write(f"{task}: {source['file']}, sha256 {source['sha256']}")
        for file, widths in info["extractors"].items():
            self.stdout.write(f"extractor {file}: " + ", ".join(f"{group} ({width})" for group, width in widths.items()))
        if info["taste"]:
            self._write_taste(info["taste"], has_network=bool(info["tasks"]))
        if not (info["extractors"] and info["taste"]):
            self.stdout.write("This bank serves exact fits only: the app and evaluate need extractors and a taste part (docs/banks.md).")
        for cost in info["compressed"]:
            errors = ", ".join(f"{task} {lost:.4f}" for task, lost in cost["relative_error"].items())
            self.stdout.write(f"compressed to {cost['form']} from bank {cost['from'][:16]}; relative errors: {errors}")

    def _write_taste(self, taste: TasteRow, *, has_network: bool) -> None:
        left_out = taste.get("left_out_srocc", {})
        for name, head in taste["heads"].items():
            use = "pooled into the generic score" if head["pooled"] else "a direction of its own"
            travels = f"; SROCC {left_out[name]:.3f} of the generic score without it" if name in left_out else ""
            self.stdout.write(f"task head {name}: {head['photos']} photos, {use}{travels}")
        if not taste["heads"]:
            score = "the merged network's" if has_network else "empty: photos are in order of date for everyone"
            self.stdout.write(f"task heads: none; the generic score is {score}")
        learned = taste["hyperprior"]
        if not isinstance(learned, str):
            learned = f"from raters of {', '.join(learned['raters_of'])}, {learned['photos']} photos"
        self.stdout.write(f"hyperprior: {learned}")
