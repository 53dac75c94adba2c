"""The rating app."""

from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "ratings"

    def ready(self) -> None:
        from ratings import photo_services  # noqa: F401  files of deleted photos are removed by its signal
