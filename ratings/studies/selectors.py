"""Reads of studies."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from ratings.photos.models import Photo
from ratings.ranking import projections
from ratings.studies import checks, dealing
from ratings.studies.checks import BadDesign, Problem
from ratings.studies.dealing import Assignment, Dealt, DealtTrial
from ratings.studies.design import StudyFile
from ratings.studies.errors import StudyClosed, StudyPaused, StudyRefusal
from ratings.studies.interface import WORDS
from ratings.studies.models import (
    Participant,
    ParticipantIdentity,
    Study,
    StudyAnalysis,
    StudyDesign,
    StudyLog,
    StudyPhoto,
    Trial,
    TrialEvent,
)

MAY_RESEARCH = "ratings.add_study"
DATA_MODES = (Participant.Mode.PILOT, Participant.Mode.MAIN)


def may_research(user: User | AnonymousUser) -> bool:
    """Whether an account has the role of a researcher."""
    return bool(user.is_authenticated and user.is_active and user.has_perm(MAY_RESEARCH))


def studies_of(owner_id: int) -> QuerySet[Study]:
    """A researcher's studies, newest first, with how many take part and have completed."""
    main = Q(participants__mode=Participant.Mode.MAIN) & ~Q(participants__state=Participant.State.WITHDRAWN)
    return (
        Study.objects.filter(owner=owner_id)
        .annotate(
            completed=Count("participants", filter=main & Q(participants__state=Participant.State.COMPLETED)),
            under_way=Count("participants", filter=main & Q(participants__state=Participant.State.UNDER_WAY, participants__released=False)),
        )
        .order_by("-created_at")
    )


def own_study(owner_id: int, slug: str) -> Study | None:
    """A study of this researcher; None for every other one, so that nobody learns which exist."""
    return Study.objects.select_related("design").filter(owner=owner_id, slug=slug).first()


def is_owner(study: Study, user: User | AnonymousUser) -> bool:
    """Whether a study is this account's; one that the command line made without an owner is nobody's."""
    return bool(user.is_authenticated and study.owner_id == user.pk)


def study_by_slug(slug: str) -> Study | None:
    return Study.objects.select_related("design").defer("draft", "design__text").filter(slug=slug).first()


def mode_of(study: Study) -> str:
    """The mode in which participants come in now.

    Raises:
        StudyClosed, StudyPaused: nobody can.
    """
    if study.state == Study.State.PAUSED:
        raise StudyPaused
    if study.state == Study.State.OPEN and study.ends_at and study.ends_at <= timezone.now():
        raise StudyClosed
    modes = {
        Study.State.PREVIEW: Participant.Mode.PREVIEW,
        Study.State.PILOT: Participant.Mode.PILOT,
        Study.State.OPEN: Participant.Mode.MAIN,
    }
    if study.state not in modes:
        raise StudyClosed
    return str(modes[Study.State(study.state)])


def may_go_on(participant: Participant) -> StudyRefusal | None:
    """Why a run that has begun cannot go on now, if so: a closed study takes no more trials."""
    try:
        current = mode_of(participant.study)
    except StudyRefusal as refusal:
        return refusal
    return None if current == participant.mode else StudyClosed()


@lru_cache(maxsize=64)
def design_file(design_id: int) -> StudyFile:
    """A design that is in use. Its row never changes, so it is read once."""
    return checks.parse(StudyDesign.objects.values_list("text", flat=True).get(pk=design_id))


@lru_cache(maxsize=256)
def _condition_file(design_id: int, condition: str) -> StudyFile:
    return design_file(design_id).of_condition(condition)


def file_of(participant: Participant) -> StudyFile:
    """The design as this participant sees it."""
    return _condition_file(participant.design_id, participant.condition)


@lru_cache(maxsize=64)
def study_photo_ids(design_id: int) -> tuple[int, ...]:
    """The row of each photo of a design, in the design's order."""
    design = StudyDesign.objects.get(pk=design_id)
    by_hash = dict(StudyPhoto.objects.filter(study=design.study_id).values_list("sha256", "id"))
    return tuple(by_hash[photo.sha256] for photo in design_file(design_id).photos)


@lru_cache(maxsize=2048)
def _trials(design_id: int, assignment: Assignment, chances: tuple[tuple[int, float], ...]) -> tuple[DealtTrial, ...]:
    return tuple(dealing.deal(design_file(design_id), assignment, chances))


def trials_of(participant: Participant) -> tuple[DealtTrial, ...]:
    """Everything that a participant is shown, in order."""
    chances = tuple(zip(participant.photos, participant.chances, strict=True))
    return _trials(participant.design_id, assignment_of(participant), chances)


def assignment_of(participant: Participant) -> Assignment:
    return Assignment(participant.number, participant.condition, participant.row, tuple(participant.photos))


def next_number(study: Study, mode: str) -> int:
    return 1 + (Participant.objects.filter(study=study, mode=mode).aggregate(last=Max("number"))["last"] or 0)


def dealt_before(design: StudyDesign, mode: str) -> list[Dealt]:
    """Everybody who was dealt trials of a design in a mode, in order. A pilot may have had another one before."""
    rows = Participant.objects.filter(design=design, mode=mode).order_by("number")
    return [Dealt(assignment_of(row), counts=not row.released) for row in rows.only("number", "condition", "row", "photos", "released")]


def participant_by_id(participant_id: UUID | str) -> Participant | None:
    return Participant.objects.select_related("study").defer("study__draft").filter(id=participant_id).first()


def has_data(study: Study) -> bool:
    """Whether anybody but the researcher has taken part."""
    return Participant.objects.filter(study=study, mode__in=DATA_MODES).exists()


def places_taken(study: Study, mode: str) -> int:
    return Participant.objects.filter(design=study.design_id, mode=mode, released=False).count()


def photos_by_study_photo(ids: Collection[int]) -> dict[int, Photo]:
    """Photos by the ids of their rows in a study."""
    return {row.id: row.photo for row in StudyPhoto.objects.filter(id__in=ids).select_related("photo")}


def study_photo(study_id: int, study_photo_id: int, content_hash: str) -> Photo | None:
    row = StudyPhoto.objects.filter(id=study_photo_id, study=study_id, photo__content_hash=content_hash).select_related("photo").first()
    return row.photo if row else None


def breaks_of(participant: Participant) -> set[int]:
    """The places before which a participant has taken the break."""
    return set(TrialEvent.objects.filter(participant=participant, kind=TrialEvent.Kind.BREAK).values_list("place", flat=True))


def photos_shown(participant: Participant) -> list[Photo]:
    """The photos that a participant was shown, the examples of the instructions included, for the credits at the end."""
    rated = Q(id__in=Trial.objects.filter(participant=participant).values("photo"))
    examples = Q(study=participant.study_id, sha256__in=[one.photo for one in file_of(participant).instructions.examples])
    rows = StudyPhoto.objects.filter(rated | examples).select_related("photo")
    return [row.photo for row in rows.order_by("id")]


def catalogue_hashes(wanted: Collection[str]) -> set[str]:
    """Those of these hashes that photos of the shared catalogue have. Own photos stay private: no study can show them."""
    return set(Photo.objects.filter(owner=None, sha256__in=wanted).values_list("sha256", flat=True))


def catalogue_photos(most: int) -> list[Photo]:
    return list(Photo.objects.filter(owner=None).order_by("id")[:most])


def problems_of(text: str) -> tuple[StudyFile | None, list[Problem]]:
    """The design of a text, and everything that is wrong with it or could be better."""
    try:
        file, found = checks.read_design(text)
    except BadDesign as error:
        return None, error.problems
    known = catalogue_hashes({photo.sha256 for photo in file.photos})
    languages = {code for code, _name in settings.LANGUAGES}
    found_problems = checks.check(file, found, known=known, today=timezone.now().date(), builtin_languages=languages, words=WORDS)
    return file, found_problems


def versions() -> dict[str, object]:
    """What trials are collected with: PAV, the bank and the projection."""
    current = projections.current()
    return {"pav": settings.VERSION, "bank": current.bank if current else None, "projection": current.id if current else None}


def design_of(study: Study, mode: str) -> StudyDesign:
    """The design that the data of a mode were collected with: of a pilot the last one, which may not be what was opened."""
    piloted = StudyDesign.objects.filter(pk__in=Participant.objects.filter(study=study, mode=mode).values("design")).order_by("id").last()
    return piloted if mode == Participant.Mode.PILOT and piloted else StudyDesign.objects.get(pk=study.design_id or 0)


def log_of(study: Study) -> QuerySet[StudyLog]:
    return StudyLog.objects.filter(study=study).order_by("id")


def dealing_log(study: Study, mode: str) -> list[tuple[str, dict[str, object]]]:
    """What `dealing.replay` reads, of those who were dealt the trials of `design_of`."""
    numbers = set(Participant.objects.filter(design=design_of(study, mode), mode=mode).values_list("number", flat=True))
    rows = log_of(study).filter(kind__in=("dealt", "released", "returned"), data__mode=mode)
    return [(kind, data) for kind, data in rows.values_list("kind", "data") if data["number"] in numbers]


def participants_of(study: Study) -> QuerySet[Participant]:
    """The participants with data, with how many trials each has."""
    return (
        Participant.objects.filter(study=study, mode__in=DATA_MODES)
        .select_related("exclusion")
        .annotate(trial_count=Count("trial", filter=~Q(trial__phase=Trial.Phase.PRACTICE)))
        .order_by("mode", "number")
    )


def analysis_of(study: Study) -> StudyAnalysis | None:
    return StudyAnalysis.objects.filter(study=study).first()


def exclusion_of(participant: Participant) -> str:
    try:
        return participant.exclusion.reason
    except ObjectDoesNotExist:
        return ""


def counts_by_state(study: Study, mode: str) -> dict[str, int]:
    rows = Participant.objects.filter(study=study, mode=mode).exclude(state=Participant.State.WITHDRAWN)
    return dict(rows.values_list("state").annotate(count=Count("id")).order_by("state"))


def failed_checks(participants: Sequence[Participant]) -> dict[UUID, int]:
    """How many instructed checks each participant answered with another value."""
    rows = _last_attempts(Trial.objects.filter(participant__in=participants, phase=Trial.Phase.CHECK))
    failed: dict[UUID, int] = {}
    for participant, value, wanted in rows.values_list("participant", "value", "check_value"):
        failed[participant] = failed.get(participant, 0) + (value != wanted)
    return failed


def _last_attempts(trials: QuerySet[Trial]) -> QuerySet[Trial]:
    return trials.order_by("participant", "place", "-attempt").distinct("participant", "place")


def how_came(participant: Participant) -> str:
    """How a participant came; `link` where there is no id, or none any more."""
    return ParticipantIdentity.objects.filter(participant=participant).values_list("kind", flat=True).first() or "link"


def has_id(participant: Participant, external_id: str) -> bool:
    return ParticipantIdentity.objects.filter(participant=participant, external_id=external_id).exists()


def photos_of(study: Study) -> QuerySet[Photo]:
    """The photos that a study holds."""
    return Photo.objects.filter(studyphoto__study=study).order_by("id")


def stored_trials(study: Study, mode: str) -> int:
    return Trial.objects.filter(participant__study=study, participant__mode=mode).count()
