"""The rating app."""

from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "ratings"

    def ready(self) -> None:
        # Their signals remove the files of deleted rows, give accounts their raters, and make the roles.
        from ratings.accounts import roles as _roles  # noqa: F401
        from ratings.accounts import sessions as _sessions  # noqa: F401
        from ratings.exports import services as _exports  # noqa: F401
        from ratings.photos import services as _photos  # noqa: F401
