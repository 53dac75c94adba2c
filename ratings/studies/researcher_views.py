"""Pages of researchers: their studies, the design with its problems, states, participants, files. Another's study is a 404, like none."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from itertools import islice
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from ratings import limits
from ratings.errors import RatingError, TooManyRequests
from ratings.problems import refusal_page
from ratings.studies import analysis_services, exports, forms, new_studies, selectors, services, submission_services
from ratings.studies.errors import BadStudy
from ratings.studies.models import Participant, Study

LINES_AT_ONCE = 500
PHOTOS_OF_NEW_STUDY = 40
MOST_INVITATIONS = 1000
View = Callable[..., HttpResponse | StreamingHttpResponse]


def for_researchers(view: View) -> View:
    """Pages that only researchers know of: for everybody else, they are not there."""

    @wraps(view)
    @never_cache
    @login_required
    def checked(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse | StreamingHttpResponse:
        if not selectors.may_research(request.user):
            raise Http404
        try:
            limits.check("READS", f"user {request.user.pk}")
        except TooManyRequests as error:
            return refusal_page(request, error)
        return view(request, *args, **named)

    return checked


def _own(request: HttpRequest, slug: str) -> Study:
    study = selectors.own_study(request.user.pk or 0, slug)
    if study is None:
        raise Http404
    return study


@require_http_methods(["GET", "POST"])
@for_researchers
def studies(request: HttpRequest) -> HttpResponse:
    """The researcher's studies; a POST makes one."""
    if request.method == "POST":
        slug = slugify(forms.typed(request.POST, "slug"))[:50]
        try:
            if len(slug) < 3:
                raise BadStudy(_("The name needs at least three letters: it is part of the link."))
            text = new_studies.new_study(slug, selectors.catalogue_photos(PHOTOS_OF_NEW_STUDY), today=timezone.now().date())
            services.create_study(owner_id=request.user.pk, slug=slug, text=text)
            return redirect("study_design", slug)
        except RatingError as error:
            messages.error(request, str(error.sentence))
    return render(request, "studies/studies.html", {"studies": selectors.studies_of(request.user.pk or 0)})


@require_http_methods(["GET", "POST"])
@for_researchers
def study_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One study: its state, who takes part, links, files. A POST does one thing."""
    study = _own(request, slug)
    if request.method == "POST":
        try:
            return _act(request, study)
        except RatingError as error:
            messages.error(request, str(error.sentence))
            return redirect("study", slug)
    analysis = selectors.analysis_of(study)
    context = {
        "study": study,
        "next_states": [(state, Study.State(state).label) for state in services.NEXT_STATES[study.state]],
        "counts": selectors.counts_by_state(study, Participant.Mode.MAIN),
        "pilot_counts": selectors.counts_by_state(study, Participant.Mode.PILOT),
        "state_labels": dict(Participant.State.choices),
        "link": request.build_absolute_uri(reverse("study_entry", args=[slug])),
        "has_prolific": bool(study.design_id and selectors.design_file(study.design_id).entry.prolific),
        "has_invitations": bool(study.design_id and selectors.design_file(study.design_id).entry.invitations),
        "files": exports.NAMES,
        "analysis": analysis,
        "problem": _(analysis.problem) if analysis and analysis.problem else "",
        "log": selectors.log_of(study).order_by("-id")[:20],
        "invitations": request.session.pop("study_invitations", []),
    }
    return render(request, "studies/study.html", context)


def _act(request: HttpRequest, study: Study) -> HttpResponse:
    by, action = request.user.pk, request.POST.get("action")
    if action == "state":
        to = request.POST.get("to", "")
        if to not in Study.State.values:
            raise BadStudy(_("There is no such state."))
        services.change_state(study, to, by=by)
        messages.success(request, _("The study is now: {state}.").format(state=Study.State(to).label))
    elif action == "change":
        if services.change_open_study(study, by=by, **_changes(request, study)):
            messages.success(request, _("Changed, and noted in the study’s log."))
    elif action == "invite":
        count = _whole(request.POST.get("count", ""), 1, MOST_INVITATIONS)
        link = request.build_absolute_uri(reverse("study_entry", args=[study.slug]))
        request.session["study_invitations"] = [f"{link}?code={code}" for code in services.invite(study, count, by=by)]
    elif action == "analyse" and study.is_frozen:
        analysis_services.request_analysis(study)
    elif action == "bar":
        added = services.bar_ids(study, request.POST.get("ids", "").split(), by=by)
        messages.success(request, ngettext("{n} more id may not take part.", "{n} more ids may not take part.", added).format(n=added))
    elif action == "submissions":
        unlike = submission_services.mark(study, submission_services.read(request.FILES.get("table")), by=by)
        messages.success(request, submission_services.summary(unlike))
    else:
        raise BadStudy(_("There is no such action."))
    return redirect("study", study.slug)


def _changes(request: HttpRequest, study: Study) -> dict[str, Any]:
    day = request.POST.get("ends_at", "").strip()
    try:
        end = parse_date(day) if day else None
    except ValueError:
        end = None
    if day and end is None:
        raise BadStudy(_("Write the last day as 2027-03-31, or leave it empty."))
    contact = forms.typed(request.POST, "contact").strip()
    if not 3 <= len(contact) <= 200:
        raise BadStudy(_("The study needs a contact."))
    places = _whole(request.POST.get("places", ""), 1, 1_000_000)
    ends_at = datetime(end.year, end.month, end.day, 23, 59, 59, tzinfo=UTC) if end else None
    return {"places": places, "ends_at": ends_at, "contact": contact}


def _whole(text: str, low: int, high: int) -> int:
    if not text.strip().isascii() or not text.strip().isdigit() or not low <= int(text) <= high:
        raise BadStudy(_("Write a whole number from {low} to {high}.").format(low=low, high=high))
    return int(text)


@require_http_methods(["GET", "POST"])
@for_researchers
def design(request: HttpRequest, slug: str) -> HttpResponse:
    """The YAML file, with its problems by line. A POST saves it, with problems or without."""
    study = _own(request, slug)
    text, problem = study.draft, ""
    if request.method == "POST":
        text = forms.typed(request.POST, "text").replace("\r\n", "\n")
        try:
            services.save_draft(study, text, by=request.user.pk)
            messages.success(request, _("Saved."))
            return redirect("study_design", slug)
        except RatingError as error:
            problem = str(error.sentence)
    found = selectors.problems_of(text)[1] if not study.is_frozen else []
    context = {"study": study, "text": text, "problems": found, "problem": problem, "is_sound": not any(not one.is_advice for one in found)}
    return render(request, "studies/design.html", context, status=422 if problem else 200)


@require_http_methods(["GET", "POST"])
@for_researchers
def participants(request: HttpRequest, slug: str) -> HttpResponse:
    """Everybody with data. A POST excludes one with a reason, or takes that back."""
    study = _own(request, slug)
    if request.method == "POST":
        try:
            _decide(request, study)
        except RatingError as error:
            messages.error(request, str(error.sentence))
        return redirect("study_participants", slug)
    rows = list(selectors.participants_of(study))
    failed = selectors.failed_checks(rows)
    table = [{"row": row, "reason": selectors.exclusion_of(row), "failed": failed.get(row.pk, 0)} for row in rows]
    return render(request, "studies/participants.html", {"study": study, "table": table})


def _decide(request: HttpRequest, study: Study) -> None:
    try:
        participant = services.participant_of(study, UUID(request.POST.get("participant", "")))
    except ValueError:
        participant = None
    if participant is None:
        raise BadStudy(_("There is no such participant."))
    if request.POST.get("action") == "include":
        services.include(participant, by=request.user.pk)
        return
    reason = forms.typed(request.POST, "reason").strip()[:500]
    if not reason:
        raise BadStudy(_("Say why: an exclusion without a reason cannot be published."))
    services.exclude(participant, reason=reason, by=request.user.pk)


@require_GET
@for_researchers
def export_file(request: HttpRequest, slug: str, name: str) -> StreamingHttpResponse:
    """One file of the export, as it is made; or of the analysis that a worker has made."""
    study = _own(request, slug)
    analysis = selectors.analysis_of(study)
    if analysis and name in analysis.files:
        lines = iter([analysis.files[name]])
    elif name in exports.NAMES and study.design_id is not None:
        lines = exports.lines_of(study, name)
    else:
        raise Http404
    kind = "text/csv; charset=utf-8" if name.endswith(".csv") else "text/plain; charset=utf-8"
    response = StreamingHttpResponse(_in_batches(lines), content_type=kind)
    response["Content-Disposition"] = content_disposition_header(True, _file_name(study, name)) or "attachment"
    return response


def _file_name(study: Study, name: str) -> str:
    """Of a download: it says of which design, since a table alone may not."""
    return f"{study.slug}-{study.design.hash[:12]}-{name}" if study.design else f"{study.slug}-{name}"


async def _in_batches(lines: Iterator[str]) -> AsyncIterator[str]:
    """Lines a few hundred at a time: under ASGI a synchronous iterator would be read to its end before the first byte goes out."""
    batch = sync_to_async(lambda: "".join(islice(lines, LINES_AT_ONCE)))
    while text := await batch():
        yield text
