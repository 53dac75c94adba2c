"""Base class of management commands that need no database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from personalize.errors import PersonalizeError


class ModelCommand(BaseCommand):
    """Reports errors that a user can fix as one sentence, without a traceback."""

    requires_system_checks = []

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (PersonalizeError, OSError) as error:
            raise CommandError(str(error)) from error
