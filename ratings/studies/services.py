"""Writes of studies by researchers: designs, states, what may change after opening, exclusions. Every one is logged."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from ratings.photos.models import Photo
from ratings.studies import consents, external_id_services, selectors
from ratings.studies.design import StudyFile
from ratings.studies.errors import BadStudy
from ratings.studies.models import (
    BarredId,
    Exclusion,
    Participant,
    Study,
    StudyDesign,
    StudyInvitation,
    StudyLog,
    StudyPhoto,
)
from ratings.studies.yaml_reading import MOST_BYTES

State = Study.State
NEXT_STATES: dict[str, tuple[str, ...]] = {
    State.DRAFT: (State.PREVIEW, State.PILOT, State.OPEN),
    State.PREVIEW: (State.DRAFT, State.PILOT, State.OPEN),
    State.PILOT: (State.DRAFT, State.OPEN),
    State.OPEN: (State.PAUSED, State.CLOSED),
    State.PAUSED: (State.OPEN, State.CLOSED),
    State.CLOSED: (State.OPEN, State.ARCHIVED),
    State.ARCHIVED: (),
}
SHOWN_TO_PARTICIPANTS = (State.PREVIEW, State.PILOT, State.OPEN)
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is easily taken for another


def create_study(*, owner_id: int | None, slug: str, text: str) -> Study:
    """A new draft.

    Raises:
        BadStudy: another study has this name.
    """
    try:
        with transaction.atomic():
            study = Study.objects.create(owner_id=owner_id, slug=slug, draft=text)
            log(study, "created", by=owner_id)
    except IntegrityError:
        raise BadStudy(_("Another study is called {slug}. Choose another name.").format(slug=slug)) from None
    return study


def save_draft(study: Study, text: str, *, by: int | None) -> None:
    """Change a draft; it may be unfinished, and have problems.

    Raises:
        BadStudy: the design is frozen, participants see it now, or it is too large for anything to read it.
    """
    if len(text.encode()) > MOST_BYTES:
        raise BadStudy(_("The design is larger than {n} kB, so it was not saved.").format(n=MOST_BYTES // 1000))
    if study.state != State.DRAFT or _was_opened(study):
        raise BadStudy(_("The design is frozen. Only a draft can be changed."))
    changed = Study.objects.filter(pk=study.pk, state=State.DRAFT).update(draft=text)
    if not changed:
        raise BadStudy(_("The design is frozen. Only a draft can be changed."))
    log(study, "saved", by=by, sha256=sha256(text))


def change_state(study: Study, to: str, *, by: int | None) -> Study:
    """Take a study to another state. The first step towards participants checks the design; opening freezes it.

    Raises:
        BadStudy: this step does not exist, or the design has problems.
    """
    with transaction.atomic():
        row = locked(study.pk)
        if to not in NEXT_STATES[row.state]:
            raise BadStudy(_("A study that is “{old}” cannot become “{new}”.").format(old=row.get_state_display(), new=State(to).label))
        if row.state == State.PREVIEW:
            Participant.objects.filter(study=row, mode=Participant.Mode.PREVIEW).delete()
        if to in SHOWN_TO_PARTICIPANTS and not (to == State.OPEN and _was_opened(row)):
            _freeze(row, is_opening=to == State.OPEN)
        if to == State.DRAFT:
            _let_photos_go(row)
        old, row.state = row.state, to
        row.save(update_fields=["state", "design", "places", "ends_at", "contact"])
        if to in (State.OPEN, State.CLOSED):
            external_id_services.date_again(row)
        log(row, "state", by=by, old=old, new=to, design=row.design.hash if row.design else None)
    return row


def locked(study_id: int) -> Study:
    """The row of a study, locked until commit: one short lock per study, for dealing and for its state."""
    return Study.objects.select_for_update(no_key=True).get(pk=study_id)


def _was_opened(study: Study) -> bool:
    return StudyDesign.objects.filter(study=study, is_opening=True).exists()


def _freeze(study: Study, *, is_opening: bool) -> None:
    file, problems = selectors.problems_of(study.draft)
    faults = [problem for problem in problems if not problem.is_advice]
    if file is None or faults:
        raise BadStudy(_("The design has problems: {first}").format(first=faults[0]))
    if file.slug != study.slug:
        raise BadStudy(_("The design is for “{other}”, and this study is “{own}”.").format(other=file.slug, own=study.slug))
    design, _created = StudyDesign.objects.get_or_create(
        study=study,
        hash=sha256(study.draft),
        is_opening=is_opening,
        defaults={"text": study.draft, "consent_hashes": consents.hashes(file), "versions": selectors.versions()},
    )
    _hold_photos(study, file)
    study.design, study.places, study.contact = design, file.participants.places, file.contact
    study.ends_at = datetime.combine(file.ends_at + timedelta(days=1), datetime.min.time(), UTC) if file.ends_at else None


def _hold_photos(study: Study, file: StudyFile) -> None:
    """Protect the photos of a design from deletion."""
    held = set(StudyPhoto.objects.filter(study=study).values_list("sha256", flat=True))
    wanted = {photo.sha256: photo.category for photo in file.photos}
    photos = Photo.objects.filter(owner=None, sha256__in=wanted.keys() - held)
    StudyPhoto.objects.bulk_create(
        StudyPhoto(study=study, photo=photo, sha256=photo.sha256, category=wanted[photo.sha256]) for photo in photos
    )
    for category in set(wanted.values()):  # a draft may have changed it since a preview
        own = [sha256 for sha256, its in wanted.items() if its == category]
        StudyPhoto.objects.filter(study=study, sha256__in=own).exclude(category=category).update(category=category)


def _let_photos_go(study: Study) -> None:
    """Forget designs that nobody has seen, so that their photos may be deleted again. One with data keeps its photos."""
    if Participant.objects.filter(study=study).exists():
        return
    study.design = None
    study.save(update_fields=["design"])
    StudyDesign.objects.filter(study=study).delete()
    StudyPhoto.objects.filter(study=study).delete()


def change_open_study(study: Study, *, places: int, ends_at: datetime | None, contact: str, by: int | None) -> bool:
    """Change what may change after opening: how many take part, the end, the contact. False where all of it was so before.

    Raises:
        BadStudy: the study was not opened yet, so its file says all of this.
    """
    with transaction.atomic():
        row = locked(study.pk)
        if not row.is_frozen:
            raise BadStudy(_("This study is not open yet: change its design."))
        old = {"places": row.places, "ends_at": str(row.ends_at or ""), "contact": row.contact}
        row.places, row.ends_at, row.contact = places, ends_at, contact
        row.save(update_fields=["places", "ends_at", "contact"])
        new = {"places": places, "ends_at": str(ends_at or ""), "contact": contact}
        changes = {name: [old[name], value] for name, value in new.items() if value != old[name]}
        if "ends_at" in changes:
            external_id_services.date_again(row)
        if changes:
            log(row, "changed", by=by, **changes)
    return bool(changes)


def exclude(participant: Participant, *, reason: str, by: int | None) -> None:
    """Exclude a participant, or change the reason. The rows stay; the places are given to others."""
    with transaction.atomic():
        locked(participant.study_id)
        Exclusion.objects.update_or_create(participant=participant, defaults={"reason": reason, "excluded_by_id": by})
        log(participant.study, "excluded", by=by, mode=participant.mode, number=participant.number, reason=reason)
        release(participant, why="excluded")


def include(participant: Participant, *, by: int | None) -> None:
    """Take an exclusion back."""
    with transaction.atomic():
        locked(participant.study_id)
        if Exclusion.objects.filter(participant=participant).delete()[0]:
            log(participant.study, "included", by=by, mode=participant.mode, number=participant.number)
            if participant.state in (Participant.State.COMPLETED, Participant.State.UNDER_WAY):
                take_back(participant)


def release(participant: Participant, *, why: str) -> None:
    """Give a participant's places to others; the caller holds the study's lock."""
    if Participant.objects.filter(pk=participant.pk, released=False).update(released=True):
        log(participant.study, "released", mode=participant.mode, number=participant.number, why=why)


def take_back(participant: Participant) -> None:
    """Count a participant again; the caller holds the study's lock."""
    if Participant.objects.filter(pk=participant.pk, released=True).update(released=False):
        log(participant.study, "returned", mode=participant.mode, number=participant.number)


def invite(study: Study, count: int, *, by: int | None) -> list[str]:
    """New invitation codes."""
    codes = [get_random_string(10, LETTERS) for _number in range(count)]
    StudyInvitation.objects.bulk_create(StudyInvitation(study=study, code=code) for code in codes)
    log(study, "invited", by=by, count=count)
    return codes


def bar_ids(study: Study, ids: Iterable[str], *, by: int | None) -> int:
    """Ids that may not take part; only keyed hashes of them are kept. Returns how many are new."""
    keys = {external_id_services.id_key(study.pk, one) for one in ids if one.strip()}
    before = BarredId.objects.filter(study=study).count()
    BarredId.objects.bulk_create((BarredId(study=study, key=key) for key in keys), ignore_conflicts=True)
    added = BarredId.objects.filter(study=study).count() - before
    log(study, "barred", by=by, count=added)
    return added


def release_expired(study: Study, mode: str) -> None:
    """Release the places of those who went away; the caller holds the study's lock."""
    under_way = Participant.objects.filter(study=study, mode=mode, state=Participant.State.UNDER_WAY, released=False)
    for participant in under_way.filter(lease_until__lt=timezone.now()).select_related("study"):
        release(participant, why="away")


def tidy() -> None:
    """What is due by the clock: ids to erase, studies to close, places to release."""
    external_id_services.erase_due()
    for study in Study.objects.filter(state__in=(State.OPEN, State.PILOT)):
        with transaction.atomic():
            row = locked(study.pk)
            release_expired(row, Participant.Mode.MAIN)
            release_expired(row, Participant.Mode.PILOT)
        if row.state == State.OPEN and row.ends_at and row.ends_at <= timezone.now():
            change_state(row, State.CLOSED, by=None)


def participant_of(study: Study, participant_id: UUID) -> Participant | None:
    return Participant.objects.select_related("study").filter(study=study, id=participant_id).first()


def log(study: Study, kind: str, *, by: int | None = None, **data: object) -> None:
    """One line of the study's log."""
    StudyLog.objects.create(study=study, kind=kind, data=data, made_by_id=by)


def forget_in_log(participant: Participant) -> None:
    """Leave only the number, and the design that it was dealt, in the log's lines about a participant: `dealing.replay` needs no more to
    deal the others again."""
    own = {"mode": participant.mode, "number": participant.number}
    lines = StudyLog.objects.filter(study=participant.study_id, data__mode=participant.mode, data__number=participant.number)
    lines.filter(kind__in=("excluded", "included")).delete()
    lines.update(data=own)
    lines.filter(kind="dealt").update(data=own | {"design": participant.design.hash})


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
