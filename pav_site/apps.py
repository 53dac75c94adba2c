"""Django app configuration of the site."""

from django.apps import AppConfig


class PavSiteConfig(AppConfig):
    name = "pav_site"
    default = True

    def ready(self) -> None:
        # Web processes queue tasks by name; without this import they would use Celery's default application, which has no broker.
        from pav_site import celery  # noqa: F401


class LauncherConfig(AppConfig):
    """The site in the demo's launcher, which queues no tasks."""

    name = "pav_site"
