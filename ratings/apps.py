"""The rating app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RatingsConfig(AppConfig):
    name = "ratings"

    def ready(self) -> None:
        # Their signals remove the files of deleted rows, and give accounts their raters.
        from ratings.accounts import sessions as _sessions  # noqa: F401
        from ratings.downloads import services as _downloads  # noqa: F401
        from ratings.exports import services as _exports  # noqa: F401
        from ratings.photos import services as _photos  # noqa: F401
        from ratings.uploads import services as _uploads  # noqa: F401

        post_migrate.connect(make_roles, sender=self)


def make_roles(**_signal: Any) -> None:
    """Make the roles; they come back after a `flush`, which empties all tables."""
    from ratings.accounts import services  # models cannot be imported when this module is

    services.make_roles()
