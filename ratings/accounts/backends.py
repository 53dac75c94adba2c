"""Authentication of accounts by password, and the account behind a session with its rater in one query."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser


class AccountBackend(AuthenticationBackend):
    """allauth's backend; every request needs the rater of the account, too."""

    def get_user(self, user_id: int) -> AbstractBaseUser | None:
        user = get_user_model().objects.select_related("rater").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
