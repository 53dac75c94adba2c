"""Stars that files bring along, offered as first ratings."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from ratings.deck import services as deck
from ratings.deck.models import Value
from ratings.uploads import selectors


def as_rating(stars: int) -> Value:
    """What somebody who gives stars would have swiped: rejected or up to two is no, three and four are liked, five are loved."""
    if stars <= 2:
        return Value.DISLIKE
    return Value.LOVE if stars >= 5 else Value.LIKE


def counts(found: Mapping[int, int]) -> dict[str, int]:
    """How many photos would get, or got, each rating, from their stars."""
    values = Counter(as_rating(stars) for stars in found.values())
    return {"love": values[Value.LOVE], "like": values[Value.LIKE], "dislike": values[Value.DISLIKE]}


def import_ratings(*, rater_id: UUID, album_id: UUID) -> dict[int, int]:
    """Record the stars of an album's unrated photos as ratings; returns the stars."""
    found = selectors.file_ratings(rater_id, album_id)
    deck.record_imported(rater_id=rater_id, values={photo: as_rating(stars) for photo, stars in found.items()})
    return found
