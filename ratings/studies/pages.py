"""Pages of participants that several steps share, and the ends of a run."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from ratings.studies import selectors
from ratings.studies.design import StudyFile, said
from ratings.studies.interface import words_of
from ratings.studies.models import Participant, Study

PROLIFIC_ADDRESS = "https://app.prolific.com/submissions/complete?cc={code}"
State = Participant.State


def done_page(request: HttpRequest, participant: Participant, file: StudyFile) -> HttpResponse:
    """The end of a completed run: the code that leads back, the code to withdraw, the credits."""
    words = words_of(file, participant.language)
    code = _completion_code(file, "completed", selectors.how_came(participant))
    context = {
        "participant": participant,
        "code": code,
        "prolific_address": PROLIFIC_ADDRESS.format(code=code) if code else "",
        "withdraw_until": file.consent.withdraw_until,
        "credits": _credits(participant),
        "withdraw_line": words["withdraw_text"].partition("{date}"),
    }
    return page(request, "studies/done.html", participant.study, file, participant.language, context)


def _credits(participant: Participant) -> list[str]:
    lines = {" · ".join(filter(None, (photo.credit, photo.licence))) for photo in selectors.photos_shown(participant)}
    return sorted(lines - {""})


def _completion_code(file: StudyFile, outcome: str, kind: str) -> str:
    if kind != "prolific" or file.entry.prolific is None:
        return ""
    return file.entry.prolific.codes.of(outcome)


def end(
    request: HttpRequest,
    study: Study,
    file: StudyFile,
    language: str,
    word: str,
    outcome: str,
    kind: str,
    *,
    participant: Participant | None = None,
    status: int = 200,
) -> HttpResponse:
    """A kind end, with the code that Prolific needs for it, if any."""
    words = words_of(file, language)
    code = _completion_code(file, outcome, kind)
    context: dict[str, object] = {
        "heading": words.get(f"{word}_title", words["ended_title"]),
        "text": words.get(f"{word}_text", words["ended_text"] if word != "withdrawn" else words["withdrawn"]),
        "code": code,
        "prolific_address": PROLIFIC_ADDRESS.format(code=code) if code else "",
        "participant": participant if participant and participant.state != State.WITHDRAWN else None,
    }
    return page(request, "studies/end.html", study, file, language, context, status=status)


def end_of(request: HttpRequest, participant: Participant, file: StudyFile, word: str, outcome: str, *, status: int = 200) -> HttpResponse:
    """The kind end of a run that had begun."""
    study, kind = participant.study, selectors.how_came(participant)
    return end(request, study, file, participant.language, word, outcome, kind, participant=participant, status=status)


def page(
    request: HttpRequest, template: str, study: Study, file: StudyFile, language: str, context: dict[str, object], *, status: int = 200
) -> HttpResponse:
    """A page of a study in one of its languages."""
    ours = {code for code, _name in settings.LANGUAGES}
    everywhere = {
        "study": study,
        "title": said(file.title, language),
        "contact": study.contact or file.contact,
        "words": words_of(file, language),
        "language": language,
        "is_preview": study.state == Study.State.PREVIEW,
    }
    with translation.override(language if language in ours else "en"):  # for dates; everything else is in `words`
        return render(request, template, everywhere | context, status=status)
