"""Refusals of studies, each with the sentence that is shown and, where Prolific sent the participant, the outcome whose code goes back."""

from django.utils.translation import gettext_lazy as _

from ratings.errors import RatingError


class StudyRefusal(RatingError):
    """A kind end before or within a run; `word` names its text in the interface, `outcome` the code."""

    status = 403
    word = "closed"
    outcome = ""


class StudyClosed(StudyRefusal):
    word = "closed"
    outcome = "full"
    sentence = _("This study is closed.")


class StudyPaused(StudyRefusal):
    status = 503  # for a time: the page keeps its answers and sends them again
    word = "paused"
    sentence = _("This study is paused. Please come back later.")


class StudyFull(StudyRefusal):
    word = "full"
    outcome = "full"
    sentence = _("This study has all the participants it needs.")


class MayNotTakePart(StudyRefusal):
    word = "barred"
    outcome = "screened_out"
    sentence = _("You cannot take part in this study.")


class RunExists(StudyRefusal):
    status = 409
    word = "once"
    sentence = _("Somebody has taken part with this id before. Each id can take part once; go on in the browser where you began.")


class NoEntry(StudyRefusal):
    word = "no_entry"
    sentence = _("This link is not complete. Please use the link that you were given.")


class OpenElsewhere(StudyRefusal):
    status = 409
    word = "elsewhere"
    sentence = _("The study is open in another tab or window. Go on there, or here; both at once does not work.")


class RunEnded(StudyRefusal):
    status = 409
    word = "ended"
    sentence = _("This run through the study has ended.")


class UnknownTrial(RatingError):
    status = 404
    sentence = _("This trial is not one of yours.")


class NotThisTrial(RatingError):
    status = 409
    sentence = _("Another trial comes next. Reload the page to go on.")


class BadInput(RatingError):
    """What was sent cannot be used; the sentence says why."""

    status = 422

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence  # type: ignore[assignment]


class BadAnswer(BadInput):
    """What a participant answered."""


class BadStudy(BadInput):
    """What a researcher asked for cannot be done."""
