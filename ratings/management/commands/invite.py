"""`./pav invite`: prints links by which people may make an account."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse

from ratings.accounts import services


class Command(BaseCommand):
    help = "Print invitation links. Each makes one account, within two weeks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--count", type=int, default=1, help="how many links")
        parser.add_argument("--note", default="", help="for whom; only administrators see it")
        parser.add_argument("--address", default="http://localhost:8000", help="address of the running PAV")

    def handle(self, *args: Any, **options: Any) -> None:
        for _ in range(options["count"]):
            invitation = services.invite(note=options["note"])
            self.stdout.write(options["address"].rstrip("/") + reverse("account_invitation", args=[invitation.id]))
