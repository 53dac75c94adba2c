"""Tables of studies in the administration."""

from django.contrib import admin

from ratings.admin.read_only import ReadOnly
from ratings.models import (
    BarredId,
    Exclusion,
    Participant,
    ParticipantIdentity,
    Study,
    StudyAnalysis,
    StudyAnswer,
    StudyDesign,
    StudyInvitation,
    StudyLog,
    StudyPhoto,
    Trial,
    TrialEvent,
)


class StudyTableAdmin(ReadOnly):
    """Tables of studies belong to their researchers; an administrator sees that they are there."""


class IdentityAdmin(ReadOnly):
    """Ids from outside are nobody's business, not even an administrator's."""

    list_display = ("participant", "kind", "erase_on")
    exclude = ("external_id", "external_study", "external_session")


TABLES = (BarredId, Exclusion, Participant, Study, StudyAnalysis, StudyAnswer, StudyDesign, StudyInvitation, StudyLog, StudyPhoto)
for table in (*TABLES, Trial, TrialEvent):
    admin.site.register(table, StudyTableAdmin)
admin.site.register(ParticipantIdentity, IdentityAdmin)
