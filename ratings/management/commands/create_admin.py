"""`./pav create_admin`: makes an administrator, and prints the first sign-in link."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from ratings.accounts import services
from ratings.errors import RatingError
from ratings.raters import admin_links


class Command(BaseCommand):
    help = (
        "Make an administrator, and print a link for the first sign-in. It works once, within 15 minutes; then add a passkey or a password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="name of the account")
        parser.add_argument("--email", default="", help="mail address, for codes and notices")
        parser.add_argument("--address", default="http://localhost:8000", help="address of the running PAV")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            name = services.create_admin(name=options["name"], email=options["email"])
        except RatingError as error:
            raise CommandError(str(error.sentence)) from error
        self.stdout.write(options["address"].rstrip("/") + reverse("staff_enter", args=[admin_links.make_ticket(name)]))
