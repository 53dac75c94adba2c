"""All tables; each is defined by its subject."""

from ratings.agreement.models import AgreementAnalysis
from ratings.albums.models import Album, AlbumPhoto
from ratings.deck.models import Presentation, RatingEvent, Value
from ratings.exports.models import ModelExport
from ratings.photos.models import Catalogue, Photo
from ratings.ranking.models import Bank, ExactRefit, Fit, PhotoFeatures, PopulationPrior, Projection, RawFeatures
from ratings.raters.models import Invitation, MergedGuest, Rater

__all__ = [
    "AgreementAnalysis",
    "Album",
    "AlbumPhoto",
    "Bank",
    "Catalogue",
    "ExactRefit",
    "Fit",
    "Invitation",
    "MergedGuest",
    "ModelExport",
    "Photo",
    "PhotoFeatures",
    "PopulationPrior",
    "Presentation",
    "Projection",
    "Rater",
    "RatingEvent",
    "RawFeatures",
    "Value",
]
