"""Ids by which participants come from outside: which ones may not, or not again, and when each is erased."""

import hashlib
import hmac
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ratings.studies import selectors
from ratings.studies.design import StudyFile
from ratings.studies.models import BarredId, Participant, ParticipantIdentity, Study


def id_key(study_id: int, external_id: str) -> str:
    """Keyed hash of an id, different for each study."""
    return hmac.new(settings.SECRET_KEY.encode(), f"study {study_id} {external_id.strip()}".encode(), hashlib.sha256).hexdigest()


def used_key(study_id: int, mode: str, external_id: str) -> str:
    """Keyed hash of an id that has run in a mode, told apart from one that a researcher bars."""
    return id_key(study_id, f"{mode} {external_id}")


def is_barred(study: Study, key: str) -> bool:
    return BarredId.objects.filter(study=study, key=key).exists()


def forget_ids(identities: QuerySet[ParticipantIdentity]) -> int:
    """Delete ids. A keyed hash of each stays, so that it runs once as before. Returns how many."""
    rows = list(identities)
    keys = (BarredId(study_id=row.study_id, key=used_key(row.study_id, row.mode, row.external_id)) for row in rows)
    with transaction.atomic():
        BarredId.objects.bulk_create(keys, ignore_conflicts=True)
        ParticipantIdentity.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def erase_on(study: Study, file: StudyFile, run: datetime) -> date:
    """When the id of a run is erased: `keep_ids_days` after the end of the study, or after the run where the study has no end."""
    end = study.ends_at or run
    if study.state == Study.State.CLOSED:
        end = min(end, timezone.now())
    return max(run, end).date() + timedelta(days=file.keep_ids_days)


def date_again(study: Study) -> None:
    """Erase the ids of a study when its end, as it is now, asks for it."""
    rows = list(ParticipantIdentity.objects.filter(study=study, mode=Participant.Mode.MAIN).select_related("participant"))
    file = selectors.design_file(study.design_id or 0)
    for row in rows:
        row.erase_on = erase_on(study, file, row.participant.consented_at or timezone.now())
    ParticipantIdentity.objects.bulk_update(rows, ["erase_on"], batch_size=1000)


def erase_due() -> int:
    """Erase ids whose retention is over; daily. Returns how many."""
    return forget_ids(ParticipantIdentity.objects.filter(erase_on__lte=timezone.now().date()))
