"""The rating app."""

from django.apps import AppConfig


class RatingsConfig(AppConfig):
    name = "ratings"

    def ready(self) -> None:
        from ratings import model_exports, photo_services  # noqa: F401  their signals remove the files of what is deleted
