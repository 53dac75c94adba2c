"""The roles: groups of accounts. Migrations make them; they come back after a `flush`, which empties all tables."""

from django.contrib.auth.models import Group
from django.db.models.signals import post_migrate
from django.dispatch import receiver

ROLES = ("rater", "researcher", "administrator")


@receiver(post_migrate, dispatch_uid="roles")
def make_roles(app_config: object, **_signal: object) -> None:
    """Make roles that are missing; those that are there keep their permissions, which an administrator may have changed."""
    if getattr(app_config, "name", "") == "ratings":
        for name in ROLES:
            Group.objects.get_or_create(name=name)
