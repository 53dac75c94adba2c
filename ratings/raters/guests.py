"""Who rates in a session: the account that is signed in, or else the guest of this browser."""

from collections.abc import MutableMapping
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest

from ratings import limits
from ratings.raters import selectors, services


class RaterRequest(HttpRequest):
    """A request of the API, authenticated by its session."""

    auth: UUID


SESSION_KEY = "rater"
OLD_SESSION_KEY = "person"  # sessions begun before version 0.1 have it; without it their raters would be lost


def rater_of(session: MutableMapping[str, object], user: AbstractBaseUser | AnonymousUser) -> UUID | None:
    """The rater of a session: the account's, or the guest's where nobody is signed in. None before the first visit of the start page."""
    return selectors.rater_of_account(user) if user.is_authenticated else guest_of(session)


def guest_of(session: MutableMapping[str, object]) -> UUID | None:
    """The guest of this browser, also while an account is signed in that the guest's ratings have not been added to."""
    kept = session.get(SESSION_KEY) or session.get(OLD_SESSION_KEY)
    return UUID(str(kept)) if kept else None


def ensure_rater(request: HttpRequest) -> UUID:
    """The rater of this session; a new one where there is none yet, or where the rater has been deleted.

    Raises:
        TooManyRequests: too many new guests from this IP address.
    """
    if request.user.is_authenticated:
        return selectors.rater_of_account(request.user) or give_rater(request, request.user)
    rater_id = guest_of(request.session)
    if rater_id is None or not selectors.guest_exists(rater_id):
        limits.check_new_guest(request.META.get("REMOTE_ADDR", ""))
        rater_id = services.make_guest().id
    remember_guest(request, rater_id)
    return rater_id


def give_rater(request: HttpRequest, user: AbstractBaseUser, *, save_guest: bool = False) -> UUID:
    """The rater of an account that signs in. An account without one becomes the guest of this browser where that guest has not rated, or
    (`save_guest`) was the one to sign up. Ratings of another guest stay apart until they are added (`ratings.accounts.merging`)."""
    guest = guest_of(request.session)
    rater_id = services.give_rater(user_id=user.pk, guest=guest, with_ratings=save_guest)
    if rater_id == guest:
        forget_guest(request)
    return rater_id


def remember_guest(request: HttpRequest, guest: UUID) -> None:
    """Tie a guest to this session."""
    if request.session.get(SESSION_KEY) != str(guest):
        request.session[SESSION_KEY] = str(guest)
        request.session.pop(OLD_SESSION_KEY, None)


def forget_guest(request: HttpRequest) -> None:
    """End the tie of this session to its guest."""
    for key in (SESSION_KEY, OLD_SESSION_KEY):
        request.session.pop(key, None)
