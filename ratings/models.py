"""All tables; each is defined by its subject."""

from ratings.agreement.models import AgreementAnalysis
from ratings.albums.models import Album, AlbumPhoto
from ratings.deck.models import Presentation, RatingEvent, Value
from ratings.downloads.models import Download
from ratings.exports.models import ModelExport
from ratings.photos.models import Catalogue, Photo, PhotoView
from ratings.ranking.models import Bank, ExactRefit, Fit, PhotoFeatures, PopulationPrior, Projection, RawFeatures
from ratings.raters.models import Invitation, MergedGuest, Rater
from ratings.uploads.models import Original, Upload

__all__ = [
    "AgreementAnalysis",
    "Album",
    "AlbumPhoto",
    "Bank",
    "Catalogue",
    "Download",
    "ExactRefit",
    "Fit",
    "Invitation",
    "MergedGuest",
    "ModelExport",
    "Original",
    "Photo",
    "PhotoFeatures",
    "PhotoView",
    "PopulationPrior",
    "Presentation",
    "Projection",
    "Rater",
    "RatingEvent",
    "RawFeatures",
    "Upload",
    "Value",
]
