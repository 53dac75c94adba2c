"""One-time sign-in links for administrators, who need no password."""

import secrets

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.core import signing
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SALT = "ratings.staff.ticket"
MINUTES = 15
INVALID_LINK = _("This link has been used or is older than 15 minutes. Get a new one with ./pav admin_link.")


def make_ticket(name: str = "admin") -> str:
    """A ticket for an administrator; an account that does not exist is created without a password."""
    users = get_user_model()
    admin, created = users.objects.get_or_create(username=name, defaults={"is_staff": True, "is_superuser": True})
    if created:
        admin.set_unusable_password()
        admin.save(update_fields=["password"])
    # Signing in changes last_login, which is part of the ticket: so a ticket works once.
    return signing.dumps([admin.pk, _last_login(admin), secrets.token_urlsafe(8)], salt=SALT)


def sign_in(request: HttpRequest, ticket: str) -> bool:
    """Sign the administrator in; False if the ticket is invalid, expired or used."""
    try:
        user_id, stamp, _nonce = signing.loads(ticket, salt=SALT, max_age=MINUTES * 60)
    except (signing.BadSignature, ValueError):
        return False
    admin = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    if admin is None or stamp != _last_login(admin):
        return False
    # Claimed by a conditional update: if two browsers use the ticket at the same time, one of them is refused.
    if not get_user_model().objects.filter(pk=admin.pk, last_login=admin.last_login).update(last_login=timezone.now()):
        return False
    login(request, admin, backend=settings.AUTHENTICATION_BACKENDS[0])
    return True


def _last_login(user: object) -> str:
    last = getattr(user, "last_login", None)
    return last.isoformat() if last else "never"
