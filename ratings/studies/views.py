"""Pages of participants: consent, the steps of a run, kind ends, withdrawal; and the photos of a study."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods

from ratings import limits
from ratings.errors import TooManyRequests
from ratings.photos.models import Photo
from ratings.problems import plain_refusal
from ratings.studies import consents, forms, pages, participation_services, schemas, selectors, sessions
from ratings.studies.design import StudyFile, said
from ratings.studies.errors import NoEntry, StudyRefusal
from ratings.studies.interface import TRIAL_WORDS, language_names, words_of
from ratings.studies.models import Participant, Study
from ratings.studies.participation_services import Came
from ratings.studies.question_sets import questions_of
from ratings.studies.steps import OF_TRIALS

LONGEST_ID = 100
State = Participant.State


@require_http_methods(["GET", "POST"])
@never_cache
@ensure_csrf_cookie
def entry(request: HttpRequest, slug: str) -> HttpResponse:
    """Information and consent. A GET stores nothing: chat apps and search engines open links, too."""
    study = _study(request, slug)
    if request.method == "GET" and not request.GET and _participant(request, study):
        return redirect("study_run", slug)
    file = _file(study)
    language = _language(request, file)
    came = _how_came(request)
    try:
        mode = selectors.mode_of(study)
        if mode == Participant.Mode.PREVIEW and not selectors.is_owner(study, request.user):
            raise Http404
        _check_came(file, came, study)
        known = _participant(request, study)
        if known and (not came.external_id or selectors.has_id(known, came.external_id)):
            return redirect("study_run", slug)
        if request.method == "POST":
            return _decide(request, study, file, language, came)
    except StudyRefusal as refusal:
        return pages.end(request, study, file, language, refusal.word, refusal.outcome, came.kind, status=refusal.status)
    except TooManyRequests as error:
        page = pages.end(request, study, file, language, "busy", "", came.kind, status=429)
        page["Retry-After"] = str(error.seconds)
        return page
    return _consent_page(request, study, file, language, came)


def _decide(request: HttpRequest, study: Study, file: StudyFile, language: str, came: Came) -> HttpResponse:
    if request.POST.get("decision") == "decline":
        participation_services.decline(study)
        return pages.end(request, study, file, language, "declined", "declined", came.kind)
    if file.entry.invitations and "code" in request.POST:
        came = Came("invitation", _id(request.POST, "code").upper())
    if file.consent.minimum_age is not None and request.POST.get("age") != "yes":
        return _consent_page(request, study, file, language, came, age_missing=True)
    limits.check_new_participant(request.META.get("REMOTE_ADDR", ""), str(study.pk), file.participants.per_address)
    try:
        participant = participation_services.start_run(study, came=came, language=language, run_id=_run_id(request))
    except NoEntry:
        if came.kind != "invitation":
            raise
        return _consent_page(request, study, file, language, Came("invitation"), code_unknown=True)
    sessions.remember_run(request.session, study.slug, participant.pk)
    return redirect("study_run", study.slug)


def _run_id(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get("run", ""))
    except ValueError:
        return None


def _how_came(request: HttpRequest) -> Came:
    """How somebody came, as the address says. Nothing keeps it while they read the consent: its form has the same address."""
    prolific, study, session = (_id(request.GET, name) for name in ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID"))
    if prolific:
        return Came("prolific", prolific, study, session)
    code = _id(request.GET, "code").upper()
    return Came("invitation", code) if code else Came("link")


def _id(sent: Mapping[str, str], name: str) -> str:
    return forms.typed(sent, name).strip()[:LONGEST_ID]


def _check_came(file: StudyFile, came: Came, study: Study) -> None:
    """Refuse a plain link where ids are needed, before anybody reads the consent."""
    if study.state == Study.State.PREVIEW:
        return
    allowed = {
        "link": file.entry.link or file.entry.invitations,
        "invitation": file.entry.invitations,
        "prolific": bool(file.entry.prolific),
    }
    if not allowed[came.kind]:
        raise NoEntry


def _consent_page(
    request: HttpRequest, study: Study, file: StudyFile, language: str, came: Came, *, age_missing: bool = False, code_unknown: bool = False
) -> HttpResponse:
    asks_code = study.state != Study.State.PREVIEW and not file.entry.link and file.entry.invitations and not came.external_id
    words = words_of(file, language)
    context = {
        "run": uuid4(),
        "consent": consents.consent_of(file, language),
        "withdraw_until": file.consent.withdraw_until,
        "age_line": words["age"].replace("{age}", str(file.consent.minimum_age)),
        "age_missing": age_missing,
        "asks_code": asks_code or came == Came("invitation"),
        "code_unknown": code_unknown,
        "languages": [(code, name, _address(request, code)) for code, name in language_names(file)],
        "address": request.get_full_path(),
        "devices": " ".join(file.devices),
    }
    return pages.page(request, "studies/consent.html", study, file, language, context, status=422 if age_missing or code_unknown else 200)


def _address(request: HttpRequest, language: str) -> str:
    """This page in another language; how somebody came stays in the address."""
    query = request.GET.copy()
    query["lang"] = language
    return f"?{query.urlencode()}"


@require_http_methods(["GET", "POST"])
@never_cache
@ensure_csrf_cookie
def run(request: HttpRequest, slug: str) -> HttpResponse:
    """The present step of a run. Each step is a page; a form of an earlier step changes nothing."""
    study = _study(request, slug)
    participant = _participant(request, study)
    if participant is None:
        return redirect("study_entry", slug)
    file = selectors.file_of(participant)
    if participant.state == State.UNDER_WAY:
        try:
            refusal = selectors.may_go_on(participant)
            if refusal:
                raise refusal
            participation_services.stay(participant)
            if request.method == "POST":
                return _go_on(request, participant, file)
        except StudyRefusal as refusal:
            language, how = participant.language, selectors.how_came(participant)
            return pages.end(request, study, file, language, refusal.word, refusal.outcome, how, status=refusal.status)
    if participant.state == State.COMPLETED:
        return pages.done_page(request, participant, file)
    if participant.state == State.WITHDRAWN:
        return pages.end(request, study, file, _language(request, file), participant.state, "", "")
    if participant.state != State.UNDER_WAY:
        return pages.end_of(request, participant, file, participant.state, participant.state)
    return _step_page(request, participant, file)


def _go_on(request: HttpRequest, participant: Participant, file: StudyFile) -> HttpResponse:
    """Take the form of the present step."""
    step = participant.step
    if request.POST.get("fault"):
        participation_services.end_run(participant, State.FAULT, note=forms.typed(request.POST, "note"))
    elif request.POST.get("step") != step:
        pass  # sent twice, or from an older page: the present step is shown
    elif step in ("questions_before", "questions_after", "comprehension"):
        rows = file.comprehension.questions if step == "comprehension" and file.comprehension else questions_of(getattr(file, step, ()))
        form = forms.read(rows, request.POST, words_of(file, participant.language))
        if form.problems:
            return _step_page(request, participant, file, problems=form.problems, given=form.given, status=422)
        if step == "comprehension":
            return _try_comprehension(request, participant, file, form)
        participation_services.answer_questions(participant, questions=rows, answers=form.answers)
        if step == "questions_before" and forms.is_screened_out(rows, form.answers):
            participation_services.end_run(participant, State.SCREENED_OUT)
        else:
            participation_services.pass_step(participant, step)
    elif step not in OF_TRIALS or participation_services.trials_are_done(participant, step):
        participation_services.pass_step(participant, step)
    return redirect("study_run", participant.study.slug)


def _try_comprehension(request: HttpRequest, participant: Participant, file: StudyFile, form: forms.Form) -> HttpResponse:
    questions = file.comprehension.questions if file.comprehension else []
    attempt = participant.comprehension_tries + 1
    is_this = request.POST.get("attempt") == str(attempt)  # a double click sends the form of this try twice
    if is_this and participation_services.count_comprehension_try(participant, attempt):
        participation_services.answer_questions(participant, questions=questions, answers=form.answers, attempt=attempt)
        if forms.all_right(questions, form.answers):
            participation_services.pass_step(participant, "comprehension")
        elif file.comprehension and attempt >= file.comprehension.tries:
            participation_services.end_run(participant, State.CHECKS_FAILED)
    return redirect("study_run", participant.study.slug)


def _step_page(
    request: HttpRequest,
    participant: Participant,
    file: StudyFile,
    *,
    problems: dict[str, str] | None = None,
    given: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    language, step = participant.language, participant.step
    context: dict[str, object] = {"participant": participant, "step": step}
    words = words_of(file, language)
    if step in ("questions_before", "questions_after", "comprehension"):
        rows = file.comprehension.questions if step == "comprehension" and file.comprehension else questions_of(getattr(file, step, ()))
        context["questions"] = forms.fields(rows, language, problems or {}, given or {})
        context["attempt"] = participant.comprehension_tries + 1 if step == "comprehension" else 1
        context["heading"] = words["comprehension" if step == "comprehension" else "questions"]
        context["instructions"] = said(file.instructions.text, language) if step == "comprehension" else ""
        template = "studies/questions.html"
    elif step == "instructions":
        context["instructions"] = said(file.instructions.text, language)
        context["examples"] = _examples(participant, file, language)
        template = "studies/instructions.html"
    elif step == "debriefing":
        context["debriefing"] = said(file.debriefing, language)
        template = "studies/debriefing.html"
    else:
        context |= {"trial_page": _trial_page(participant, file, words), "scale": _scale(file, words, language)}
        context["question"] = said(file.scale.question, language)
        context["all_labelled"] = len(file.scale.labels) == file.scale.point_count
        template = "studies/trials.html"
    return pages.page(request, template, participant.study, file, language, context, status=status)


def _examples(participant: Participant, file: StudyFile, language: str) -> list[dict[str, object]]:
    places = {photo.sha256: place for place, photo in enumerate(file.photos)}
    rows = selectors.study_photo_ids(participant.design_id)
    wanted = [rows[places[example.photo]] for example in file.instructions.examples]
    photos = selectors.photos_by_study_photo(wanted)
    found = []
    for example, row in zip(file.instructions.examples, wanted, strict=True):

        def address(photo: Photo, name: str, row: int = row) -> str:
            return reverse("study_photo", args=[participant.study.slug, row, photo.content_hash, name])

        found.append({"text": said(example.text, language), **schemas.photo_out(photos[row], address)})
    return found


def _trial_page(participant: Participant, file: StudyFile, words: dict[str, str]) -> dict[str, object]:
    """What the script of the trial page reads."""
    return {
        "slug": participant.study.slug,
        "participant": str(participant.pk),
        "step": participant.step,
        "language": participant.language,
        "words": {key: words[key] for key in TRIAL_WORDS},
        "scale": {"drawn": file.scale.row.drawn, "values": [{"value": one.value, "keys": one.keys} for one in file.scale.values]},
        "minimum_ms": file.trials.minimum_seconds * 1000,
        "limit_ms": None if file.trials.limit_seconds is None else file.trials.limit_seconds * 1000,
        "confirm": file.trials.confirm,
        "undo": file.trials.undo,
        "skip": file.trials.skip,
    }


def _scale(file: StudyFile, words: dict[str, str], language: str) -> list[dict[str, object]]:
    """The values as buttons: the label of the design, else the word of PAV, else the number."""
    points = file.scale.point_count
    return [
        {
            "value": one.value,
            "label": said(file.scale.labels[one.value], language) if one.value in file.scale.labels else words.get(one.word, ""),
            "word": one.word,
            "is_end": one.value in (1, points),
        }
        for one in file.scale.values
    ]


@require_http_methods(["GET", "POST"])
@never_cache
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """Withdraw by the personal code, from any browser."""
    study = _study(request, slug, even_draft=True)
    file = _file(study)
    language = _language(request, file)
    words, problem, withdrawn = words_of(file, language), "", False
    is_over = datetime.now(UTC).date() > file.consent.withdraw_until
    if request.method == "POST" and not is_over:
        try:
            limits.check("READS", f"withdraw {request.META.get('REMOTE_ADDR', '')}")
        except TooManyRequests as error:
            return plain_refusal(error)
        participant = participation_services.withdraw(forms.tidy_code(request.POST.get("code", "")), study)
        withdrawn = participant is not None
        problem = "" if withdrawn else words["withdraw_unknown"]
        if participant and sessions.run_in(request.session, slug) == participant.pk:
            sessions.forget_run(request.session, slug)
    context = {"problem": words["withdraw_over"] if is_over else problem, "withdrawn": withdrawn, "is_over": is_over}
    return pages.page(request, "studies/withdraw.html", study, file, language, context, status=422 if problem else 200)


def _study(request: HttpRequest, slug: str, *, even_draft: bool = False) -> Study:
    """A study that participants know of. A preview is its researcher's alone, unless a pilot was there before it."""
    study = selectors.study_by_slug(slug)
    if study is None or study.design is None:
        raise Http404
    if study.state == Study.State.DRAFT and not even_draft:
        raise Http404
    if study.state == Study.State.PREVIEW and not selectors.is_owner(study, request.user) and not selectors.has_data(study):
        raise Http404
    return study


def _file(study: Study) -> StudyFile:
    if study.design_id is None:
        raise Http404
    return selectors.design_file(study.design_id)


def _participant(request: HttpRequest, study: Study) -> Participant | None:
    participant_id: UUID | None = sessions.run_in(request.session, study.slug)
    participant = selectors.participant_by_id(participant_id) if participant_id else None
    return participant if participant and participant.study_id == study.pk else None


def _language(request: HttpRequest, file: StudyFile) -> str:
    """The language that was chosen, else the first of the study's that the browser asks for."""
    asked = request.POST.get("lang") or request.GET.get("lang")
    if asked in file.languages:
        return str(asked)
    for code, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "").lower()):
        for language in file.languages:
            if code == language.lower() or code.split("-")[0] == language.split("-")[0].lower():
                return language
    return file.languages[0]
