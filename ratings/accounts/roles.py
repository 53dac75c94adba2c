"""The roles are there after every migration, and come back after a `flush`, which empties all tables."""

from django.db.models.signals import post_migrate
from django.dispatch import receiver

from ratings.accounts import services


@receiver(post_migrate, dispatch_uid="roles")
def make_roles(app_config: object, **_signal: object) -> None:
    if getattr(app_config, "name", "") == "ratings":
        services.make_roles()
