"""Account adapter for allauth: sign-up permission, mail, reauthentication, and what a sign-out keeps."""

import logging
import time
from base64 import urlsafe_b64encode
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from ratings.accounts import selectors, services
from ratings.accounts.sessions import SIGNED_IN_AT, SIGNING_UP, close_sockets_of
from ratings.raters import guests

logger = logging.getLogger(__name__)

SECRETS = "ratings.accounts.factors"
SIGN_UP_MAIL = "account/email/email_confirmation_signup"


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up as PAV_SIGNUP says; mail that may fail; guests."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return selectors.may_sign_up(request.session)

    def save_user(self, request: HttpRequest, user: AbstractBaseUser, form: BaseForm, commit: bool = True) -> AbstractBaseUser:
        """Make the account, and use up the invitation where one is needed."""
        invitation = selectors.invitation_of(request.session)
        with transaction.atomic():  # an account that cannot be made leaves its invitation open
            if selectors.needs_invitation() and not services.claim_invitation(invitation):
                raise ImmediateHttpResponse(render(request, "account/signup_closed.html", {"invitation_is_used": True}, status=403))
            saved = super().save_user(request, user, form, commit)
            services.finish_sign_up(user=saved, invitation=invitation)
        return saved

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **hooks: Any) -> HttpResponse | None:
        if hooks["signup"]:
            request.session[SIGNING_UP] = user.pk
        return super().pre_login(request, user, **hooks)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **hooks: Any) -> HttpResponse:
        """Tell the owner of a new sign-in; ask about the ratings of this browser's guest first."""
        if not hooks["signup"]:
            self.send_notification_mail("account/email/signed_in", user)
        response = super().post_login(request, user, **hooks)
        if selectors.waiting_ratings(request) and response.get("Location") == resolve_url("home"):
            response["Location"] = resolve_url("account_merge")
        return response

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("home")

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("account_overview")

    def logout(self, request: HttpRequest) -> None:
        """Sign out; a guest whose ratings were not added to the account is this browser's guest again."""
        guest = guests.guest_of(request.session)
        super().logout(request)
        if guest:
            guests.remember_guest(request, guest)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Not within five minutes of a sign-in, nor where an account has nothing to prove itself with, as after an administrator's link."""
        signed_in_at = self.request.session.get(SIGNED_IN_AT, 0.0)
        if time.time() - signed_in_at < app_settings.REAUTHENTICATION_TIMEOUT:
            return False
        if not self.get_reauthentication_methods(self.request.user):
            return False
        return super().is_reauthentication_required(app=app, **kwargs)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail that a user waits for. Where the mail server is away, a page says so, and a sign-up can be tried again."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:  # of the connection, and every error of smtplib
            logger.error("%s could not be sent: %s", template_prefix, error)
            if template_prefix == SIGN_UP_MAIL:
                services.take_back_sign_up(context["user"])
            raise ImmediateHttpResponse(render(self.request, "account/mail_away.html", status=503)) from error

    def send_notification_mail(
        self, template_prefix: str, user: AbstractBaseUser, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell the owner of an account. What happened stands, also where the mail cannot be sent."""
        try:
            super().send_notification_mail(template_prefix, user, context, email)
        except ImmediateHttpResponse:
            logger.warning("The owner of account %s was not told by mail: %s", user.pk, template_prefix)

    def populate_username(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Accounts with an address need no name: a random one says nothing about them."""
        if isinstance(user, User) and not user.username and user.email:
            user.username = services.random_username()
        super().populate_username(request, user)


class FactorsAdapter(DefaultMFAAdapter):
    """Names of passkeys; secrets that a copy of the database does not tell."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey") if number == 1 else gettext("Passkey {number}").format(number=number)


def _cipher() -> MultiFernet:
    """By the secret key of the installation, and for reading also by its former ones (SECRET_KEY_FALLBACKS)."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(urlsafe_b64encode(salted_hmac(SECRETS, b"", key, algorithm="sha256").digest())) for key in keys])


class SessionsAdapter(DefaultUserSessionsAdapter):
    """Ends sessions from the list of sessions."""

    def end_sessions(self, sessions: list[UserSession]) -> None:
        super().end_sessions(sessions)
        for user in {session.user for session in sessions}:
            close_sockets_of(user)
