"""Writes of trials: each is stored once, in order, and never changed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from ratings.studies import selectors
from ratings.studies.dealing import DealtTrial
from ratings.studies.design import StudyFile
from ratings.studies.errors import BadAnswer, NotThisTrial, OpenElsewhere, RunEnded, UnknownTrial
from ratings.studies.models import Participant, Trial, TrialEvent
from ratings.studies.steps import trials_of_step

EARLY_MS = 50  # timers of browsers are that exact
LATE_MS = 250  # after the limit, for an answer that was under way when the time was up


@dataclass(frozen=True)
class Answer:
    """What a page sends of a trial; `raw` are the columns of `Trial` that are stored as they come."""

    client_id: UUID
    place: int
    token: str
    page: UUID
    value: int | None
    skipped: bool
    timed_out: bool
    raw: Mapping[str, Any]


def token_of(participant_id: UUID, place: int) -> str:
    """What proves that a trial was dealt to this participant."""
    return salted_hmac("ratings.studies.trial", f"{participant_id} {place}", algorithm="sha256").hexdigest()[:32]


def record_trial(participant: Participant, answer: Answer) -> bool:
    """Store a trial. False where this very answer was stored before.

    Raises:
        UnknownTrial: the token is forged, or of somebody else.
        BadAnswer: the value is not on the scale, or comes too early or too late.
        NotThisTrial: another trial comes next.
        OpenElsewhere: another tab has taken over.
        RunEnded: the run has ended.
    """
    trial = _dealt(participant, answer.place, answer.token)
    file = selectors.file_of(participant)
    _check(file, trial, answer)
    photos = selectors.study_photo_ids(participant.design_id)
    before = selectors.trials_of(participant)[answer.place - 1] if answer.place else None
    until = timezone.now() + timedelta(minutes=file.participants.lease_minutes)
    with transaction.atomic():
        # The participant's row is locked from here: of two posts of the same trial, one moves on.
        own = Participant.objects.filter(pk=participant.pk, next_place=answer.place, state=Participant.State.UNDER_WAY)
        moved = own.filter(step=_step(trial)).update(next_place=answer.place + 1, lease_until=until, page_seen_at=timezone.now())
        if not moved:
            return _explain(participant, answer)
        attempt = 0
        if file.trials.undo:
            attempt = TrialEvent.objects.filter(participant=participant, kind=TrialEvent.Kind.UNDO, place=answer.place).count()
        Trial.objects.create(
            participant=participant,
            client_id=answer.client_id,
            place=trial.place,
            attempt=attempt,
            phase=trial.phase,
            block=trial.block,
            position=trial.position,
            photo_id=None if trial.photo is None else photos[trial.photo],
            photo_before_id=photos[before.photo] if before and before.photo is not None else None,
            repeat_of=trial.repeat_of,
            dealt_by=trial.dealt_by,
            probability=trial.probability,
            check_value=trial.check_value,
            value=answer.value,
            skipped=answer.skipped,
            timed_out=answer.timed_out,
            **answer.raw,
        )
    return True


def _step(trial: DealtTrial) -> str:
    return "practice" if trial.phase == "practice" else "trials"


def _dealt(participant: Participant, place: int, token: str) -> DealtTrial:
    trials = selectors.trials_of(participant)
    if not constant_time_compare(token, token_of(participant.pk, place)) or not 0 <= place < len(trials):
        raise UnknownTrial
    return trials[place]


def _check(file: StudyFile, trial: DealtTrial, answer: Answer) -> None:
    """Refuse what the page could not have sent."""
    rules, raw = file.trials, answer.raw
    seconds = (raw["answer_ms"] - raw["shown_ms"]) / 1000
    if seconds < 0 or not math.isfinite(seconds):
        raise BadAnswer(_("The answer is from before the photo was shown."))
    if answer.timed_out:
        if rules.limit_seconds is None or trial.phase == "check":
            raise BadAnswer(_("This study has no time limit."))
        if answer.value is not None or answer.skipped:
            raise BadAnswer(_("A trial that ran out of time has no value."))
        if seconds * 1000 < rules.limit_seconds * 1000 - EARLY_MS:
            raise BadAnswer(_("The time limit was not over yet."))
        return
    if answer.skipped and (not rules.skip or trial.phase == "check" or answer.value is not None):
        raise BadAnswer(_("This trial cannot be skipped."))
    values = [value.value for value in file.scale.values]
    if not answer.skipped and answer.value not in values:
        raise BadAnswer(
            _("{value} is not on the scale, which goes from {low} to {high}.").format(value=answer.value, low=values[0], high=values[-1])
        )
    if any(value not in values for _time, value in raw["changes"]):
        raise BadAnswer(_("A choice is not on the scale."))
    if trial.phase != "check" and seconds + 0.001 < rules.minimum_seconds:
        raise BadAnswer(_("The photo must be seen for {n} seconds first.").format(n=rules.minimum_seconds))
    if trial.phase != "check" and rules.limit_seconds is not None and seconds * 1000 > rules.limit_seconds * 1000 + LATE_MS:
        raise BadAnswer(_("The answer came after the time limit."))


def _explain(participant: Participant, answer: Answer) -> bool:
    """Why the participant did not move on; False where this very answer was the reason."""
    stored = Trial.objects.filter(participant=participant, client_id=answer.client_id).first()
    if stored and (stored.place, stored.value, stored.skipped) == (answer.place, answer.value, answer.skipped):
        return False
    if stored:
        raise BadAnswer(_("This client id belongs to another answer."))
    now = Participant.objects.get(pk=participant.pk)
    if now.state != Participant.State.UNDER_WAY:
        raise RunEnded
    if now.page and now.page != answer.page:
        raise OpenElsewhere
    raise NotThisTrial


def undo_trial(participant: Participant, *, client_id: UUID, place: int) -> None:
    """Take back the last trial of this step, where the design allows it: it is shown again, and its row stays.

    Raises:
        BadAnswer: this study has no undo, or there is nothing to take back.
        NotThisTrial: it is not the last one.
    """
    file = selectors.file_of(participant)
    own = trials_of_step(selectors.trials_of(participant), participant.step)
    if not file.trials.undo or not own or not own[0].place <= place <= own[-1].place:
        raise BadAnswer(_("There is nothing to undo."))
    with transaction.atomic():
        moved = Participant.objects.filter(
            pk=participant.pk, next_place=place + 1, step=participant.step, state=Participant.State.UNDER_WAY
        ).update(next_place=place, page_seen_at=timezone.now())
        if moved:
            TrialEvent.objects.create(participant=participant, client_id=client_id, kind=TrialEvent.Kind.UNDO, place=place)
            return
    if not TrialEvent.objects.filter(participant=participant, client_id=client_id).exists():
        raise NotThisTrial


def note_event(participant: Participant, *, client_id: UUID, kind: str, place: int, data: Mapping[str, object]) -> None:
    """Store what happened around a trial, once; nothing of whoever has withdrawn."""
    event = TrialEvent(participant=participant, client_id=client_id, kind=kind, place=place, data=dict(data))
    with transaction.atomic():
        own = Participant.objects.filter(pk=participant.pk).exclude(state=Participant.State.WITHDRAWN)
        if own.update(page_seen_at=timezone.now()):
            TrialEvent.objects.bulk_create([event], ignore_conflicts=True)
