"""All tables; each is defined by its subject."""

from ratings.agreement.models import AgreementAnalysis
from ratings.deck.models import Presentation, RatingEvent, Value
from ratings.exports.models import ModelExport
from ratings.photos.models import Photo
from ratings.ranking.models import Bank, ExactRefit, Fit, PhotoFeatures, PopulationPrior, Projection, RawFeatures
from ratings.raters.models import Invitation, MergedGuest, Rater
from ratings.studies.models import (
    BarredId,
    Exclusion,
    Participant,
    ParticipantIdentity,
    Study,
    StudyAnswer,
    StudyDesign,
    StudyInvitation,
    StudyLog,
    StudyPhoto,
    Trial,
    TrialEvent,
)

__all__ = [
    "AgreementAnalysis",
    "Bank",
    "BarredId",
    "ExactRefit",
    "Exclusion",
    "Fit",
    "Invitation",
    "MergedGuest",
    "ModelExport",
    "Participant",
    "ParticipantIdentity",
    "Photo",
    "PhotoFeatures",
    "PopulationPrior",
    "Presentation",
    "Projection",
    "Rater",
    "RatingEvent",
    "RawFeatures",
    "Study",
    "StudyAnswer",
    "StudyDesign",
    "StudyInvitation",
    "StudyLog",
    "StudyPhoto",
    "Trial",
    "TrialEvent",
    "Value",
]
