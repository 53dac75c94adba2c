"""API of a study's trials."""

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from ninja import Router, Status
from ninja.security import APIKeyCookie

from ratings import limits
from ratings.photos.models import Photo
from ratings.problems import PROBLEMS
from ratings.studies import participation_services, schemas, selectors, sessions, trial_services
from ratings.studies.dealing import DealtTrial
from ratings.studies.errors import RunEnded
from ratings.studies.models import Participant
from ratings.studies.steps import trials_of_step


class ParticipantSession(APIKeyCookie):
    """The session cookie of whoever has consented to this study. Writes also need the CSRF token in the header `X-CSRFToken`."""

    param_name = settings.SESSION_COOKIE_NAME

    def authenticate(self, request: HttpRequest, key: str | None) -> Participant | None:
        slug = request.resolver_match.kwargs["slug"] if request.resolver_match else ""
        participant_id = sessions.run_in(request.session, slug)
        participant = selectors.participant_by_id(participant_id) if participant_id else None
        return participant if participant and participant.study.slug == slug else None


class ParticipantRequest(HttpRequest):
    """A request of a participant."""

    auth: Participant


router = Router(auth=ParticipantSession())


@router.post("/studies/{slug}/claim", response={200: schemas.RunOut, **PROBLEMS})
def claim(request: ParticipantRequest, slug: str, body: schemas.ClaimIn) -> dict[str, object]:
    """Show the trials in this tab: those of the step that have no answer yet. Another tab is refused meanwhile."""
    participant = _under_way(request)
    participation_services.claim_page(participant, page=body.page, insists=body.insists)
    participation_services.stay(participant)
    file = selectors.file_of(participant)
    own = trials_of_step(selectors.trials_of(participant), participant.step)
    rows = selectors.study_photo_ids(participant.design_id)
    taken = selectors.breaks_of(participant)
    left = [replace(trial, break_before=False) if trial.place in taken else trial for trial in own if trial.place >= participant.next_place]
    photos = selectors.photos_by_study_photo({rows[trial.photo] for trial in left if trial.photo is not None})

    def out(trial: DealtTrial) -> dict[str, object]:
        row = None if trial.photo is None else rows[trial.photo]
        photo = photos[row] if row is not None else None

        def address(photo: Photo, name: str) -> str:
            return reverse("study_photo", args=[slug, row, photo.content_hash, name])

        return schemas.trial_out(file, participant, trial, 1 + trial.place - own[0].place, photo, address)

    return {"trials": [out(trial) for trial in left], "total": len(own), "can_undo": file.trials.undo}


@router.post("/studies/{slug}/trials", response={201: schemas.StoredOut, 200: schemas.StoredOut, **PROBLEMS})
def answer(request: ParticipantRequest, slug: str, trial: schemas.TrialIn) -> Status[dict[str, object]]:
    """Store the answer of a trial. 201: stored; 200: this very answer had been stored before."""
    limits.check("RATINGS", str(request.auth.pk))
    stored = trial_services.record_trial(_may_still_send(request), trial.as_answer())
    return Status(201 if stored else 200, {"stored": stored})


@router.post("/studies/{slug}/undo", response={200: schemas.StoredOut, **PROBLEMS})
def undo_trial(request: ParticipantRequest, slug: str, undo: schemas.UndoIn) -> dict[str, object]:
    """Take the last trial back, where the study allows it. With a client id, the same request again changes nothing."""
    limits.check("RATINGS", str(request.auth.pk))
    trial_services.undo_trial(_may_still_send(request), client_id=undo.client_id, place=undo.place)
    return {"stored": True}


@router.post("/studies/{slug}/events", response={200: schemas.StoredOut, **PROBLEMS})
def note(request: ParticipantRequest, slug: str, event: schemas.EventIn) -> dict[str, object]:
    """Store what happened around a trial: a break, a photo that could not be loaded."""
    limits.check("RATINGS", str(request.auth.pk))
    data = {"started_ms": event.started_ms, "ended_ms": event.ended_ms}
    trial_services.note_event(_may_still_send(request), client_id=event.client_id, kind=event.kind, place=event.place, data=data)
    return {"stored": True}


def _under_way(request: ParticipantRequest) -> Participant:
    participant = _may_still_send(request)
    if participant.state != Participant.State.UNDER_WAY:
        raise RunEnded
    return participant


def _may_still_send(request: ParticipantRequest) -> Participant:
    refusal = selectors.may_go_on(request.auth)
    if refusal:
        raise refusal
    return request.auth
