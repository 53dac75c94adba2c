"""Base of the commands that need no database of the site."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from personalize.errors import PersonalizeError


class ModelCommand(BaseCommand):
    """What a user can mend ends the command with one sentence."""

    requires_system_checks = []

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (PersonalizeError, OSError) as error:
            raise CommandError(str(error)) from error
