"""Forms of sign-in and sign-up: one address, a password for those who like one, passkeys."""

import logging
from typing import Any

from allauth.account.forms import LoginForm, SignupForm
from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
    SignupWebAuthnForm,
)
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from ratings.accounts.sessions import limit_administrator

logger = logging.getLogger(__name__)

MALFORMED = (KeyError, AttributeError, TypeError, ValueError)


class SignInForm(LoginForm):
    """Sign-in by password, or where it is left empty by a code that is mailed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        login, password = self.fields["login"], self.fields["password"]
        password.help_text = ""
        if settings.HAS_MAIL:
            login.label = _("Mail address")
            password.required = False
            password.help_text = _("Leave it empty to get a code by mail.")
        else:
            login.label = _("Name")
        _without_placeholders(self)

    def _login_with_password(self, request: HttpRequest, redirect_url: str | None, credentials: dict[str, object]) -> HttpResponse:
        response = super()._login_with_password(request, redirect_url, credentials)
        if request.user.is_authenticated:  # allauth has made the session as long as those of raters
            limit_administrator(request, request.user)
        return response


class SignUpForm(SignupForm):
    """Sign-up by address, or where there is no mail by name and password."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if settings.HAS_MAIL:
            self.fields["email"].label = _("Mail address")
        else:
            self.fields["username"].label = _("Name")
        if settings.HAS_MAIL and "password1" in self.fields:
            self.fields["password1"].label = _("Password, if you like one")
            self.fields["password1"].help_text = _("You can also sign in with a passkey, or with a code that we mail you.")
        _without_placeholders(self)


def _without_placeholders(form: LoginForm | SignupForm) -> None:
    """Labels stay in view while a visitor types."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)


class _Credential:
    """What a browser sends of a passkey. allauth's parser raises other errors than its own where a part is missing."""

    def _clean_fields(self) -> None:
        try:
            super()._clean_fields()  # type: ignore[misc]
        except MALFORMED as error:
            self.add_error("credential", get_adapter().validation_error("incorrect_code"))  # type: ignore[attr-defined]
            logger.info("A passkey could not be read: %r", error)

    def _clean_form(self) -> None:
        try:
            super()._clean_form()  # type: ignore[misc]
        except MALFORMED as error:
            self.add_error("credential", get_adapter().validation_error("incorrect_code"))  # type: ignore[attr-defined]
            logger.info("A passkey could not be read: %r", error)


class PasskeySignInForm(_Credential, LoginWebAuthnForm):
    """Sign-in by passkey."""


class PasskeyAuthenticateForm(_Credential, AuthenticateWebAuthnForm):
    """A passkey as the second factor."""


class PasskeyReauthenticateForm(_Credential, ReauthenticateWebAuthnForm):
    """A passkey as proof before a change."""


class PasskeySignUpForm(_Credential, SignupWebAuthnForm):
    """The first passkey of an account."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].label = _("Name")


class PasskeyAddForm(_Credential, AddWebAuthnForm):
    """One more passkey; it signs in without a password unless chosen otherwise."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].label = _("Name")
        self.fields["passwordless"].label = _("Sign in with it, without a password")
        self.fields["passwordless"].help_text = ""
        self.fields["passwordless"].initial = True
