"""Learning of a new projection from the installation's photos, without waiting for the next threshold."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from personalize.errors import PersonalizeError
from personalize.worker import projections
from ratings import jobs
from ratings.errors import RatingError
from ratings.ranking import projections as versions

NO_BANK = "There is no current bank. ./pav doctor says why."


class Command(BaseCommand):
    help = "Learn a new projection from this installation's photos. It fills in the background, and comes into use when every photo has it."

    def add_arguments(self, parser: CommandParser) -> None:
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--status", action="store_true", help="show all projections, and how many photos have features of each")
        instead.add_argument("--rollback", action="store_true", help="bring back the projection that was in use before")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["status"]:
            self._show()
            return
        try:
            version = versions.rollback() if options["rollback"] else self._learn()
        except RatingError as error:
            raise CommandError(str(error.sentence)) from error
        except PersonalizeError as error:
            raise CommandError(str(error)) from error
        jobs.request_fill(version)
        self.stdout.write(f"Version {version} fills in the background, and is in use when it is whole.")

    def _learn(self) -> int:
        after = versions.current()
        if after is None:
            raise CommandError(NO_BANK)
        learned = projections.learn(after)
        if learned is None:
            raise CommandError("A worker is learning or filling a version at this moment. Try again in a minute.")
        return learned.pk

    def _show(self) -> None:
        found = versions.status()
        if not found:
            raise CommandError(NO_BANK)
        for one in found:
            origin = f"learned from {one.version.photo_count} photos" if one.version.photo_count else "came with the bank"
            said = f"not learned from {one.version.photo_count} photos: {one.problem}" if one.problem else origin
            self.stdout.write(
                f"Version {one.version.id}: {one.version.state}, {one.ready} of {one.total} photos, bank {one.version.bank}, "
                f"{one.created_at:%Y-%m-%d %H:%M}, {said}"
            )
