"""Photo features: the current bank, photos that have no features yet, and storing features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from pgvector import HalfVector

from ratings.photos.models import Photo
from ratings.ranking import population_prior
from ratings.ranking.models import Bank, PhotoFeatures

READ_AT_ONCE = 500  # photos


@dataclass(frozen=True)
class Progress:
    """Photos in all, and those that have features of the current bank: these can be dealt and ranked."""

    total: int
    ready: int


def current_bank() -> str | None:
    """Hash of the bank that photos are ranked by."""
    return Bank.objects.filter(is_current=True).values_list("hash", flat=True).first()


def use_bank(*, hash: str, metadata: dict[str, Any]) -> None:
    """Make a bank the current one. Photos without features of it are found by the sweeper."""
    with transaction.atomic():
        Bank.objects.exclude(hash=hash).filter(is_current=True).update(is_current=False)
        Bank.objects.update_or_create(hash=hash, defaults={"metadata": metadata, "is_current": True})


def store_features(*, photo_id: int, bank: str, generic_score: float, features: Sequence[float]) -> None:
    """Store a photo's features and its predicted population scores; where the bank has them already, nothing changes."""
    with transaction.atomic():
        scores = HalfVector(population_prior.scores_of_new_photo(bank, features))
        row = PhotoFeatures(
            photo_id=photo_id, bank_id=bank, generic_score=generic_score, features=HalfVector(list(features)), population_scores=scores
        )
        PhotoFeatures.objects.bulk_create([row], ignore_conflicts=True)


def photos_to_extract(photo_id: int, limit: int) -> list[Photo]:
    """The photo and others after it without features of the current bank; none where this one is deleted or has features."""
    waiting = Photo.objects.exclude(photofeatures__bank__is_current=True).filter(id__gte=photo_id).order_by("id")[:limit]
    found = list(waiting)
    return found if found and found[0].id == photo_id else []


def photos_without_features() -> Iterator[Photo]:
    """Photos without features of the current bank, read as far as the caller iterates."""
    bank, last = current_bank(), 0
    while bank and (found := list(Photo.objects.exclude(photofeatures__bank=bank).filter(id__gt=last).order_by("id")[:READ_AT_ONCE])):
        yield from found
        last = found[-1].id


def progress() -> Progress:
    """All photos of all owners, and how many have features of the current bank."""
    return Progress(Photo.objects.count(), PhotoFeatures.objects.filter(bank=current_bank()).count())
