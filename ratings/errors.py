"""What a request can get wrong, each with the sentence that its sender reads."""

from django.utils.translation import gettext_lazy as _


class RatingError(Exception):
    """Base of all; `status` is the HTTP status, `sentence` is for people."""

    status = 400
    sentence = _("That did not work.")


class UnknownCard(RatingError):
    status = 404
    sentence = _("This card was not dealt to you. Reload the page to get your cards.")


class UsedCard(RatingError):
    status = 409
    sentence = _("This card has an answer already. Reload the page to get your next cards.")


class ClientIdReused(RatingError):
    status = 422
    sentence = _("This client id belongs to another answer. Make a new one for every answer.")


class NothingToUndo(RatingError):
    status = 404
    sentence = _("There is no answer to take back.")


class NotSignedIn(RatingError):
    status = 403
    sentence = _("Open the start page first: it begins your session. Then try again.")


class TooManyRequests(RatingError):
    status = 429
    sentence = _("That was a lot at once. Please wait a moment and try again.")

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds
