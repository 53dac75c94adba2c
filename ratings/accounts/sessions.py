"""Sessions at sign-in, sign-out and account deletion: their rater, their length, and sockets that must reconnect."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import redis
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from ratings.accounts import services
from ratings.ranking import events
from ratings.raters import guests, selectors
from ratings.raters.models import Rater

logger = logging.getLogger(__name__)

ADMINISTRATOR_HOURS = 12
SIGNED_IN_AT = "signed_in_at"  # key of the session: seconds since 1970
CLOSED_RATERS = "pav.closed_raters"  # key of a request's META
SIGNING_UP = "signing_up"  # key of the session: the account that this browser's guest becomes


@receiver(user_logged_in)
def begin(request: HttpRequest, user: AbstractBaseUser, **_signal: Any) -> None:
    """Give the account its rater, and list the session. An administrator's ends after twelve hours."""
    guest = guests.guest_of(request.session)
    guests.give_rater(request, user, save_guest=request.session.pop(SIGNING_UP, None) == user.pk)
    request.session[SIGNED_IN_AT] = time.time()
    limit_administrator(request, user)
    services.list_session(request, user)
    if guest:
        _close_after_response(request, guest)


def limit_administrator(request: HttpRequest, user: AbstractBaseUser | AnonymousUser) -> None:
    """End an administrator's session twelve hours from now, however often it is used."""
    if selectors.is_staff(user):
        request.session.set_expiry(timezone.now() + timedelta(hours=ADMINISTRATOR_HOURS))


def may_administer(request: HttpRequest) -> bool:
    """Whether the administration is open to a session. One that began before accounts, or before its owner became staff, is limited now."""
    may = selectors.is_staff(request.user)
    if may and "_session_expiry" not in request.session:
        limit_administrator(request, request.user)
    return may


@receiver(user_logged_out)
def end(request: HttpRequest, user: AbstractBaseUser | None, **_signal: Any) -> None:
    """Close the sockets of an account; those of its other devices connect again at once."""
    if user is not None:
        services.unlist_session(request.session.session_key)
        rater_id = selectors.rater_of_account(user)
        if rater_id:
            _close_after_response(request, rater_id)


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's, except that only the request that ends a session removes the cookie.

    Django also removes the cookie of a session that it does not know. While a visitor signs in, another tab may still fetch photos with the
    previous cookie: the reply would sign the visitor out again.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.session.is_empty() and not request.session.modified:
            patch_vary_headers(response, ("Cookie",))
            return response
        return super().process_response(request, response)


class SocketsMiddleware:
    """Closes sockets once the response has left. Earlier, a page would connect again with the cookie of the session that has just ended."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        raters = request.META.get(CLOSED_RATERS)
        if raters:
            response._resource_closers.append(lambda: events.close_sockets(*raters))  # type: ignore[attr-defined]  # the stubs lack it
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Nobody signs in while Redis is away, since no attempt could be counted; ratings are stored without it."""
        if not isinstance(error, redis.RedisError):
            return None
        logger.error("%s failed because Redis is away: %s", request.path, error)
        return render(request, "account/away.html", status=503)


def _close_after_response(request: HttpRequest, rater_id: UUID) -> None:
    request.META.setdefault(CLOSED_RATERS, []).append(rater_id)


def close_sockets_of(user: AbstractBaseUser) -> None:
    rater_id = selectors.rater_of_account(user)
    if rater_id:
        transaction.on_commit(lambda: events.close_sockets(rater_id))


@receiver(post_delete, sender=Rater)
def _close_sockets_of_the_deleted(instance: Rater, **_signal: Any) -> None:
    """However a rater is deleted, the pages of that rater begin anew."""
    rater_id = instance.id  # Django takes it from the row once it is deleted
    transaction.on_commit(lambda: events.close_sockets(rater_id))
