"""The roles: groups of accounts, and what they may do. Migrations make them; they come back after a `flush`, which empties all tables."""

from django.contrib.auth.models import Group, Permission
from django.db.models.signals import post_migrate
from django.dispatch import receiver

ROLES: dict[str, tuple[str, ...]] = {"rater": (), "researcher": ("add_study",), "administrator": ()}


@receiver(post_migrate, dispatch_uid="roles")
def make_roles(app_config: object, **_signal: object) -> None:
    """Make roles that are missing; those that are there keep their permissions, which an administrator may have changed."""
    if getattr(app_config, "name", "") != "ratings":
        return
    for name, permissions in ROLES.items():
        role, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            role.permissions.add(*Permission.objects.filter(content_type__app_label="ratings", codename__in=permissions))
