"""`./pav doctor`: checks of this machine, with fixes."""

from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

from pav_site import doctor

STYLES = {doctor.OK: "green", doctor.WARN: "yellow", doctor.FAIL: "bold red"}


class Command(BaseCommand):
    help = "Check Python, packages, services, model files, disk, browser and GPU. Exits with status 1 if something must be fixed."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console()
        failed = 0
        for finding in doctor.examine():
            failed += finding.state == doctor.FAIL
            console.print(Text(f"{finding.state:5}", style=STYLES[finding.state]), Text(f"{finding.what}: {finding.found}"), soft_wrap=True)
            if finding.fix:
                console.print(Text(f"      {finding.fix}"), soft_wrap=True)
        if failed:
            raise SystemExit(1)
