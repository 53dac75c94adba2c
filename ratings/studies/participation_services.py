"""Writes of a run through a study, but for its trials: consent and dealing, questions, steps, ends, withdrawal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string

from ratings.studies import dealing, external_id_services, selectors, services
from ratings.studies.design import Question, StudyFile
from ratings.studies.errors import MayNotTakePart, NoEntry, OpenElsewhere, RunEnded, RunExists, StudyFull
from ratings.studies.models import (
    Exclusion,
    Participant,
    ParticipantIdentity,
    Study,
    StudyAnalysis,
    StudyAnswer,
    StudyInvitation,
    Trial,
    TrialEvent,
)
from ratings.studies.steps import DONE, step_after, steps_of, trials_of_step

State = Participant.State
PAGE_IS_OPEN = timedelta(seconds=60)  # since a tab was last heard of
RELOAD_WITHIN = timedelta(minutes=10)
# What a withdrawal empties. The number, the condition and the row stay, since others were dealt by them; the code and the id of the run
# stay so that whoever comes again reads that they have withdrawn.
ERASED: Mapping[str, object] = {
    **dict.fromkeys(("pseudonym", "language", "consent_hash", "step", "crowd_status", "fault_note"), ""),
    **dict.fromkeys(("consented_at", "page", "page_seen_at", "finished_at")),
    **dict.fromkeys(("next_place", "comprehension_tries"), 0),
    "photos": [],
    "chances": [],
}


@dataclass(frozen=True)
class Came:
    """How somebody came: by the plain link, with an invitation code, or from Prolific. An id is no secret, and signs nobody in."""

    kind: str  # link, invitation, prolific
    external_id: str = ""
    external_study: str = ""
    external_session: str = ""


def start_run(study: Study, *, came: Came, language: str, run_id: UUID | None = None) -> Participant:
    """Store the consent and deal: the participant's number, condition and photos, under one short lock per study.

    `run_id` comes from the form: a consent that is sent twice begins one run, which nobody can take over once it has gone on.

    Raises:
        StudyClosed, StudyPaused: no one can take part now.
        StudyFull: there is no place left.
        MayNotTakePart: the id is barred.
        RunExists: there is a run of this id.
        NoEntry: the invitation code is unknown.
    """
    mode = selectors.mode_of(study)
    try:
        with transaction.atomic():
            row = services.locked(study.pk)
            mode = selectors.mode_of(row)
            design = row.design
            if design is None:
                raise NoEntry
            file = selectors.design_file(design.pk)
            first_step = steps_of(file)[0]
            known = Participant.objects.filter(pk=run_id).first() if run_id else None
            if known and (known.study_id, known.mode, known.state, known.step) == (row.pk, mode, State.UNDER_WAY, first_step):
                return known
            _check_entry(row, mode, file, came)
            services.release_expired(row, mode)
            if mode != Participant.Mode.PREVIEW and selectors.places_taken(row, mode) >= row.places:
                raise StudyFull
            before = selectors.dealt_before(design, mode)
            number = selectors.next_number(row, mode)
            assignment = dealing.assign(file, number, before)
            chances = dealing.chance_of(file, assignment, before)
            participant = Participant.objects.create(
                id=uuid4() if known or run_id is None else run_id,
                study=row,
                design=design,
                mode=mode,
                number=number,
                pseudonym=get_random_string(8, services.LETTERS),
                withdrawal_code=_code(),
                language=language,
                consent_hash=design.consent_hashes[language],
                condition=assignment.condition,
                row=assignment.row,
                photos=list(assignment.photos),
                chances=[chances[photo] for photo in assignment.photos],
                step=first_step,
                lease_until=timezone.now() + timedelta(minutes=file.participants.lease_minutes),
            )
            if came.external_id:
                ParticipantIdentity.objects.create(
                    participant=participant,
                    study=row,
                    kind=came.kind,
                    external_id=came.external_id,
                    external_study=came.external_study,
                    external_session=came.external_session,
                    mode=mode,
                    erase_on=external_id_services.erase_on(row, file, timezone.now()),
                )
            services.log(row, "dealt", mode=mode, design=design.hash, **assignment.as_json())
    except IntegrityError as error:
        if "one_run_per_study_and_id" in str(error):
            raise RunExists from None
        raise
    return participant


def _check_entry(study: Study, mode: str, file: StudyFile, came: Came) -> None:
    allowed = {"link": file.entry.link, "invitation": file.entry.invitations, "prolific": file.entry.prolific is not None}
    if not allowed[came.kind] and study.state != Study.State.PREVIEW:
        raise NoEntry
    if came.kind == "invitation" and not StudyInvitation.objects.filter(study=study, code=came.external_id).exists():
        raise NoEntry
    if came.external_id and external_id_services.is_barred(study, external_id_services.id_key(study.pk, came.external_id)):
        raise MayNotTakePart
    if came.external_id and external_id_services.is_barred(study, external_id_services.used_key(study.pk, mode, came.external_id)):
        raise RunExists


def _code() -> str:
    return "-".join(get_random_string(4, services.LETTERS) for _part in range(4))


def decline(study: Study) -> None:
    """Count somebody who does not take part; nothing else is stored."""
    services.log(study, "declined", state=study.state)


def stay(participant: Participant) -> None:
    """Extend the lease of a participant who is here; one whose places were released gets them back where the study is not full.

    Raises:
        StudyFull: it is full by now, and the run ends.
    """
    file = selectors.design_file(participant.design_id)
    until = timezone.now() + timedelta(minutes=file.participants.lease_minutes)
    if not participant.released:
        Participant.objects.filter(pk=participant.pk, state=State.UNDER_WAY).update(lease_until=until)
        return
    with transaction.atomic():
        row = services.locked(participant.study_id)
        if selectors.places_taken(row, participant.mode) >= row.places and participant.mode != Participant.Mode.PREVIEW:
            Participant.objects.filter(pk=participant.pk).update(state=State.LEFT, finished_at=timezone.now())
            full = True
        else:
            services.take_back(participant)
            Participant.objects.filter(pk=participant.pk).update(lease_until=until)
            full = False
    if full:
        raise StudyFull


def answer_questions(
    participant: Participant, *, questions: Sequence[Question], answers: Mapping[tuple[str, str], str], attempt: int = 1
) -> None:
    """Store the answers of a step by (question, row). The same step sent again changes nothing."""
    rows = [
        StudyAnswer(participant=participant, step=participant.step, attempt=attempt, question=question, row=row, value=value)
        for (question, row), value in answers.items()
        if question in {one.id for one in questions}
    ]
    with transaction.atomic():
        if Participant.objects.select_for_update(no_key=True).filter(pk=participant.pk, state=State.UNDER_WAY).first():
            StudyAnswer.objects.bulk_create(rows, ignore_conflicts=True)


def pass_step(participant: Participant, step: str) -> None:
    """Go on to the next step, once: a form that is sent twice changes nothing. The last step completes the run.

    Raises:
        RunEnded: the run has ended.
    """
    file = selectors.design_file(participant.design_id)
    following = step_after(file, step)
    changes: dict[str, object] = {"step": following, "page": None}  # the next trials are shown for the first time
    if following == DONE:
        changes |= {"state": State.COMPLETED, "finished_at": timezone.now()}
    moved = Participant.objects.filter(pk=participant.pk, step=step, state=State.UNDER_WAY).update(**changes)
    if not moved and not Participant.objects.filter(pk=participant.pk, step__in=steps_of(file)).exists():
        raise RunEnded


def trials_are_done(participant: Participant, step: str) -> bool:
    """Whether every trial of a step is stored."""
    own = trials_of_step(selectors.trials_of(participant), step)
    return participant.next_place > own[-1].place if own else True


def end_run(participant: Participant, state: str, *, note: str = "") -> None:
    """End a run before its end: screened out, comprehension not passed, left, technical fault. The places are released."""
    with transaction.atomic():
        services.locked(participant.study_id)
        ended = Participant.objects.filter(pk=participant.pk, state=State.UNDER_WAY)
        if ended.update(state=state, finished_at=timezone.now(), fault_note=note[:200]):
            services.release(participant, why=state)


def count_comprehension_try(participant: Participant, attempt: int) -> bool:
    """Count a try at the comprehension questions. False where its form was sent before."""
    own = Participant.objects.filter(pk=participant.pk, comprehension_tries=attempt - 1, step="comprehension", state=State.UNDER_WAY)
    return bool(own.update(comprehension_tries=attempt))


def claim_page(participant: Participant, *, page: UUID, insists: bool) -> None:
    """Let one tab show the trials of a step; it keeps its id when it is reloaded. Another tab is refused while the first is heard of,
    unless the participant insists.

    Raises:
        OpenElsewhere: another tab shows them.
        RunEnded: the page was opened again, which this study does not allow, or too late.
    """
    now = timezone.now()
    if participant.page:
        heard = participant.page_seen_at or now
        if participant.page != page and now - heard < PAGE_IS_OPEN and not insists:
            raise OpenElsewhere
        resume = selectors.design_file(participant.design_id).resume
        if participant.step == "trials" and (resume == "never" or (resume == "reload" and now - heard > RELOAD_WITHIN)):
            end_run(participant, State.LEFT, note=f"opened again; resume is {resume}")
            raise RunEnded
        TrialEvent.objects.create(
            participant=participant, client_id=uuid4(), kind=TrialEvent.Kind.RESUME, place=participant.next_place, data={"insists": insists}
        )
    Participant.objects.filter(pk=participant.pk).update(page=page, page_seen_at=now)


def withdraw(code: str, study: Study) -> Participant | None:
    """Erase everything about a participant but for what the dealing of others rests on. None where nobody has this code."""
    with transaction.atomic():
        services.locked(study.pk)
        # The row is locked before anything is deleted: an answer that is being stored meanwhile is deleted, too.
        own = Participant.objects.select_for_update(of=("self",), no_key=True).select_related("study")
        participant = own.filter(study=study, withdrawal_code=code).first()
        if participant is None or participant.state == State.WITHDRAWN:
            return participant
        Trial.objects.filter(participant=participant).delete()
        TrialEvent.objects.filter(participant=participant).delete()
        StudyAnswer.objects.filter(participant=participant).delete()
        external_id_services.forget_ids(ParticipantIdentity.objects.filter(participant=participant))
        Exclusion.objects.filter(participant=participant).delete()
        StudyAnalysis.objects.filter(study=study).delete()
        services.release(participant, why="withdrawn")
        Participant.objects.filter(pk=participant.pk).update(state=State.WITHDRAWN, lease_until=timezone.now(), **ERASED)
        services.forget_in_log(participant)
        services.log(study, "withdrawn", mode=participant.mode, number=participant.number)
        participant.state = State.WITHDRAWN
    return participant
