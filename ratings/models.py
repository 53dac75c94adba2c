"""All tables; each is defined by its subject."""

from ratings.agreement.models import AgreementAnalysis
from ratings.albums.models import Album, AlbumPhoto
from ratings.deck.models import Presentation, RatingEvent, Value
from ratings.downloads.models import Download
from ratings.exports.models import ModelExport
from ratings.photos.models import Catalogue, Photo, PhotoView
from ratings.ranking.models import Bank, ExactRefit, Fit, PhotoFeatures, PopulationPrior, Projection, RawFeatures
from ratings.raters.models import Invitation, MergedGuest, Rater
from ratings.studies.models import (
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
from ratings.uploads.models import Original, Upload

__all__ = [
    "AgreementAnalysis",
    "Album",
    "AlbumPhoto",
    "Bank",
    "BarredId",
    "Catalogue",
    "Download",
    "ExactRefit",
    "Exclusion",
    "Fit",
    "Invitation",
    "MergedGuest",
    "ModelExport",
    "Original",
    "Participant",
    "ParticipantIdentity",
    "Photo",
    "PhotoFeatures",
    "PhotoView",
    "PopulationPrior",
    "Presentation",
    "Projection",
    "Rater",
    "RatingEvent",
    "RawFeatures",
    "Study",
    "StudyAnalysis",
    "StudyAnswer",
    "StudyDesign",
    "StudyInvitation",
    "StudyLog",
    "StudyPhoto",
    "Trial",
    "TrialEvent",
    "Upload",
    "Value",
]
