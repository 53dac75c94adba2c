"""Reads of accounts: who may sign up, and ratings that wait to be added."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from django.utils import timezone

from ratings.raters import guests
from ratings.raters.models import Invitation
from ratings.raters.selectors import guest_ratings

INVITATION = "invitation"  # key of the session


def needs_invitation() -> bool:
    """Whether nobody signs up without an invitation: as the setting says, or because there is no mail that could verify an address."""
    return settings.PAV["SIGNUP"] == "invitation" or not settings.PAV["MAIL_URL"]


def invitation_of(session: Mapping[str, object]) -> UUID | None:
    """The invitation that this browser came with."""
    kept = session.get(INVITATION)
    return UUID(str(kept)) if kept else None


def invitation_is_open(invitation: UUID | None) -> bool:
    return invitation is not None and Invitation.objects.filter(id=invitation, used_at=None, expires_at__gt=timezone.now()).exists()


def may_sign_up(session: Mapping[str, object]) -> bool:
    """Whether this browser may make an account."""
    if settings.PAV["SIGNUP"] == "closed":
        return False
    return not needs_invitation() or invitation_is_open(invitation_of(session))


def waiting_ratings(request: HttpRequest) -> int:
    """How many ratings a guest gave in this browser that the account, which is signed in, may take."""
    guest = guests.guest_of(request.session)
    return guest_ratings(guest) if guest and request.user.is_authenticated else 0


def display_name(user: AbstractUser) -> str:
    """What a passkey or an app for codes shows of an account."""
    return user.email or user.get_username()
