"""Reads for analyses of agreement."""

import math
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User

from ratings.agreement.models import AgreementAnalysis
from ratings.deck.selectors import current_ratings

CHOSEN_BY_TASTE = "teach"
"""Algorithm of presentations that the taste model chose: no random sample of the photos, nor of the rater's opinions."""


@dataclass(frozen=True)
class SharedCatalogueRatings:
    """Ratings of everybody's photos, as columns."""

    raters: list[str]
    photos: list[str]
    scores: list[float]
    seconds: list[float]  # the photo was visible before the rating; nan where that is unknown
    left_out_count: int  # ratings of photos that the taste model chose


def ratings_to_analyse() -> SharedCatalogueRatings:
    """The current ratings of photos in the shared catalogue that were presented by chance. Own photos are private, and never among them."""
    ratings = current_ratings().filter(presentation__photo__owner=None)
    by_chance = ratings.exclude(presentation__algorithm=CHOSEN_BY_TASTE)
    rows = list(by_chance.values_list("rater_id", "presentation__photo_id", "value", "on_screen_ms"))
    return SharedCatalogueRatings(
        [str(rater) for rater, _photo, _value, _ms in rows],
        [str(photo) for _rater, photo, _value, _ms in rows],
        [float(value) for _rater, _photo, value, _ms in rows],
        [math.nan if ms is None else ms / 1000 for _rater, _photo, _value, ms in rows],
        ratings.count() - len(rows),
    )


def may_see(user: User | AnonymousUser) -> bool:
    """Whether this user may look at analyses, and request one."""
    return user.has_perm("ratings.view_agreementanalysis")


def analyses() -> list[AgreementAnalysis]:
    """All analyses, the newest first, without their files."""
    return list(AgreementAnalysis.objects.defer("files").order_by("-created_at"))


def analysis(analysis_id: UUID) -> AgreementAnalysis | None:
    return AgreementAnalysis.objects.filter(id=analysis_id).first()
