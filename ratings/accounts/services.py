"""Writes of accounts: invitations, sign-up, administrators."""

import secrets
from datetime import timedelta
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, Group, Permission, User
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ratings.errors import RatingError
from ratings.raters.models import Invitation

INVITATION_DAYS = 14
RATER, RESEARCHER, ADMINISTRATOR = "rater", "researcher", "administrator"  # groups, which are the roles
ROLES: dict[str, tuple[str, ...]] = {RATER: (), RESEARCHER: ("add_study",), ADMINISTRATOR: ()}  # and what each may do


class NameTaken(RatingError):
    status = 409
    sentence = _("There is an account of this name or address already.")


def make_roles() -> None:
    """Make roles that are missing; those that are there keep their permissions, which an administrator may have changed."""
    for name, permissions in ROLES.items():
        role, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            role.permissions.add(*Permission.objects.filter(content_type__app_label="ratings", codename__in=permissions))


def invite(*, created_by: int | None = None, note: str = "") -> Invitation:
    """An invitation by which one person may make an account within two weeks."""
    expires_at = timezone.now() + timedelta(days=INVITATION_DAYS)
    return Invitation.objects.create(created_by_id=created_by, note=note, expires_at=expires_at)


def claim_invitation(invitation: UUID | None) -> bool:
    """Use up an invitation; False where it is used, expired or unknown. Of two that sign up with it at once, one is refused."""
    if invitation is None:
        return False
    unused = Invitation.objects.filter(id=invitation, used_at=None, expires_at__gt=timezone.now())
    return bool(unused.update(used_at=timezone.now()))


def finish_sign_up(*, user: AbstractBaseUser, invitation: UUID | None) -> None:
    """Give a new account its role, and record who used the invitation."""
    if isinstance(user, User):
        user.groups.add(Group.objects.get_or_create(name=RATER)[0])
    if invitation is not None:
        Invitation.objects.filter(id=invitation, used_at__isnull=False, used_by=None).update(used_by=user.pk)


def take_back_sign_up(user: AbstractBaseUser) -> None:
    """Delete an account whose first mail could not be sent, so that its owner can sign up again, with the same invitation."""
    with transaction.atomic():
        Invitation.objects.filter(used_by=user.pk).update(used_by=None, used_at=None)
        user.delete()


def list_session(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Add this session to the account's list, with its address and browser."""
    if "REMOTE_ADDR" in request.META:
        UserSession.objects.create_from_request(request, user=user)


def unlist_session(key: str | None) -> None:
    UserSession.objects.filter(session_key=key).delete()


def random_username() -> str:
    return f"u-{secrets.token_hex(8)}"


def create_admin(*, name: str, email: str = "") -> str:
    """A superuser without a password, who signs in by a link. Returns the name.

    Raises:
        NameTaken: there is an account of this name or address.
    """
    users = get_user_model()
    if email and users.objects.filter(email__iexact=email).exists():
        raise NameTaken
    try:
        with transaction.atomic():
            admin = users.objects.create_superuser(username=name, email=email)
    except IntegrityError:
        raise NameTaken from None
    admin.groups.add(Group.objects.get_or_create(name=ADMINISTRATOR)[0])
    return str(admin.get_username())
