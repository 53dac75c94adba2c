"""Pages of accounts beside those of allauth: invitation, overview, adding a guest's ratings."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from ratings import limits
from ratings.accounts import merging, selectors
from ratings.errors import RatingError, TooManyRequests
from ratings.problems import refusal_page
from ratings.raters import guests


@require_GET
@never_cache
def invitation(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Remember an invitation, and go on to sign-up."""
    if not selectors.invitation_is_open(invitation_id):
        return render(request, "account/signup_closed.html", {"invitation_is_used": True}, status=403)
    request.session[selectors.INVITATION] = str(invitation_id)
    return redirect("account_signup")


@require_GET
@login_required
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """What an account has: address, passkeys, password, second factor, sessions."""
    return render(request, "account/overview.html", {"waiting_ratings": selectors.waiting_ratings(request)})


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def merge(request: HttpRequest) -> HttpResponse:
    """Ask whether the ratings that this browser's guest gave are added to the account; add them."""
    try:
        limits.check("RATINGS", f"user {request.user.pk}")
    except TooManyRequests as error:
        return refusal_page(request, error)
    guest, count = guests.guest_of(request.session), selectors.waiting_ratings(request)
    if request.method == "GET" or not guest:
        return render(request, "account/merge.html", {"count": count}) if count else redirect("home")
    try:
        merged = merging.merge_guest(guest=guest, rater_id=guests.ensure_rater(request))
    except RatingError as error:
        messages.error(request, str(error.sentence))
    else:
        text = ngettext("{n} rating is now part of your taste.", "{n} ratings are now part of your taste.", merged.event_count)
        messages.success(request, text.format(n=merged.event_count))
    guests.forget_guest(request)
    return redirect("account_overview")


def too_many(request: HttpRequest) -> HttpResponse:
    """The page where one of allauth's limits is exceeded."""
    return render(request, "429.html", {"too_often": True}, status=429)
