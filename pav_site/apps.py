"""The site as a Django app."""

from django.apps import AppConfig


class PavSiteConfig(AppConfig):
    name = "pav_site"

    def ready(self) -> None:
        # Web processes enqueue by task name; without this they would talk to Celery's default application, which knows no broker.
        from pav_site import celery  # noqa: F401
