"""Sign-in by another service (OpenID Connect), where one is configured. Loaded only then: its packages are not installed otherwise."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.shortcuts import render

from ratings.accounts import selectors, services


class SocialAdapter(DefaultSocialAccountAdapter):
    """Sign-up as PAV_SIGNUP says, also by another service."""

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> AbstractBaseUser:
        """Make the account. With a form, the adapter of accounts uses up the invitation."""
        invitation = selectors.invitation_of(request.session)
        if form is None and selectors.needs_invitation() and not services.claim_invitation(invitation):
            raise ImmediateHttpResponse(render(request, "account/signup_closed.html", {"invitation_is_used": True}, status=403))
        user = super().save_user(request, sociallogin, form)
        services.finish_sign_up(user=user, invitation=invitation)
        return user
