"""Say what a bank is made of."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from personalize.errors import PersonalizeError
from personalize.files import banks
from personalize.programs import bank_facts


class Command(BaseCommand):
    help = "Tasks, backbone, form and sizes of a bank, the lengths of its task vectors and the angles between them."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bank", type=Path, nargs="?", default=banks.DEFAULT)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = bank_facts.tell(options["bank"])
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(told, indent=1, ensure_ascii=False))
            return
        self.stdout.write(f"{options['bank']}: {told['format']}, written by PAV {told['pav_version']}, sha256 {told['sha256']}")
        licence = f" ({told['backbone_licence']})" if told["backbone_licence"] else ""
        self.stdout.write(f"backbone {told['backbone']}{licence}, {told['blocks']} blocks, encoder {told['encoder']}")
        self.stdout.write("sizes in MB: " + ", ".join(f"{part} {size}" for part, size in told["megabytes"].items()))
        self.stdout.write(
            f"projection: {'yes' if told['projection'] else 'none'}; task vectors' licence: {told['licence'] or 'not stated'}"
        )
        self.stdout.write(f"{'task':24} {'form':10} {'start':>14} {'length':>10}  cosine with each, in this order")
        for task, cosines in zip(told["tasks"], told["cosines"], strict=True):
            angles = " ".join(f"{value:6.3f}" for value in cosines)
            self.stdout.write(f"{task:24} {told['form'][task]:10} {told['start'][task]!s:>14} {told['norms'][task]:>10.4g}  {angles}")
        for task, database in told["trained_on"].items():
            self.stdout.write(f"{task}: trained on {database}; licence of the database: {told['database_licences'][task]}")
        for task, source in told["sources"].items():
            self.stdout.write(f"{task}: {source['file']}, sha256 {source['sha256']}")
        for cost in told["compressed"]:
            errors = ", ".join(f"{task} {lost:.4f}" for task, lost in cost["relative_error"].items())
            self.stdout.write(f"compressed to {cost['form']} from bank {cost['from'][:16]}; relative errors: {errors}")
