"""`./pav admin_link`: prints a one-time sign-in link for the administrator."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse

from ratings.raters import admin_links


class Command(BaseCommand):
    help = "Print a link that signs the administrator in. It works once, within 15 minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", default="http://localhost:8000", help="address of the running PAV")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(options["address"].rstrip("/") + reverse("staff_enter", args=[admin_links.make_ticket()]))
