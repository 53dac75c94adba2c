"""Errors of requests, each with the sentence that is shown to its sender."""

from django.utils.translation import gettext_lazy as _


class RatingError(Exception):
    """Base class; `status` is the HTTP status, `sentence` is shown."""

    status = 400
    sentence = _("That did not work.")


class UnknownCard(RatingError):
    status = 404
    sentence = _("This photo is not in your deck. Reload the page to get your photos.")


class UsedCard(RatingError):
    status = 409
    sentence = _("You've rated this photo already, on another device or in another tab. That rating stays.")


class UnknownPhoto(RatingError):
    status = 404
    sentence = _("This photo isn’t here any more. Reload the page to see what is.")


class ClientIdReused(RatingError):
    status = 422
    sentence = _("This client id belongs to another rating. Make a new one for every rating.")


class NothingToUndo(RatingError):
    status = 404
    sentence = _("There is no rating to undo.")


class NotSignedIn(RatingError):
    status = 403
    sentence = _("Open the start page first: it starts your session. Then try again.")


class RaterChanged(RatingError):
    status = 412
    sentence = _("Someone signed in or out since this page was opened. Reload the page; nothing is lost.")


class TooManyRequests(RatingError):
    status = 429
    sentence = _("That was a lot at once. Please wait a moment and try again.")

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds
