"""Writing of a bank's extractors."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from personalize.files import banks
from personalize.management.command import ModelCommand
from personalize.management.progress import progress_bar


class Command(ModelCommand):
    help = "Write the ONNX files that compute a bank's raw features next to the bank, and their rows into its metadata."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bank", type=Path, nargs="?", default=banks.DEFAULT)

    def handle(self, *args: Any, **options: Any) -> None:
        from personalize.bank_building import onnx_extractors  # needs torch, which --help does not

        with progress_bar() as progress:
            metadata = onnx_extractors.write(options["bank"], progress)
        for row in metadata.facts["extractors"]:
            groups = ", ".join(f"{output['group']} ({output['width']})" for output in row["outputs"])
            self.stdout.write(f"{row['file']}: {row['bytes'] / 1e6:.1f} MB, sha256 {row['sha256']}: {groups}")
