"""What is wrong with this machine, and how to mend it: `./pav doctor`."""

from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

from pav_site import doctor

STYLES = {doctor.OK: "green", doctor.WARN: "yellow", doctor.FAIL: "bold red"}


class Command(BaseCommand):
    help = "Check Python, packages, services, model files, disk, browser and GPU. Ends with 1 where something must be mended."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console()
        failed = 0
        for finding in doctor.examine():
            failed += finding.state == doctor.FAIL
            console.print(Text(f"{finding.state:5}", style=STYLES[finding.state]), Text(f"{finding.what}: {finding.found}"), soft_wrap=True)
            if finding.mend:
                console.print(Text(f"      {finding.mend}"), soft_wrap=True)
        if failed:
            raise SystemExit(1)
