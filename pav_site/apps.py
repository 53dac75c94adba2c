"""Django app configuration of the site."""

from django.apps import AppConfig


class PavSiteConfig(AppConfig):
    name = "pav_site"

    def ready(self) -> None:
        # Web processes queue tasks by name; without this import they would use Celery's default application, which has no broker.
        from pav_site import celery  # noqa: F401
